/*
 * A signalfd, and stopping by hand.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static sigset_t set_of(const int *signals, size_t n)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < n; i++) {
        sigaddset(&set, signals[i]);
    }
    return set;
}

static sigset_t ours(bool terminal)
{
    static const int all[] = {SIGINT,   SIGTERM, SIGHUP, SIGQUIT,
                              SIGWINCH, SIGCONT, SIGTSTP}; /* the last one on a terminal only */
    return set_of(all, sizeof(all) / sizeof(all[0]) - (terminal ? 0 : 1));
}

int arc_signals_open(bool terminal)
{
    sigset_t set = ours(terminal);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void arc_signals_close(int fd)
{
    sigset_t set = ours(true);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

enum arc_signal arc_signals_take(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != sizeof(info)) {
        return ARC_SIGNAL_NONE;
    }
    switch (info.ssi_signo) {
    case SIGWINCH:
        return ARC_SIGNAL_RESIZED;
    case SIGTSTP:
        return ARC_SIGNAL_STOP;
    case SIGCONT:
        return ARC_SIGNAL_CONTINUED;
    default:
        return ARC_SIGNAL_LEAVE;
    }
}

void arc_signals_stop(void)
{
    static const int stop[] = {SIGTSTP};
    static const int go_on[] = {SIGCONT};
    static const struct timespec at_once = {0};
    sigset_t set = set_of(stop, 1);
    raise(SIGTSTP); /* by default: the kernel ignores it where nobody would send SIGCONT */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    set = set_of(go_on, 1);
    (void)sigtimedwait(&set, NULL, &at_once);
}
