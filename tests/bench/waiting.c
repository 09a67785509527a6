/*
 * Runs that wait: a line typed until the step's reply can be read (B4), an answer to a parked run
 * until its next output (B5), and what many parked runs cost (B6), each beside N parked runs, at
 * three sizes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* ---- a reader of one run's output ------------------------------------------------------------------- */

struct reader {
    struct bench_wire wire;
    const char *run;
    int64_t after;
    int prompts, texts; /* how many have come */
    double at;          /* when the last of them did */
};

static void read_on(struct reader *r)
{
    char path[160];
    snprintf(path, sizeof(path), "/api/workflow/output/%s?after=%" PRId64 "&timeout=60", r->run,
             r->after);
    char *request = bench_request("GET", path, NULL, NULL);
    bench_send(&r->wire, request);
    free(request);
}

static void reader_open(struct bench *b, struct reader *r, const char *run)
{
    *r = (struct reader){.run = run};
    bench_connect_unix(&r->wire, b->socket);
    read_on(r);
}

static void wait_for(struct reader *r, int prompts, int texts)
{
    while (r->prompts < prompts || r->texts < texts) {
        const char *text = bench_await(&r->wire);
        r->at = bench_now_ms();
        argo_value *v = bench_parse(text);
        const argo_value *records = argo_value_get(v, "data.records");
        for (size_t i = 0; i < argo_value_size(records); i++) {
            const char *kind = argo_value_text(argo_value_at(records, i), "kind", "");
            r->prompts += strcmp(kind, "prompt") == 0;
            r->texts += strcmp(kind, "text") == 0;
        }
        r->after = argo_value_int(v, "data.next_after", r->after);
        argo_value_free(v);
        read_on(r);
    }
}

static char *start_run(struct bench *b, const char *body)
{
    argo_value *reply = bench_call(b, "POST", "/api/workflow/start", body);
    char *id = strdup(argo_value_text(reply, "workflow_id", ""));
    argo_value_free(reply);
    return id;
}

static char *input_request(const char *run)
{
    char path[128];
    snprintf(path, sizeof(path), "/api/workflow/input/%s", run);
    return bench_request("POST", path, "{\"input\":\"a line\"}", NULL);
}

static void end_run(struct bench *b, const char *method, const char *before, const char *run,
                    const char *after)
{
    char path[160];
    snprintf(path, sizeof(path), "%s%s%s", before, run, after);
    argo_value_free(bench_call(b, method, path, NULL));
}

/* ---- B4 --------------------------------------------------------------------------------------------- */

/* Sends the line on a connection that is there, and waits for the text that follows from it. */
static double type_line(struct bench_wire *w, const char *request, struct reader *r)
{
    int texts = r->texts + 1;
    double start = bench_now_ms();
    bench_send(w, request);
    wait_for(r, 0, texts);
    (void)bench_await(w);
    return r->at - start;
}

static double typed_lines(struct bench *b, int parked)
{
    static const char body[] =
        "{\"definition\":{\"workflow_name\":\"b4\",\"limits\":{\"max_steps\":1000000},\"steps\":["
        "{\"step\":\"ask\",\"type\":\"user_ask\",\"prompt\":\"?\",\"save_to\":\"a\","
        "\"max_iterations\":1000000},{\"step\":\"say\",\"type\":\"display\",\"message\":\"{{a}}\","
        "\"next_step\":\"ask\",\"max_iterations\":1000000}]}}";
    int n = b->scale.samples;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    double floor = bench_floor_hops(b);
    struct bench_wire w;
    struct reader r;
    char *run = start_run(b, body);
    char *request = input_request(run);
    reader_open(b, &r, run);
    bench_connect_unix(&w, b->socket);
    for (int i = 0; i < n; i++) {
        wait_for(&r, i + 1, i);
        t[i] = type_line(&w, request, &r);
    }
    bench_hang_up(&w);
    bench_hang_up(&r.wire);
    end_run(b, "DELETE", "/api/workflow/abandon/", run, "");
    free(request);
    free(run);
    double p50 = bench_percentile(t, n, 0.5);
    bench_report(
        b, &(struct bench_row){.id = "B4", .unit = "ms", .value = p50, .floor = floor, .most = 1},
        "line typed until its reply is read, %d parked, p50", parked);
    bench_report(b,
                 &(struct bench_row){
                     .id = "B4", .unit = "ms", .value = bench_percentile(t, n, 0.99), .most = 5},
                 "line typed until its reply is read, %d parked, p99", parked);
    free(t);
    return p50;
}

/* ---- B5 --------------------------------------------------------------------------------------------- */

#define ASK_BODY                                                                                    \
    "{\"definition\":{\"workflow_name\":\"b5\",\"steps\":[{\"step\":\"ask\",\"type\":\"user_ask\"," \
    "\"prompt\":\"Which colour do you want?\",\"save_to\":\"a\"},{\"step\":\"say\",\"type\":"       \
    "\"display\",\"message\":\"{{a}}\"}]}}"

static void wait_parked(struct bench *b, const char *run)
{
    char path[128];
    bool parked = false;
    snprintf(path, sizeof(path), "/api/workflow/status/%s", run);
    while (!parked) {
        argo_value *v = bench_call(b, "GET", path, NULL);
        parked = strcmp(argo_value_text(v, "status", ""), "waiting") == 0 &&
                 argo_value_int(v, "pid", -1) == 0;
        argo_value_free(v);
        if (!parked) {
            usleep(1000);
        }
    }
}

static double answer_parked(struct bench *b)
{
    char *run = start_run(b, ASK_BODY);
    char *request = input_request(run);
    struct bench_wire w;
    struct reader r;
    wait_parked(b, run);
    reader_open(b, &r, run);
    wait_for(&r, 1, 0);
    bench_connect_unix(&w, b->socket);
    double took = type_line(&w, request, &r);
    bench_hang_up(&w);
    bench_hang_up(&r.wire);
    end_run(b, "GET", "/api/workflow/status/", run, "?wait=terminal&timeout=60");
    free(request);
    free(run);
    return took;
}

static double answers(struct bench *b, int parked)
{
    int n = b->scale.samples;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    for (int i = 0; i < n; i++) {
        t[i] = answer_parked(b);
    }
    double p50 = bench_percentile(t, n, 0.5);
    bench_report(b, &(struct bench_row){.id = "B5", .unit = "ms", .value = p50},
                 "answer to a parked run until its output, %d parked, p50", parked);
    bench_report(b,
                 &(struct bench_row){
                     .id = "B5", .unit = "ms", .value = bench_percentile(t, n, 0.99), .most = 15},
                 "answer to a parked run until its output, %d parked, p99", parked);
    free(t);
    return p50;
}

/* ---- B6 --------------------------------------------------------------------------------------------- */

/* The home's daemon has N parked runs when this returns. */
static double park_many(struct bench *b, int n)
{
    bench_start(b, "0");
    char *seed = start_run(b, ASK_BODY);
    wait_parked(b, seed);
    free(seed);
    bench_stop(b);
    bench_multiply(b, n - 1 > 0 ? n - 1 : 1);
    return bench_start(b, "0");
}

static void idle_parked(struct bench *b, int n, double ready, bool largest)
{
    struct bench_memory before = bench_look(b->pid);
    bool target = n == 10000;
    bench_report(
        b, &(struct bench_row){.id = "B6", .unit = "ms", .value = ready, .most = target ? 500 : 0},
        "daemon: from exec until it serves, %d parked", n);
    bench_report(b,
                 &(struct bench_row){
                     .id = "B6", .unit = "MiB", .value = before.rss, .most = target ? 64 : 0},
                 "daemon: RSS, %d parked", n);
    if (largest) {
        bench_report(b,
                     &(struct bench_row){
                         .id = "B6", .unit = "/s", .value = bench_wakeups(b), .most = BENCH_NEVER},
                     "daemon: wake-ups in %g s, %d parked", b->scale.window, n);
    }
}

void bench_waiting(struct bench *b)
{
    double sizes[BENCH_SIZES], ready[BENCH_SIZES], memory[BENCH_SIZES];
    double line[BENCH_SIZES] = {0}, answer[BENCH_SIZES] = {0};
    for (int i = 0; i < BENCH_SIZES; i++) {
        bench_size(b, b->scale.parked, i, sizes);
        int n = (int)sizes[i];
        bench_new_home(b);
        ready[i] = park_many(b, n);
        memory[i] = bench_look(b->pid).rss;
        if (bench_wanted(b, "B6")) {
            idle_parked(b, n, ready[i], i == BENCH_SIZES - 1);
        }
        answer[i] = bench_wanted(b, "B5") ? answers(b, n) : 0;
        bench_stop(b);
        bench_start(b, "3600");
        line[i] = bench_wanted(b, "B4") ? typed_lines(b, n) : 0;
        bench_stop(b);
        bench_remove_home(b);
    }
    bench_growth(b, "B4", sizes, line, "a typed line over parked runs");
    bench_growth(b, "B5", sizes, answer, "an answer over parked runs");
    if (bench_wanted(b, "B6")) {
        bench_growth(b, "B6", sizes, ready, "the time until it serves over parked runs");
        bench_growth(b, "B6", sizes, memory, "the RSS over parked runs");
    }
}
