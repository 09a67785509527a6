/*
 * What the parts of the benchmark share. Nothing here is tested or timed by itself.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <sys/types.h>

#include <argo/client.h>
#include <argo/value.h>

struct bench {
    const char *daemon, *only;
    char home[64];
    pid_t pid; /* of the daemon */
    argo_context *ctx;
    argo_client *client;
    argo_value *results;
    int runs, steps, parked, window;
    bool json;
};

double bench_now_ms(void);
double bench_percentile(double *values, int n, double p); /* sorts VALUES */
void bench_die(const char *what, const argo_error *err);
bool bench_wanted(const struct bench *b, const char *id);
void bench_report(struct bench *b, const char *id, const char *what, double value,
                  const char *unit);

void bench_new_home(struct bench *b);
void bench_remove_home(struct bench *b);
/* Starts the daemon in the home; the milliseconds until it was ready. */
double bench_start(struct bench *b, const char *park_after);
void bench_stop(struct bench *b);
argo_value *bench_call(struct bench *b, const char *method, const char *path, const char *body);
/* A line of /proc/PID/status in kB. */
double bench_memory_mib(const struct bench *b, const char *name);

/* waiting.c: B4, B5, B6 */
void bench_waiting(struct bench *b);

#endif
