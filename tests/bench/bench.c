/*
 * Measures the daemon against floors of the same run: small programs' worth of the unavoidable
 * part. Prints a table, and JSON with --json. Never a test: nothing here has a time limit.
 *
 *   bench DAEMON [--json] [--only B1,B2,...] [--runs N] [--steps N] [--parked N] [--window S]
 *
 * --parked: so many runs are parked at the largest of three sizes; --window: seconds of looking for
 * wake-ups.
 */
#include "bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double bench_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void bench_die(const char *what, const argo_error *err)
{
    fprintf(stderr, "bench: %s: %s\n", what, argo_error_details(err));
    exit(EXIT_FAILURE);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percentile(double *values, int n, double p)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[(int)(p * (n - 1))];
}

void bench_report(struct bench *b, const char *id, const char *what, double value, const char *unit)
{
    argo_value *row = argo_value_new_object();
    argo_value_set_text(row, "id", id);
    argo_value_set_text(row, "what", what);
    argo_value_set_real(row, "value", value);
    argo_value_set_text(row, "unit", unit);
    argo_value_set_value(b->results, NULL, row);
    argo_value_free(row);
    if (!b->json) {
        printf("%-4s %-58s %10.3f %s\n", id, what, value, unit);
    }
}

/* ---- floors ------------------------------------------------------------------------------------ */

static void floor_fdatasync(struct bench *b)
{
    char path[128], line[200];
    double *t = calloc((size_t)b->steps, sizeof(*t));
    snprintf(path, sizeof(path), "%s/floor", b->home);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < b->steps; i++) {
        double start = bench_now_ms();
        if (write(fd, line, sizeof(line)) < 0 || fdatasync(fd) < 0) {
            exit(EXIT_FAILURE);
        }
        t[i] = bench_now_ms() - start;
    }
    close(fd);
    bench_report(b, "B2", "floor: append 200 bytes and fdatasync, p50",
                 bench_percentile(t, b->steps, 0.5), "ms");
    free(t);
}

static void floor_sqlite(struct bench *b)
{
    char path[128];
    sqlite3 *db = NULL;
    double *t = calloc((size_t)b->steps, sizeof(*t));
    snprintf(path, sizeof(path), "%s/floor.db", b->home);
    sqlite3_open(path, &db);
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a INTEGER "
                 "PRIMARY KEY, b TEXT)",
                 NULL, NULL, NULL);
    for (int i = 0; i < b->steps; i++) {
        double start = bench_now_ms();
        sqlite3_exec(db, "INSERT INTO t(b) VALUES('a step and what it has saved')", NULL, NULL,
                     NULL);
        t[i] = bench_now_ms() - start;
    }
    sqlite3_close(db);
    bench_report(b, "B2", "floor: one SQLite commit with synchronous=FULL, p50",
                 bench_percentile(t, b->steps, 0.5), "ms");
    free(t);
}

/* ---- the daemon -------------------------------------------------------------------------------- */

/* The daemon's descriptor for "ready". */
#define READY_FD 9

double bench_start(struct bench *b, const char *park_after)
{
    int fds[2];
    char line[32], ready[24];
    argo_error *err = NULL;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        exit(EXIT_FAILURE);
    }
    snprintf(ready, sizeof(ready), "%d", READY_FD);
    const char *argv[] = {"argo-daemon", "--home",       b->home,    "--no-tcp", "--ready-fd",
                          ready,         "--park-after", park_after, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], READY_FD);
    double start = bench_now_ms();
    if (posix_spawn(&b->pid, b->daemon, &actions, NULL, (char *const *)(uintptr_t)argv, environ) !=
        0) {
        fprintf(stderr, "bench: cannot start %s\n", b->daemon);
        exit(EXIT_FAILURE);
    }
    close(fds[1]);
    if (read(fds[0], line, sizeof(line)) <= 0) {
        exit(EXIT_FAILURE);
    }
    double took = bench_now_ms() - start;
    close(fds[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (argo_context_new(b->home, &b->ctx, &err) < 0 ||
        argo_client_new(b->ctx, NULL, &b->client, &err) < 0) {
        bench_die("client", err);
    }
    return took;
}

void bench_stop(struct bench *b)
{
    kill(b->pid, SIGTERM);
    waitpid(b->pid, NULL, 0);
    argo_client_free(b->client);
    argo_context_free(b->ctx);
    b->client = NULL;
    b->ctx = NULL;
}

void bench_new_home(struct bench *b)
{
    strcpy(b->home, "/tmp/argo-bench-XXXXXX");
    if (mkdtemp(b->home) == NULL) {
        fprintf(stderr, "bench: no directory\n");
        exit(EXIT_FAILURE);
    }
}

void bench_remove_home(struct bench *b)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", b->home);
    if (system(command) != 0) {
        fprintf(stderr, "bench: %s stays\n", b->home);
    }
}

argo_value *bench_call(struct bench *b, const char *method, const char *path, const char *body)
{
    argo_error *err = NULL;
    char *reply = NULL;
    size_t len = 0;
    argo_value *v = NULL;
    if (argo_client_call(b->client, method, path, body, body == NULL ? 0 : strlen(body), 60000,
                         &reply, &len, &err) < 0 ||
        argo_value_parse(reply, len, &v, &err) < 0) {
        bench_die(path, err);
    }
    free(reply);
    return v;
}

/* Starts a run and waits for its end; the milliseconds that it took. */
static double run(struct bench *b, const char *body)
{
    double start = bench_now_ms();
    argo_value *started = bench_call(b, "POST", "/api/workflow/start", body);
    char *path = argo_client_path("/api/workflow/status/{}?wait=terminal&timeout=60",
                                  argo_value_text(started, "workflow_id", ""));
    argo_value *ended = bench_call(b, "GET", path, NULL);
    double took = bench_now_ms() - start;
    if (strcmp(argo_value_text(ended, "status", ""), "done") != 0) {
        fprintf(stderr, "bench: the run is %s\n", argo_value_text(ended, "status", ""));
        exit(EXIT_FAILURE);
    }
    free(path);
    argo_value_free(started);
    argo_value_free(ended);
    return took;
}

static void one_step_runs(struct bench *b)
{
    static const char body[] = "{\"definition\":{\"workflow_name\":\"b1\",\"steps\":[{\"step\":"
                               "\"a\",\"type\":\"set\",\"values\":{\"x\":1}}]}}";
    double *t = calloc((size_t)b->runs, sizeof(*t));
    for (int i = 0; i < b->runs; i++) {
        t[i] = run(b, body);
    }
    bench_report(b, "B1", "one-step run, start until done is seen, p50",
                 bench_percentile(t, b->runs, 0.5), "ms");
    bench_report(b, "B1", "one-step run, p99", bench_percentile(t, b->runs, 0.99), "ms");
    free(t);
}

static void durable_steps(struct bench *b)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"definition\":{\"workflow_name\":\"b2\",\"limits\":{\"max_steps\":1000000},"
             "\"steps\":[{\"step\":\"z\",\"type\":\"set\",\"values\":{\"n\":0}},{\"step\":\"n\","
             "\"type\":\"set\",\"values\":{\"n\":\"{{n + 1}}\"},\"until\":\"n >= %d\","
             "\"max_iterations\":1000000}]}}",
             b->steps);
    bench_report(b, "B2", "durable steps one after another, mean", run(b, body) / b->steps, "ms");
}

double bench_memory_mib(const struct bench *b, const char *name)
{
    char path[64], line[256], format[64];
    long value = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)b->pid);
    snprintf(format, sizeof(format), "%s:", name);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, format, strlen(format)) == 0) {
            value = strtol(line + strlen(format), NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return (double)value / 1024;
}

bool bench_wanted(const struct bench *b, const char *id)
{
    return b->only == NULL || strstr(b->only, id) != NULL;
}

static void runs_and_steps(struct bench *b)
{
    bench_new_home(b);
    if (bench_wanted(b, "B2")) {
        floor_fdatasync(b);
        floor_sqlite(b);
    }
    double ready = bench_start(b, "10");
    bench_report(b, "B10", "daemon: from exec until it is ready", ready, "ms");
    if (bench_wanted(b, "B1")) {
        one_step_runs(b);
    }
    if (bench_wanted(b, "B2")) {
        durable_steps(b);
    }
    bench_report(b, "B10", "daemon: RSS after all of this", bench_memory_mib(b, "VmRSS"), "MiB");
    bench_report(b, "B10", "daemon: anonymous memory after all of this",
                 bench_memory_mib(b, "RssAnon"), "MiB");
    bench_stop(b);
    bench_remove_home(b);
}

static int number(const char *text, int *out)
{
    char *end = NULL;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return *text != '\0' && *end == '\0' && n >= 1 && n <= 10000000;
}

static int parse(struct bench *b, int argc, char **argv)
{
    const struct {
        const char *name;
        int *number;
    } options[] = {{"--runs", &b->runs},
                   {"--steps", &b->steps},
                   {"--parked", &b->parked},
                   {"--window", &b->window}};

    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof(options) / sizeof(*options) && strcmp(argv[i], options[k].name) != 0) {
            k++;
        }
        if (strcmp(argv[i], "--json") == 0) {
            b->json = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            b->only = argv[++i];
        } else if (k < sizeof(options) / sizeof(*options)) {
            if (i + 1 >= argc || !number(argv[++i], options[k].number)) {
                return -1;
            }
        } else if (argv[i][0] == '-' || b->daemon != NULL) {
            return -1;
        } else {
            b->daemon = argv[i];
        }
    }
    return b->daemon != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct bench b = {.runs = 200,
                      .steps = 2000,
                      .parked = 10000,
                      .window = 60,
                      .results = argo_value_new_array()};
    if (parse(&b, argc, argv) < 0) {
        fprintf(stderr, "Usage: bench DAEMON [--json] [--only B1,B2,...] [--runs N] [--steps N] "
                        "[--parked N] [--window S]\n");
        return 2;
    }
    if (bench_wanted(&b, "B1") || bench_wanted(&b, "B2") || bench_wanted(&b, "B10")) {
        runs_and_steps(&b);
    }
    if (bench_wanted(&b, "B4") || bench_wanted(&b, "B5") || bench_wanted(&b, "B6")) {
        bench_waiting(&b);
    }
    if (b.json) {
        char *text = argo_value_print(b.results, 2);
        puts(text);
        free(text);
    }
    argo_value_free(b.results);
    return 0;
}
