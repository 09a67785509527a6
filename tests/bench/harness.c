/*
 * Time, temporary homes, the daemon in them, and what /proc says of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* The descriptor on which a server says that it is ready. */
#define READY_FD 9

/* What bench_spawn_ready has started and nobody has ended. */
static pid_t spawned[4];

static void kill_spawned(void)
{
    for (size_t i = 0; i < sizeof(spawned) / sizeof(*spawned); i++) {
        if (spawned[i] > 0) {
            kill(spawned[i], SIGTERM);
        }
    }
}

/* The one place for PID becomes that of OTHER; 0 is a free one. */
static void note_spawned(pid_t pid, pid_t other)
{
    for (size_t i = 0; i < sizeof(spawned) / sizeof(*spawned); i++) {
        if (spawned[i] == pid) {
            spawned[i] = other;
            return;
        }
    }
}

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    kill_spawned();
    _exit(EXIT_FAILURE);
}

double bench_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
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

void *bench_alloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p == NULL) {
        bench_die("no memory");
    }
    return p;
}

char *bench_program(const struct bench *b, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/bin/%s", b->prefix, name) < 0) {
        bench_die("no memory");
    }
    return path;
}

/* LARGEST, a hundredth of it, and a hundredth of that, but each larger than the one before. */
void bench_size(const struct bench *b, int largest, int i, double *out)
{
    double n = largest;
    for (int k = i + 1; k < BENCH_SIZES; k++) {
        n /= 100;
    }
    out[i] = n > i + 1 ? (double)(int)n : i + 1;
}

/* ---- a home and its daemon ------------------------------------------------------------------------ */

void bench_new_home(struct bench *b)
{
    strcpy(b->home, "/tmp/argo-bench-XXXXXX");
    if (mkdtemp(b->home) == NULL) {
        bench_die("no directory in /tmp: %s", strerror(errno));
    }
    snprintf(b->socket, sizeof(b->socket), "%s/run/argo.sock", b->home);
}

void bench_remove_home(struct bench *b)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -r %s", b->home);
    if (system(command) != 0) {
        fprintf(stderr, "bench: %s stays\n", b->home);
    }
}

double bench_spawn_ready(char *const *argv, int fd, pid_t *out_pid, int *out_port)
{
    int fds[2];
    char line[32] = "";
    posix_spawn_file_actions_t actions;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        bench_die("no pipe: %s", strerror(errno));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], READY_FD);
    if (fd >= 0) {
        posix_spawn_file_actions_adddup2(&actions, fd, READY_FD + 1);
    }
    double start = bench_now_ms();
    if (posix_spawn(out_pid, argv[0], &actions, NULL, argv, environ) != 0) {
        bench_die("cannot start %s", argv[0]);
    }
    note_spawned(0, *out_pid);
    close(fds[1]);
    if (read(fds[0], line, sizeof(line) - 1) <= 0) {
        bench_die("%s did not become ready", argv[0]);
    }
    double took = bench_now_ms() - start;
    close(fds[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (out_port != NULL) {
        *out_port = (int)strtol(line, NULL, 10);
    }
    return took;
}

double bench_start(struct bench *b, const char *park_after)
{
    char *program = bench_program(b, "argo-daemon");
    const char *argv[] = {program,      "--home", b->home,        "--port",   "0",
                          "--ready-fd", "9",      "--park-after", park_after, NULL};
    int port = 0;
    double took = bench_spawn_ready((char *const *)(uintptr_t)argv, -1, &b->pid, &port);
    b->port = (uint16_t)port;
    free(program);
    return took;
}

pid_t bench_fork(void)
{
    pid_t pid = fork();
    if (pid < 0) {
        bench_die("fork: %s", strerror(errno));
    }
    if (pid == 0) {
        memset(spawned, 0, sizeof(spawned));
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

void bench_end(pid_t pid)
{
    note_spawned(pid, 0);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

void bench_stop(struct bench *b)
{
    bench_end(b->pid);
}

/* ---- /proc ------------------------------------------------------------------------------------------ */

/* The sum of the numbers after NAME in the lines of PATH that begin so. */
static long sum_of(const char *path, const char *name)
{
    char line[256];
    long sum = 0;
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            sum += strtol(line + strlen(name), NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return sum;
}

static void look_at_threads(pid_t pid, struct bench_memory *out)
{
    char path[320];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, entry->d_name);
            out->switches += sum_of(path, "voluntary_ctxt_switches:");
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

struct bench_memory bench_look(pid_t pid)
{
    struct bench_memory sum = {0};
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    sum.rss = (double)sum_of(path, "Rss:") / 1024;
    sum.dirty = (double)sum_of(path, "Private_Dirty:") / 1024;
    look_at_threads(pid, &sum);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fscanf(f, "%d", &child) == 1) {
        struct bench_memory of = bench_look(child);
        sum.rss += of.rss;
        sum.dirty += of.dirty;
        sum.switches += of.switches;
    }
    if (f != NULL) {
        fclose(f);
    }
    return sum;
}

static void pause_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

double bench_wakeups(const struct bench *b)
{
    pause_for(b->scale.window < 3 ? b->scale.window : 3); /* what the start has left behind */
    long before = bench_look(b->pid).switches;
    pause_for(b->scale.window);
    return (double)(bench_look(b->pid).switches - before) / b->scale.window;
}
