/*
 * argo-daemon: reads the command line, makes the process a good daemon and runs the library's
 * daemon in a loop of its own. Uses nothing but the public interface.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <argo/daemon.h>

#include "../standard_fds.h"
#include "log.h"
#include "options.h"

#define EXIT_USAGE  2
#define EXIT_LOCKED 75 /* EX_TEMPFAIL: another daemon holds the home */

/* No core holds a token, and there are as many fds as the system allows; executors, and what they
 * run, get as many as we were given. */
static void prepare_process(struct argo_daemon_options *options)
{
    struct rlimit files;
    (void)setvbuf(stderr, NULL, _IOLBF, 0); /* a line of the log is one write */
    (void)prctl(PR_SET_DUMPABLE, 0);        /* not RLIMIT_CORE: commands would inherit it */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        options->files = (int64_t)files.rlim_cur;
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static argo_daemon *running; /* for the signal handler */

static void on_signal(int signo)
{
    argo_daemon_stop(running);
}

/* TERM and INT wait until there is a daemon to stop; HUP and PIPE are ignored. */
static void hold_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, before);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static void take_signals(const sigset_t *before)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, before, NULL);
}

/* Who started us learns the port, and that requests can be made from now on. */
static void tell_ready(const struct options *o, argo_daemon *daemon)
{
    if (o->ready_fd >= 0) {
        dprintf(o->ready_fd, "%u\n", (unsigned)argo_daemon_port(daemon));
        close(o->ready_fd);
    }
    int null = o->foreground ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)chdir("/"); /* keeps no file system busy */
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        close(null);
    }
}

static int run_daemon(argo_context *ctx, const struct options *o, argo_error **err)
{
    sigset_t before;
    hold_signals(&before);
    int r = argo_daemon_new(ctx, &o->daemon, &running, err);
    if (r == 0) {
        tell_ready(o, running);
        take_signals(&before);
        r = argo_daemon_run(running, err);
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
    }
    argo_daemon_free(running);
    return r;
}

static int repair(argo_context *ctx, argo_error **err)
{
    char *report = NULL;
    int r = argo_daemon_repair(ctx, &report, err);
    if (r == 0) {
        printf("%s\n", report);
    }
    free(report);
    return r;
}

static int work(struct options *o, struct log *log, argo_context **ctx, argo_error **err)
{
    int r = argo_context_new(o->home, ctx, err);
    if (r < 0) {
        return r;
    }
    r = options_configure(o, *ctx, err);
    if (r < 0) {
        return r;
    }
    log->ctx = *ctx;
    log->to_file = !o->foreground && !o->repair;
    argo_context_set_log(*ctx, log_write, log, o->level);
    return o->repair ? repair(*ctx, err) : run_daemon(*ctx, o, err);
}

int main(int argc, char **argv)
{
    struct options o;
    struct log log = LOG_INIT;
    argo_context *ctx = NULL;
    argo_error *err = NULL;
    int code = EXIT_SUCCESS;
    if (!standard_fds()) {
        return EXIT_FAILURE;
    }
    int parsed = options_parse(argc, argv, &o);
    if (parsed == OPTIONS_WRONG) {
        code = EXIT_USAGE;
    }
    if (parsed == OPTIONS_GO) {
        prepare_process(&o.daemon);
        if (work(&o, &log, &ctx, &err) < 0) {
            log_failure(&log, err);
            code = argo_error_code(err) == ARGO_E_LOCKED ? EXIT_LOCKED : EXIT_FAILURE;
        }
    }
    argo_error_free(err);
    argo_context_free(ctx);
    log_close(&log);
    options_clear(&o);
    return code;
}
