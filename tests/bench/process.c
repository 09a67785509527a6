/*
 * Whole processes: how soon the daemon serves and what it costs when nothing happens (B10), and a
 * command of arc (B11).
 */
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* ---- B10 ------------------------------------------------------------------------------------------- */

static double floor_ready(struct bench *b, double *t, int n)
{
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        pid_t pid = bench_floor_server(b, -1, "{}");
        t[i] = bench_now_ms() - start;
        bench_end(pid);
    }
    return bench_percentile(t, n, 0.5);
}

static void ready(struct bench *b)
{
    int n = b->scale.samples / 10 + 1;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    double floor = floor_ready(b, t, n);
    double first = bench_start(b, "10");
    bench_stop(b);
    for (int i = 0; i < n; i++) {
        t[i] = bench_start(b, "10");
        bench_stop(b);
    }
    bench_report(b,
                 &(struct bench_row){.id = "B10",
                                     .unit = "ms",
                                     .value = bench_percentile(t, n, 0.5),
                                     .floor = floor,
                                     .most = 15},
                 "daemon: from exec until it is ready, p50");
    bench_report(b, &(struct bench_row){.id = "B10", .unit = "ms", .value = first},
                 "daemon: the same in a new home");
    free(t);
}

static void idle(struct bench *b)
{
    pid_t floor_pid = bench_floor_server(b, -1, "{}");
    struct bench_memory floor = bench_look(floor_pid);
    bench_end(floor_pid);
    bench_start(b, "10");
    double wakeups = bench_wakeups(b);
    struct bench_memory after = bench_look(b->pid);
    bench_stop(b);
    bench_report(
        b,
        &(struct bench_row){
            .id = "B10", .unit = "MiB", .value = after.rss, .floor = floor.rss, .above_most = 2},
        "idle: RSS of the daemon and all its processes");
    bench_report(
        b,
        &(struct bench_row){
            .id = "B10", .unit = "MiB", .value = after.dirty, .floor = floor.dirty, .most = 2},
        "idle: private dirty memory of the same");
    bench_report(
        b, &(struct bench_row){.id = "B10", .unit = "/s", .value = wakeups, .most = BENCH_NEVER},
        "idle: wake-ups of the same in %g s", b->scale.window);
}

static double installed;

/* What a user runs: not what a program is built with. */
static int add_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    size_t len = strlen(path);
    bool for_building = strstr(path, "/include/") != NULL || strstr(path, "/pkgconfig/") != NULL ||
                        (len > 2 && strcmp(path + len - 2, ".a") == 0);
    if (type == FTW_F && !for_building) {
        installed += (double)st->st_size / 1e6;
    }
    return 0;
}

static void size_on_disk(struct bench *b)
{
    installed = 0;
    if (nftw(b->prefix, add_size, 16, FTW_PHYS) != 0) {
        bench_die("cannot read %s", b->prefix);
    }
    bench_report(b, &(struct bench_row){.id = "B10", .unit = "MB", .value = installed, .most = 3},
                 "installed, stripped, without headers and static libraries");
}

/* ---- B11 ------------------------------------------------------------------------------------------- */

/* Milliseconds of the whole process, p50. */
static double command(char *const *argv, int n)
{
    double *t = bench_alloc((size_t)n, sizeof(*t));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < n; i++) {
        pid_t pid = 0;
        int status = 0;
        double start = bench_now_ms();
        if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0 ||
            waitpid(pid, &status, 0) != pid || status != 0) {
            bench_die("%s has failed", argv[0]);
        }
        t[i] = bench_now_ms() - start;
    }
    posix_spawn_file_actions_destroy(&actions);
    double p50 = bench_percentile(t, n, 0.5);
    free(t);
    return p50;
}

static void arc_list(struct bench *b)
{
    char path[4096], list[] = "/api/workflow/list", word[] = "list";
    char *program = bench_program(b, "arc");
    snprintf(path, sizeof(path), "%s/bench-print", b->tools);
    bench_start(b, "10");
    setenv("ARGO_HOME", b->home, 1);
    double floor = command((char *[]){path, b->socket, list, NULL}, b->scale.samples);
    double arc = command((char *[]){program, word, NULL}, b->scale.samples);
    bench_report(
        b, &(struct bench_row){.id = "B11", .unit = "ms", .value = arc, .floor = floor, .most = 12},
        "`arc list`, whole process, p50");
    bench_stop(b);
    free(program);
}

void bench_process(struct bench *b)
{
    bench_new_home(b);
    if (bench_wanted(b, "B10")) {
        ready(b);
        idle(b);
        size_on_disk(b);
    }
    if (bench_wanted(b, "B11")) {
        arc_list(b);
    }
    bench_remove_home(b);
}
