/*
 * Watching processes by pidfd. Ours are reaped here, by the pidfd; a foreign one only reports that
 * it has ended. Never touches SIGCHLD, and waits for no other process unless it is told that all
 * of them are orphans.
 */
#include <errno.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/loop-internal.h"
#include "base/process.h"

struct ag_child {
    struct ag_source source; /* leaves the set when the process has ended */
    struct ag_list node;
    ag_loop *loop;
    pid_t pid;
    int pidfd;
    ag_child_fn fn;
    void *user;
};

static int wait_status(const siginfo_t *info)
{
    switch (info->si_code) {
    case CLD_EXITED:
        return W_EXITCODE(info->si_status, 0);
    case CLD_DUMPED:
        return info->si_status | WCOREFLAG;
    default:
        return info->si_status;
    }
}

static bool is_watched(const ag_loop *loop, pid_t pid)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &loop->children)
    {
        const ag_child *child = AG_CONTAINER_OF(pos, ag_child, node);
        if (child->pid == pid && child->source.fd >= 0) {
            return true;
        }
    }
    return false;
}

/* Looks before it reaps. A watched one ends the round: when its own turn has come the next round
 * begins. */
static void reap_orphans(ag_loop *loop)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           !is_watched(loop, info.si_pid)) {
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info.si_pid = 0;
    }
}

void ag_loop_reap_orphans(ag_loop *loop)
{
    loop->reaps_orphans = true;
}

static void child_ready(struct ag_source *source, uint32_t events)
{
    ag_child *child = AG_CONTAINER_OF(source, ag_child, source);
    siginfo_t info = {0};
    int status = -1;
    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0) {
            return; /* a debugger holds it: it is ours to reap later */
        }
        status = wait_status(&info);
    }
    ag_source_remove(source);
    if (child->loop->reaps_orphans) {
        reap_orphans(child->loop);
    }
    child->fn(child, child->pid, status, child->user);
}

int ag_child_new(ag_loop *loop, pid_t pid, int pidfd, ag_child_fn fn, void *user, ag_child **out,
                 argo_error **err)
{
    ag_auto_close int opened = -1;
    if (pidfd < 0) {
        pidfd = opened = pidfd_open(pid, 0);
        if (pidfd < 0) {
            return ag_error_errno(err, errno, "watch process %d", (int)pid);
        }
    }
    ag_child *child = calloc(1, sizeof(*child));
    if (child == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_source_add(&child->source, loop, pidfd, EPOLLIN, child_ready, err);
    if (rc < 0) {
        free(child);
        return rc;
    }
    child->loop = loop;
    child->pid = pid;
    child->pidfd = pidfd;
    child->fn = fn;
    child->user = user;
    ag_take_fd(&opened);
    ag_list_append(&loop->children, &child->node);
    loop->handles++;
    *out = child;
    return 0;
}

int ag_child_signal(ag_child *child, int signo)
{
    return pidfd_send_signal(child->pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

int ag_child_signal_value(ag_child *child, int signo, int64_t value)
{
    siginfo_t info = {0};
    info.si_signo = signo;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(intptr_t)value;
    return pidfd_send_signal(child->pidfd, signo, &info, 0) < 0 ? -errno : 0;
}

void ag_child_kill(ag_child *child)
{
    ag_pidfd_kill(child->pidfd);
}

pid_t ag_child_pid(const ag_child *child)
{
    return child->pid;
}

void ag_child_free(ag_child *child)
{
    if (child == NULL) {
        return;
    }
    ag_source_remove(&child->source);
    ag_list_remove(&child->node);
    close(child->pidfd);
    child->loop->handles--;
    free(child);
}
