/*
 * Runs that wait: a line typed until the step's reply can be read (B4), an answer to a parked run
 * until its next output (B5), and what many parked runs cost (B6), each beside N parked runs, at
 * three sizes. The many are rows, copied from those of one that was parked in earnest.
 */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SIZES 3

/* ---- floors ------------------------------------------------------------------------------------ */

/* Sends every byte back until the other side closes. */
static pid_t echo_start(int *fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        exit(EXIT_FAILURE);
    }
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(fds[0]);
        while (read(fds[1], &c, 1) == 1 && write(fds[1], &c, 1) == 1) {
        }
        _exit(0);
    }
    close(fds[1]);
    *fd = fds[0];
    return pid;
}

static void there_and_back(int fd)
{
    char c = 'x';
    if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1) {
        exit(EXIT_FAILURE);
    }
}

static sqlite3 *open_floor_db(struct bench *b)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/floor.db", b->home);
    sqlite3_open(path, &db);
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a INTEGER "
                 "PRIMARY KEY, b TEXT)",
                 NULL, NULL, NULL);
    return db;
}

static void commit(sqlite3 *db)
{
    sqlite3_exec(db, "INSERT INTO t(b) VALUES('an answer and who gave it')", NULL, NULL, NULL);
}

/* FORKS processes, each round trip two hops, so many commits. */
static void floor_of(struct bench *b, const char *id, const char *what, int forks, int commits)
{
    double *t = calloc((size_t)b->runs, sizeof(*t));
    int fd = -1;
    bench_new_home(b);
    sqlite3 *db = open_floor_db(b);
    pid_t echo = echo_start(&fd);
    for (int i = 0; i < b->runs; i++) {
        double start = bench_now_ms();
        for (int k = 0; k < forks; k++) {
            pid_t pid = fork();
            if (pid == 0) {
                _exit(0);
            }
            waitpid(pid, NULL, 0);
        }
        there_and_back(fd);
        there_and_back(fd);
        for (int k = 0; k < commits; k++) {
            commit(db);
        }
        t[i] = bench_now_ms() - start;
    }
    close(fd);
    waitpid(echo, NULL, 0);
    sqlite3_close(db);
    bench_remove_home(b);
    bench_report(b, id, what, bench_percentile(t, b->runs, 0.5), "ms");
    free(t);
}

/* ---- a reader of one run's output ------------------------------------------------------------------ */

struct reader {
    struct bench *b;
    const char *run;
    int64_t after;
    int prompts, texts; /* how many have come */
    double at;          /* when the last of them did */
    argo_client_request *request;
};

static void read_on(struct reader *r);

static void output_came(void *user, const char *reply, size_t len, const argo_error *failure)
{
    struct reader *r = user;
    argo_value *v = NULL;
    argo_error *err = NULL;
    double now = bench_now_ms();
    r->request = NULL;
    if (failure != NULL || argo_value_parse(reply, len, &v, &err) < 0) {
        bench_die("output", failure != NULL ? failure : err);
    }
    const argo_value *records = argo_value_get(v, "data.records");
    for (size_t i = 0; i < argo_value_size(records); i++) {
        const char *kind = argo_value_text(argo_value_at(records, i), "kind", "");
        r->prompts += strcmp(kind, "prompt") == 0;
        r->texts += strcmp(kind, "text") == 0;
        r->at = now;
    }
    r->after = argo_value_int(v, "data.next_after", r->after);
    argo_value_free(v);
    read_on(r);
}

static void read_on(struct reader *r)
{
    char after[24];
    argo_error *err = NULL;
    snprintf(after, sizeof(after), "%" PRId64, r->after);
    char *path = argo_client_path("/api/workflow/output/{}?after={}&timeout=60", r->run, after);
    if (argo_client_start(r->b->client, "GET", path, NULL, 0, 70000, ARGO_CLIENT_LONG_POLL,
                          output_came, r, &r->request, &err) < 0) {
        bench_die(path, err);
    }
    free(path);
}

static void read_no_more(struct reader *r)
{
    argo_client_cancel(r->request);
    r->request = NULL;
}

static void turn(struct bench *b)
{
    argo_error *err = NULL;
    struct pollfd p = {.fd = argo_client_get_fd(b->client),
                       .events = argo_client_get_events(b->client)};
    (void)poll(&p, 1, argo_client_get_timeout(b->client));
    if (argo_client_dispatch(b->client, &err) < 0) {
        bench_die("dispatch", err);
    }
}

static void wait_for(struct reader *r, int prompts, int texts)
{
    while (r->prompts < prompts || r->texts < texts) {
        turn(r->b);
    }
}

static char *start_run(struct bench *b, const char *body)
{
    argo_value *reply = bench_call(b, "POST", "/api/workflow/start", body);
    char *id = strdup(argo_value_text(reply, "workflow_id", ""));
    argo_value_free(reply);
    return id;
}

static void type_line(struct bench *b, const char *run)
{
    char *path = argo_client_path("/api/workflow/input/{}", run);
    argo_value_free(bench_call(b, "POST", path, "{\"input\":\"a line\"}"));
    free(path);
}

/* ---- B4 ------------------------------------------------------------------------------------------ */

static void typed_lines(struct bench *b, const char *beside)
{
    static const char body[] =
        "{\"definition\":{\"workflow_name\":\"b4\",\"limits\":{\"max_steps\":1000000},\"steps\":["
        "{\"step\":\"ask\",\"type\":\"user_ask\",\"prompt\":\"?\",\"save_to\":\"a\","
        "\"max_iterations\":1000000},{\"step\":\"say\",\"type\":\"display\",\"message\":\"{{a}}\","
        "\"next_step\":\"ask\",\"max_iterations\":1000000}]}}";
    double *t = calloc((size_t)b->runs, sizeof(*t));
    char what[96];
    char *run = start_run(b, body);
    struct reader r = {.b = b, .run = run};
    read_on(&r);
    for (int i = 0; i < b->runs; i++) {
        wait_for(&r, i + 1, i);
        double start = bench_now_ms();
        type_line(b, run);
        wait_for(&r, i + 1, i + 1);
        t[i] = r.at - start;
    }
    read_no_more(&r);
    char *path = argo_client_path("/api/workflow/abandon/{}", run);
    argo_value_free(bench_call(b, "DELETE", path, NULL));
    free(path);
    free(run);
    snprintf(what, sizeof(what), "line typed until its reply is read, %s, p50", beside);
    bench_report(b, "B4", what, bench_percentile(t, b->runs, 0.5), "ms");
    snprintf(what, sizeof(what), "line typed until its reply is read, %s, p99", beside);
    bench_report(b, "B4", what, bench_percentile(t, b->runs, 0.99), "ms");
    free(t);
}

/* ---- B5 ------------------------------------------------------------------------------------------ */

#define ASK_BODY                                                                                    \
    "{\"definition\":{\"workflow_name\":\"b5\",\"steps\":[{\"step\":\"ask\",\"type\":\"user_ask\"," \
    "\"prompt\":\"Which colour do you want?\",\"save_to\":\"a\"},{\"step\":\"say\",\"type\":"       \
    "\"display\",\"message\":\"{{a}}\"}]}}"

static void wait_parked(struct bench *b, const char *run)
{
    char *path = argo_client_path("/api/workflow/status/{}", run);
    bool parked = false;
    while (!parked) {
        argo_value *v = bench_call(b, "GET", path, NULL);
        parked = strcmp(argo_value_text(v, "status", ""), "waiting") == 0 &&
                 argo_value_int(v, "pid", -1) == 0;
        argo_value_free(v);
        if (!parked) {
            usleep(1000);
        }
    }
    free(path);
}

static double answer_parked(struct bench *b)
{
    char *run = start_run(b, ASK_BODY);
    struct reader r = {.b = b, .run = run};
    wait_parked(b, run);
    read_on(&r);
    wait_for(&r, 1, 0);
    double start = bench_now_ms();
    type_line(b, run);
    wait_for(&r, 1, 1);
    double took = r.at - start;
    read_no_more(&r);
    char *path = argo_client_path("/api/workflow/status/{}?wait=terminal&timeout=60", run);
    argo_value_free(bench_call(b, "GET", path, NULL));
    free(path);
    free(run);
    return took;
}

static void answers(struct bench *b, const char *beside)
{
    double *t = calloc((size_t)b->runs, sizeof(*t));
    char what[96];
    for (int i = 0; i < b->runs; i++) {
        t[i] = answer_parked(b);
    }
    snprintf(what, sizeof(what), "answer to a parked run until its output, %s, p50", beside);
    bench_report(b, "B5", what, bench_percentile(t, b->runs, 0.5), "ms");
    snprintf(what, sizeof(what), "answer to a parked run until its output, %s, p99", beside);
    bench_report(b, "B5", what, bench_percentile(t, b->runs, 0.99), "ms");
    free(t);
}

/* ---- B6 ------------------------------------------------------------------------------------------ */

static void sql(sqlite3 *db, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "bench: %s: %s\n", text, why);
        exit(EXIT_FAILURE);
    }
}

/* What a column of the copy number i has instead of the original's. */
static const char *copy_of(const char *column)
{
    static const char *const others[][2] = {
        {"rid", "rid + i"},
        {"workflow_id", "'copy_' || i"},
        {"id_base", "NULL"},
        {"id_number", "NULL"},
        {"request_key", "NULL"},
        {"question_id", "substr(question_id, 1, 20) || printf('%012d', i)"},
    };
    for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++) {
        if (strcmp(column, others[k][0]) == 0) {
            return others[k][1];
        }
    }
    return column;
}

/* N copies of each row of TABLE, for which there is one run. */
static void copy_rows(sqlite3 *db, const char *table, int n)
{
    char columns[2048] = "", values[4096] = "", text[8192];
    sqlite3_stmt *info = NULL;
    snprintf(text, sizeof(text), "SELECT name FROM pragma_table_info('%s')", table);
    sqlite3_prepare_v2(db, text, -1, &info, NULL);
    while (sqlite3_step(info) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(info, 0);
        const char *comma = *columns != '\0' ? ", " : "";
        snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), "%s%s", comma, name);
        snprintf(values + strlen(values), sizeof(values) - strlen(values), "%s%s", comma,
                 copy_of(name));
    }
    sqlite3_finalize(info);
    snprintf(text, sizeof(text),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO %s (%s) SELECT %s FROM %s, n",
             n, table, columns, values, table);
    sql(db, text);
}

/* The home's only run is parked; from now on there are N beside it. */
static void multiply(struct bench *b, int n)
{
    static const char *const tables[] = {"runs",    "run_specs", "questions",
                                         "records", "steps",     "variables"};
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/argo.db", b->home);
    sqlite3_open(path, &db);
    sql(db, "PRAGMA synchronous=OFF; BEGIN");
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        copy_rows(db, tables[i], n);
    }
    sql(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
}

/* Of all threads of the daemon. */
static long switches(const struct bench *b)
{
    char path[320], line[128];
    long sum = 0, n = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)b->pid);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)b->pid, entry->d_name);
        FILE *f = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1) {
                sum += n;
            }
        }
        if (f != NULL) {
            fclose(f);
        }
    }
    closedir(dir);
    return sum;
}

struct cost {
    double n, ready, memory;
};

static struct cost park_many(struct bench *b, int n, bool largest)
{
    char beside[48], what[96];
    struct cost cost = {.n = n};
    snprintf(beside, sizeof(beside), "%d parked", n);
    bench_new_home(b);
    bench_start(b, "0");
    char *seed = start_run(b, ASK_BODY);
    wait_parked(b, seed);
    free(seed);
    bench_stop(b);
    bench_start(b, "0");
    double before = bench_memory_mib(b, "VmRSS");
    bench_stop(b);
    multiply(b, n);
    cost.ready = bench_start(b, "0");
    double rss = bench_memory_mib(b, "VmRSS");
    cost.memory = rss > before ? rss - before : 0.01;
    snprintf(what, sizeof(what), "daemon: from exec until it serves, %s", beside);
    bench_report(b, "B6", what, cost.ready, "ms");
    snprintf(what, sizeof(what), "daemon: RSS, %s", beside);
    bench_report(b, "B6", what, rss, "MiB");
    if (largest && bench_wanted(b, "B6")) {
        sleep(2); /* what the start has left behind */
        long woken = switches(b);
        sleep((unsigned)b->window);
        snprintf(what, sizeof(what), "daemon: wake-ups in %d s, %s", b->window, beside);
        bench_report(b, "B6", what, (double)(switches(b) - woken), "");
    }
    if (bench_wanted(b, "B5")) {
        answers(b, beside);
    }
    bench_stop(b);
    if (bench_wanted(b, "B4")) {
        bench_start(b, "3600");
        typed_lines(b, beside);
        bench_stop(b);
    }
    bench_remove_home(b);
    return cost;
}

void bench_waiting(struct bench *b)
{
    struct cost costs[SIZES];
    if (bench_wanted(b, "B4")) {
        floor_of(b, "B4", "floor: four hops and a commit, p50", 0, 1);
    }
    if (bench_wanted(b, "B5")) {
        floor_of(b, "B5", "floor: fork, four hops, two commits, p50", 1, 2);
    }
    for (int i = 0; i < SIZES; i++) {
        int n = b->parked;
        for (int k = i + 1; k < SIZES; k++) {
            n = n / 10 > 0 ? n / 10 : 1;
        }
        costs[i] = park_many(b, n, i == SIZES - 1);
    }
    const struct cost *one = &costs[SIZES - 2], *ten = &costs[SIZES - 1];
    if (ten->n > one->n) {
        double decades = log10(ten->n / one->n);
        bench_report(b, "B6", "exponent of the time until it serves",
                     log10(ten->ready / one->ready) / decades, "");
        bench_report(b, "B6", "exponent of the memory above one run's",
                     log10(ten->memory / one->memory) / decades, "");
    }
}
