/*
 * Starts argo-daemon in a session of its own. Any number of arcs may do this at once: the home's
 * lock lets one daemon win, the others exit with 75 and their arcs use the winner.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arc.h"

enum {
    EXIT_OTHER_DAEMON = 75, /* EX_TEMPFAIL: another daemon holds the home */
    READY_MS = 30000,
    STDERR_MAX = 16384
};

struct launch {
    pid_t pid;
    int ready;  /* read end of the daemon's --ready-fd */
    int errors; /* a file in memory: what the daemon says when it cannot start */
};

char *arc_beside(const char *program)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    char *path =
        slash == NULL ? NULL : arc_format("%.*s%s", (int)(slash + 1 - self), self, program);
    if (path != NULL && access(path, X_OK) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

/* A bounded file, not a pipe: the daemon outlives us, and a pipe without a reader would hurt it. */
static int stderr_file(void)
{
    int fd = memfd_create("argo-daemon stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, STDERR_MAX) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static char *option(const char *name, const char *value)
{
    return value == NULL ? NULL : arc_format("%s=%s", name, value);
}

static int spawn(struct arc *arc, const char *program, int ready, int errors, pid_t *out)
{
    char name[] = "argo-daemon", ready_option[] = "--ready-fd=3";
    char *argv[5] = {name, ready_option};
    size_t n = 2;
    arc_auto_free char *port = option("--port", arc->port);
    arc_auto_free char *home = option("--home", argo_context_home(arc->ctx));
    char *given[] = {home, port};
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i] != NULL) {
            argv[n++] = given[i];
        }
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, errors, 2);
    posix_spawn_file_actions_adddup2(&actions, ready, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    int rc = home == NULL ? ENOMEM : posix_spawn(out, program, &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

static int begin(struct arc *arc, struct launch *launch)
{
    arc_auto_free char *program = arc_beside("argo-daemon");
    if (program == NULL) {
        arc_failed(arc, "No daemon runs, and argo-daemon is not beside this program");
        return -1;
    }
    int ready[2];
    launch->errors = stderr_file();
    /* Well above 3, so that no dup2 in the child overwrites the other's source. */
    if (launch->errors < 0 || pipe2(ready, O_CLOEXEC) != 0) {
        arc_failed(arc, "Cannot start the daemon: %s", strerror(errno));
        return -1;
    }
    int write_end = fcntl(ready[1], F_DUPFD_CLOEXEC, 10);
    int rc = spawn(arc, program, write_end, launch->errors, &launch->pid);
    close(ready[1]);
    close(write_end);
    launch->ready = ready[0];
    if (rc != 0) {
        arc_failed(arc, "Cannot start %s: %s", program, strerror(rc));
        return -1;
    }
    return 0;
}

/* 1: it is ready; 0: it has closed the pipe without a word; -1: too late. */
static int wait_ready(const struct launch *launch)
{
    struct pollfd poll_fd = {.fd = launch->ready, .events = POLLIN};
    char line[64];
    int n;
    do {
        n = poll(&poll_fd, 1, READY_MS);
    } while (n < 0 && errno == EINTR);
    return n <= 0 ? -1 : read(launch->ready, line, sizeof(line)) > 0;
}

/* Asks until the daemon that won answers. */
static int wait_for_other(struct arc *arc)
{
    struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 100; i++) {
        arc_auto_reply struct arc_reply reply = {0};
        arc_auto_error argo_error *err = NULL;
        if (arc_request_running(arc, "GET", "/api/health", NULL, 0, &reply, &err) == 0) {
            return 0;
        }
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < 200000000 ? pause.tv_nsec * 2 : pause.tv_nsec;
    }
    arc_failed(arc, "Another daemon holds %s but does not answer. See its logs/daemon.log",
               argo_context_home(arc->ctx));
    return -1;
}

static void explain(struct arc *arc, const struct launch *launch, int status)
{
    char text[STDERR_MAX + 1];
    ssize_t n = pread(launch->errors, text, STDERR_MAX, 0);
    text[n < 0 ? 0 : n] = '\0';
    arc_failed(arc, "The daemon did not start (%s %d). See %s/logs/daemon.log",
               WIFSIGNALED(status) ? "signal" : "exit code",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
               argo_context_home(arc->ctx));
    arc_put(stderr, text);
}

static int follow(struct arc *arc, const struct launch *launch)
{
    int status = 0;
    int ready = wait_ready(launch);
    if (ready > 0) {
        return 0;
    }
    if (ready < 0) {
        arc_failed(arc,
                   "The daemon (pid %d) takes longer than %d s to start. See %s/logs/daemon.log",
                   (int)launch->pid, READY_MS / 1000, argo_context_home(arc->ctx));
        return -1;
    }
    while (waitpid(launch->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OTHER_DAEMON) {
        return wait_for_other(arc);
    }
    explain(arc, launch, status);
    return -1;
}

int arc_launch(struct arc *arc)
{
    struct launch launch = {.ready = -1, .errors = -1};
    int r = begin(arc, &launch);
    if (r == 0) {
        r = follow(arc, &launch);
    }
    if (launch.ready >= 0) {
        close(launch.ready);
    }
    if (launch.errors >= 0) {
        close(launch.errors);
    }
    return r;
}
