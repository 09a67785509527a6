/*
 * Measures an installation of Argo against floors of the same run: small programs that do only what
 * cannot be left out. Prints a Markdown table, line by line. Never a test: nothing has a time limit.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

static const struct bench_scale whole = {.samples = 200,
                                         .steps = 2000,
                                         .seconds = 1,
                                         .rounds = 3,
                                         .finished = 100000,
                                         .parked = 10000,
                                         .polls = 10000,
                                         .window = 20};
static const struct bench_scale quick = {.samples = 2,
                                         .steps = 20,
                                         .seconds = 0.02,
                                         .rounds = 1,
                                         .finished = 3,
                                         .parked = 3,
                                         .polls = 3,
                                         .window = 0.05};

static const struct {
    void (*run)(struct bench *b);
    const char *ids[5];
} families[] = {
    {bench_runs, {"B1", "B2", "B3", "B9"}},
    {bench_waiting, {"B4", "B5", "B6"}},
    {bench_http, {"B8"}},
    {bench_process, {"B10", "B11"}},
};

static int number(const char *text, int *out)
{
    char *end = NULL;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return *text != '\0' && *end == '\0' && n >= 1 && n <= 1000000 ? 0 : -1;
}

static int take(struct bench *b, const char *name, const char *value, const char **json)
{
    if (strcmp(name, "--polls") == 0) {
        return number(value, &b->scale.polls);
    }
    if (strcmp(name, "--parked") == 0) {
        return number(value, &b->scale.parked);
    }
    const char **text = strcmp(name, "--prefix") == 0 ? &b->prefix
                        : strcmp(name, "--json") == 0 ? json
                        : strcmp(name, "--only") == 0 ? &b->only
                                                      : NULL;
    if (text != NULL) {
        *text = value;
    }
    return text != NULL ? 0 : -1;
}

static int parse(struct bench *b, int argc, char **argv, const char **json)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            b->scale = quick;
        } else if (i + 1 == argc || take(b, argv[i], argv[i + 1], json) < 0) {
            return -1;
        } else {
            i++;
        }
    }
    return b->prefix != NULL ? 0 : -1;
}

/* The daemon gets the same: a connection of each long poll at both ends. */
static void take_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool any_wanted(const struct bench *b, const char *const *ids)
{
    bool any = false;
    for (; *ids != NULL; ids++) {
        any = any || bench_wanted(b, *ids);
    }
    return any;
}

int main(int argc, char **argv)
{
    struct bench b = {.scale = whole};
    const char *json = NULL;
    if (parse(&b, argc, argv, &json) < 0) {
        fputs("Usage: bench --prefix DIR [--json FILE] [--only B1,B2,...] [--quick] [--polls N] "
              "[--parked N]\n",
              stderr);
        return 2;
    }
    b.rows = argo_value_new_array();
    char *slash = strrchr(argv[0], '/');
    b.tools = slash == NULL ? strdup(".") : strndup(argv[0], (size_t)(slash - argv[0]));
    signal(SIGPIPE, SIG_IGN);
    take_files();
    bench_header();
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
        if (any_wanted(&b, families[i].ids)) {
            families[i].run(&b);
        }
    }
    if (json != NULL && !bench_write_json(&b, json)) {
        bench_die("cannot write %s", json);
    }
    argo_value_free(b.rows);
    free(b.tools);
    return 0;
}
