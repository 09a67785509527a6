/*
 * The warm process: an executor that has loaded its libraries and forks the others. It holds
 * nothing of the daemon but its own socket, leaves by itself when that ends or when nothing has been
 * asked of it for long, and is nobody's executor. It may be missing, new, old, stuck or dead at any
 * time: then launches go without it. Only a launch looks after it: no timer, no wake-up.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/forkserver.h"
#include "base/process.h"
#include "daemon/supervisor.h"

#define AGAIN_MS 60000 /* after one that never came to serve */

/* One process, until it has ended. */
struct process {
    struct ag_list node;
    struct ag_warm *warm;
    unsigned number;
    int fd; /* -1: it is asked for nothing any more */
    bool ready;
    int64_t heard; /* the loop's time when something that it was asked for came */
    ag_child *child;
    ag_io *io;
};

struct ag_warm {
    struct argo_daemon *daemon;
    struct ag_list processes;
    struct process *current; /* or NULL */
    unsigned last_number;
    struct stat program; /* that the last one was started from */
    int64_t not_before;  /* of the loop's time: it is not tried again */
};

/* It serves what it has been asked for, and leaves. */
static void dismiss(struct process *p)
{
    if (p->warm->current == p) {
        p->warm->current = NULL;
    }
    ag_io_free(ag_take(p->io));
    if (p->fd >= 0) {
        close(ag_take_fd(&p->fd));
    }
}

static void process_free(struct process *p)
{
    dismiss(p);
    ag_list_remove(&p->node);
    ag_child_free(p->child);
    free(p);
}

static void ended(ag_child *child, pid_t pid, int status, void *user)
{
    struct process *p = user;
    if (!p->ready) {
        p->warm->not_before = ag_loop_now(p->warm->daemon->loop) + AGAIN_MS;
        ag_log_info(p->warm->daemon->ctx, "daemon",
                    "executors are not forked for now: the warm one has ended with status %d",
                    status);
    }
    process_free(p);
}

static void readable(ag_io *io, int fd, uint32_t events, void *user)
{
    struct process *p = user;
    int r = ag_fork_ready(fd);
    if (r < 0) {
        dismiss(p);
    }
    p->ready = p->ready || r > 0;
}

/* ---- starting -------------------------------------------------------------------------------- */

static int spawn(struct process *p, int theirs, argo_error **err)
{
    struct argo_daemon *d = p->warm->daemon;
    char idle[48];
    snprintf(idle, sizeof(idle), "ARGO_WARM_MS=%" PRId64, d->options.warm_for_ms);
    const char *const argv[] = {"argo_workflow_executor", "--warm", NULL}; /* for ps */
    /* Every symbol is looked up once, here, and not by each child when it first comes to it. */
    const char *const envp[] = {idle, "LD_BIND_NOW=1", NULL};
    const struct ag_fork_request what = {"/", argv, envp};
    pid_t pid = 0;
    int pidfd = -1;
    int r = ag_launching_spawn(d, &what, theirs, &pid, &pidfd, err);
    if (r == 0) {
        r = ag_child_new(d->loop, pid, pidfd, ended, p, &p->child, err);
        if (r < 0) {
            ag_pidfd_kill(pidfd);
            close(pidfd);
        }
    }
    return r;
}

static int start(struct ag_warm *w, argo_error **err)
{
    int fds[2];
    struct process *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return ag_error_nomem(err);
    }
    *p = (struct process){.warm = w, .number = ++w->last_number, .fd = -1};
    ag_list_append(&w->processes, &p->node);
    int r = ag_fork_pair(SOCK_SEQPACKET, fds, err);
    if (r == 0) {
        ag_auto_close int theirs = fds[1];
        p->fd = fds[0];
        r = ag_io_new(w->daemon->loop, p->fd, EPOLLIN, readable, p, &p->io, err);
        r = r < 0 ? r : spawn(p, theirs, err);
    }
    if (r < 0) {
        process_free(p);
        return r;
    }
    w->current = p;
    return 0;
}

static bool same_program(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* A program that has been replaced is what new executors are to run: the old one forks no more. */
static struct process *current(struct ag_warm *w)
{
    AG_AUTO(argo_error) err = NULL;
    struct stat program;
    int64_t now = ag_loop_now(w->daemon->loop);
    if (w->daemon->options.warm_for_ms == 0 || stat(w->daemon->executor, &program) < 0) {
        return NULL;
    }
    if (!same_program(&w->program, &program)) {
        w->program = program;
        w->not_before = 0;
        if (w->current != NULL) {
            dismiss(w->current);
        }
    }
    if (w->current == NULL && now >= w->not_before && start(w, &err) < 0) {
        w->not_before = now + AGAIN_MS;
        ag_log_info(w->daemon->ctx, "daemon", "executors are not forked for now: %s",
                    argo_error_details(err));
    }
    return w->current;
}

unsigned ag_warm_fork(struct ag_warm *w, const struct ag_fork_request *request, int fd)
{
    struct process *p = current(w);
    if (p == NULL || !p->ready || ag_fork_ask(p->fd, request, fd, NULL) < 0) {
        return 0;
    }
    return p->number;
}

static struct process *find(struct ag_warm *w, unsigned number)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &w->processes)
    {
        struct process *p = AG_CONTAINER_OF(node, struct process, node);
        if (p->number == number) {
            return p;
        }
    }
    return NULL;
}

void ag_warm_heard(struct ag_warm *w, unsigned number)
{
    struct process *p = find(w, number);
    if (p != NULL) {
        p->heard = ag_loop_now(w->daemon->loop);
    }
}

int64_t ag_warm_silence(struct ag_warm *w, unsigned number)
{
    const struct process *p = find(w, number);
    return p != NULL ? ag_loop_now(w->daemon->loop) - p->heard : INT64_MAX;
}

void ag_warm_distrust(struct ag_warm *w, unsigned number, bool stuck)
{
    struct process *p = find(w, number);
    if (p != NULL) {
        dismiss(p);
        if (stuck) {
            (void)ag_child_signal(p->child, SIGKILL);
        }
    }
}

/* ---- the object ------------------------------------------------------------------------------ */

struct ag_warm *ag_warm_new(struct argo_daemon *daemon)
{
    struct ag_warm *w = calloc(1, sizeof(*w));
    if (w != NULL) {
        w->daemon = daemon;
        ag_list_init(&w->processes);
    }
    return w;
}

/* A host that goes on has no child of ours left to wait for. */
void ag_warm_free(struct ag_warm *w)
{
    struct process *p;
    while (w != NULL && (p = ag_list_first(&w->processes, struct process, node)) != NULL) {
        ag_child_kill(p->child);
        process_free(p);
    }
    free(w);
}
