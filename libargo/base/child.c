/*
 * Watching processes by pidfd. Ours are reaped here, by the pidfd; a foreign one only reports that
 * it has ended. Never touches SIGCHLD nor waits for any other process.
 */
#include <errno.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/loop-internal.h"

struct ag_child {
    struct ag_source source; /* leaves the set when the process has ended */
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
    loop->handles++;
    *out = child;
    return 0;
}

int ag_child_signal(ag_child *child, int signo)
{
    return pidfd_send_signal(child->pidfd, signo, NULL, 0) < 0 ? -errno : 0;
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
    close(child->pidfd);
    child->loop->handles--;
    free(child);
}
