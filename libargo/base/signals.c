/*
 * Signals by signalfd, for programs only: the library itself never changes a mask. The signals
 * stay blocked after ag_signals_free, so that one which is still pending does not end the process
 * in the middle of its shutdown.
 */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/loop-internal.h"

struct ag_signals {
    struct ag_source source;
    ag_loop *loop;
    int fd;
    ag_signals_fn fn;
    void *user;
};

/* One signal at a time: the callback may free the handle, and what is left makes the fd ready. */
static void signals_ready(struct ag_source *source, uint32_t events)
{
    ag_signals *signals = AG_CONTAINER_OF(source, ag_signals, source);
    struct signalfd_siginfo info;
    if (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        signals->fn(signals, (int)info.ssi_signo, signals->user);
    }
}

int ag_signals_new(ag_loop *loop, const sigset_t *set, ag_signals_fn fn, void *user,
                   ag_signals **out, argo_error **err)
{
    int errnum = pthread_sigmask(SIG_BLOCK, set, NULL);
    if (errnum != 0) {
        return ag_error_errno(err, errnum, "block signals");
    }
    ag_auto_close int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return ag_error_errno(err, errno, "take signals");
    }
    ag_signals *signals = calloc(1, sizeof(*signals));
    if (signals == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_source_add(&signals->source, loop, fd, EPOLLIN, signals_ready, err);
    if (rc < 0) {
        free(signals);
        return rc;
    }
    signals->loop = loop;
    signals->fd = ag_take_fd(&fd);
    signals->fn = fn;
    signals->user = user;
    loop->handles++;
    *out = signals;
    return 0;
}

void ag_signals_free(ag_signals *signals)
{
    if (signals == NULL) {
        return;
    }
    ag_source_remove(&signals->source);
    close(signals->fd);
    signals->loop->handles--;
    free(signals);
}
