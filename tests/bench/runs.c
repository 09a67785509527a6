/*
 * Runs that need nobody: one step each (B1), one step after another (B2), 64 at once (B3), and the
 * list (B9), each with N finished runs in the store, at three sizes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define CLIENTS 16
#define AT_ONCE 64
#define START   "/api/workflow/start"
#define ONE_STEP                                                                             \
    "{\"definition\":{\"workflow_name\":\"b1\",\"steps\":[{\"step\":\"a\",\"type\":\"set\"," \
    "\"values\":{\"x\":1}}]}}"

/* ---- B1 ------------------------------------------------------------------------------------------- */

/* How a client starts a run and waits for its end: of the daemon, or of the floor. */
struct protocol {
    const char *socket;
    char *start; /* a request */
    bool is_floor;
};

/* The request that waits for the run that STARTED names; to be freed. */
static char *wait_request(const struct protocol *p, const char *started)
{
    char path[160];
    argo_value *v = bench_parse(started);
    if (p->is_floor) {
        snprintf(path, sizeof(path), "/w%d", (int)argo_value_int(v, "id", 0));
    } else {
        snprintf(path, sizeof(path), "/api/workflow/status/%s?wait=terminal&timeout=60",
                 argo_value_text(v, "workflow_id", ""));
    }
    argo_value_free(v);
    return bench_request("GET", path, NULL, NULL);
}

static void check_done(const struct protocol *p, const char *reply)
{
    if (!p->is_floor && strstr(reply, "\"status\":\"done\"") == NULL) {
        bench_die("the run has not been done: %s", reply);
    }
}

/* The milliseconds of N runs one after another. */
static void latencies(const struct protocol *p, double *t, int n)
{
    struct bench_wire w;
    bench_connect_unix(&w, p->socket);
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        bench_send(&w, p->start);
        char *wait = wait_request(p, bench_await(&w));
        bench_send(&w, wait);
        check_done(p, bench_await(&w));
        t[i] = bench_now_ms() - start;
        free(wait);
    }
    bench_hang_up(&w);
}

struct clients {
    const struct protocol *protocol;
    char *waits[CLIENTS]; /* NULL: its next reply is that of a start */
    long done;
};

static const char *next_of_client(void *user, int i, const char *reply)
{
    struct clients *c = user;
    bool started = reply != NULL && c->waits[i] == NULL;
    if (started) {
        c->waits[i] = wait_request(c->protocol, reply);
        return c->waits[i];
    }
    if (reply != NULL) {
        check_done(c->protocol, reply);
        c->done++;
        free(c->waits[i]);
        c->waits[i] = NULL;
    }
    return c->protocol->start;
}

/* Runs per second. */
static double throughput(struct bench *b, const struct protocol *p)
{
    struct clients clients = {.protocol = p};
    struct bench_load load = {.socket = p->socket,
                              .connections = CLIENTS,
                              .counted = CLIENTS,
                              .next = next_of_client,
                              .user = &clients};
    bench_load_open(&load);
    (void)bench_load_run(&load, b->scale.seconds / 4);
    clients.done = 0;
    double start = bench_now_ms();
    (void)bench_load_run(&load, b->scale.seconds * 2);
    double rate = (double)clients.done * 1000 / (bench_now_ms() - start);
    bench_load_close(&load);
    for (int i = 0; i < CLIENTS; i++) {
        free(clients.waits[i]);
    }
    return rate;
}

static void one_step_floor(struct bench *b, double *out_ms, double *out_rate)
{
    char path[96];
    double *t = bench_alloc((size_t)b->scale.samples, sizeof(*t));
    pid_t server = bench_floor_runs(b, path);
    struct protocol p = {
        .socket = path, .start = bench_request("GET", "/s", NULL, NULL), .is_floor = true};
    latencies(&p, t, b->scale.samples);
    *out_ms = bench_percentile(t, b->scale.samples, 0.5);
    *out_rate = throughput(b, &p);
    bench_end(server);
    free(p.start);
    free(t);
}

static double one_step_runs(struct bench *b, int finished)
{
    double floor_ms = 0, floor_rate = 0;
    int n = b->scale.samples;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    struct protocol p = {.socket = b->socket,
                         .start = bench_request("POST", START, ONE_STEP, NULL)};
    one_step_floor(b, &floor_ms, &floor_rate);
    latencies(&p, t, n);
    double p50 = bench_percentile(t, n, 0.5);
    bench_report(
        b,
        &(struct bench_row){
            .id = "B1", .unit = "ms", .value = p50, .floor = floor_ms, .most = 3, .ratio_most = 3},
        "one-step run, %d finished, p50", finished);
    bench_report(
        b, &(struct bench_row){.id = "B1", .unit = "ms", .value = bench_percentile(t, n, 0.99)},
        "one-step run, %d finished, p99", finished);
    bench_report(b,
                 &(struct bench_row){.id = "B1",
                                     .unit = "runs/s",
                                     .value = throughput(b, &p),
                                     .floor = floor_rate,
                                     .least = 800},
                 "one-step runs of %d clients, %d finished", CLIENTS, finished);
    free(p.start);
    free(t);
    return p50;
}

/* ---- B2 and B3 -------------------------------------------------------------------------------------- */

/* A run of so many `set` steps one after another. */
static char *steps_request(int steps)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"definition\":{\"workflow_name\":\"b2\",\"limits\":{\"max_steps\":1000000},"
             "\"steps\":[{\"step\":\"z\",\"type\":\"set\",\"values\":{\"n\":0}},{\"step\":\"n\","
             "\"type\":\"set\",\"values\":{\"n\":\"{{n + 1}}\"},\"until\":\"n >= %d\","
             "\"max_iterations\":1000000}]}}",
             steps);
    return bench_request("POST", START, body, NULL);
}

/* From the start of a run to its end, by the number of its steps: whoever watched the single steps
 * would be a load of his own. */
static double durable_steps(struct bench *b, int finished)
{
    int n = b->scale.steps;
    struct protocol p = {.socket = b->socket, .start = steps_request(n)};
    double *t = bench_alloc((size_t)b->scale.rounds, sizeof(*t));
    double append = bench_floor_append(b), commit = bench_floor_commit(b);
    latencies(&p, t, b->scale.rounds);
    double ms = bench_percentile(t, b->scale.rounds, 0.5) / n;
    bench_report(b, &(struct bench_row){.id = "B2", .unit = "ms", .value = append},
                 "append 200 bytes and fdatasync, p50");
    bench_report(
        b, &(struct bench_row){.id = "B2", .unit = "ms", .value = ms, .floor = commit, .most = 0.4},
        "a durable step after another, %d finished, median of %d means", finished, b->scale.rounds);
    free(p.start);
    free(t);
    return ms;
}

static void many_steps(struct bench *b)
{
    struct bench_wire w[AT_ONCE];
    int n = b->scale.steps / 10;
    struct protocol p = {.socket = b->socket, .start = steps_request(n)};
    struct bench_floor_db *db = bench_floor_db_open(b);
    double start = bench_now_ms();
    for (int i = 0; i < n; i++) {
        bench_floor_db_commit(db, 50);
    }
    double floor = 50.0 * n * 1000 / (bench_now_ms() - start);
    bench_floor_db_close(db);
    start = bench_now_ms();
    for (int i = 0; i < AT_ONCE; i++) {
        bench_connect_unix(&w[i], b->socket);
        bench_send(&w[i], p.start);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        char *wait = wait_request(&p, bench_await(&w[i]));
        bench_send(&w[i], wait);
        free(wait);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        check_done(&p, bench_await(&w[i]));
        bench_hang_up(&w[i]);
    }
    double rate = (double)AT_ONCE * n * 1000 / (bench_now_ms() - start);
    bench_report(b,
                 &(struct bench_row){
                     .id = "B3", .unit = "steps/s", .value = rate, .floor = floor, .least = 10000},
                 "durable steps of %d runs at once, launched included", AT_ONCE);
    free(p.start);
}

/* ---- B9 --------------------------------------------------------------------------------------------- */

static double list_page(struct bench *b, int finished)
{
    struct bench_wire w;
    int n = b->scale.samples;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    char *request = bench_request("GET", "/api/workflow/list?state=all&limit=50", NULL, NULL);
    double floor = bench_floor_page(b);
    bench_connect_unix(&w, b->socket);
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        bench_send(&w, request);
        (void)bench_await(&w);
        t[i] = bench_now_ms() - start;
    }
    bench_hang_up(&w);
    free(request);
    double p50 = bench_percentile(t, n, 0.5);
    bench_report(b, &(struct bench_row){.id = "B9", .unit = "ms", .value = p50, .floor = floor},
                 "a page of 50, %d finished, p50", finished);
    bench_report(b,
                 &(struct bench_row){
                     .id = "B9", .unit = "ms", .value = bench_percentile(t, n, 0.99), .most = 5},
                 "a page of 50, %d finished, p99", finished);
    free(t);
    return p50;
}

/* ---- at three sizes ----------------------------------------------------------------------------------- */

static void finish_one(struct bench *b)
{
    double t = 0;
    struct protocol p = {.socket = b->socket,
                         .start = bench_request("POST", START, ONE_STEP, NULL)};
    latencies(&p, &t, 1);
    free(p.start);
}

void bench_runs(struct bench *b)
{
    double sizes[BENCH_SIZES], run[BENCH_SIZES] = {0}, step[BENCH_SIZES] = {0},
                               page[BENCH_SIZES] = {0};
    for (int i = 0; i < BENCH_SIZES; i++) {
        bench_size(b, b->scale.finished, i, sizes);
        int n = (int)sizes[i];
        bench_new_home(b);
        bench_start(b, "10");
        finish_one(b);
        bench_stop(b);
        bench_multiply(b, n - 1 > 0 ? n - 1 : 1);
        bench_start(b, "10");
        page[i] = bench_wanted(b, "B9") ? list_page(b, n) : 0;
        run[i] = bench_wanted(b, "B1") ? one_step_runs(b, n) : 0;
        step[i] = bench_wanted(b, "B2") ? durable_steps(b, n) : 0;
        if (i == BENCH_SIZES - 1 && bench_wanted(b, "B3")) {
            many_steps(b);
        }
        bench_stop(b);
        bench_remove_home(b);
    }
    bench_growth(b, "B1", sizes, run, "a one-step run over finished runs");
    bench_growth(b, "B2", sizes, step, "a durable step over finished runs");
    bench_growth(b, "B9", sizes, page, "a page over finished runs");
}
