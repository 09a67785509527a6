/*
 * argo_workflow_executor: runs one workflow for a daemon, which starts it, or one to fork it from.
 * Takes everything from its environment and the run's token from an inherited fd; stdin, stdout and
 * stderr are /dev/null. Uses nothing but the public interface.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <argo/executor.h>
#include <argo/version.h>

#define EXIT_USAGE  2
#define EXIT_FENCED 3
#define EXIT_LOCKED 75 /* EX_TEMPFAIL: this run has an executor */
#define TOKEN_MAX   256

static argo_executor *running; /* for the signal handler alone */

/* The daemon's SIGCONT carries how long all pauses of the run were. */
static void on_signal(int signo, siginfo_t *info, void *context)
{
    if (signo != SIGCONT) {
        argo_executor_stop(running);
    } else if (info->si_code == SI_QUEUE) {
        argo_executor_was_stopped(running, (int64_t)(intptr_t)info->si_value.sival_ptr);
    }
}

/* No core holds the token (RLIMIT_CORE would do that for the commands too); what a step leaves
 * behind becomes our child, not init's. */
static void prepare_process(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
}

static int number_from(const char *name, int64_t min, int64_t *out)
{
    const char *text = getenv(name);
    char *end = NULL;
    errno = 0;
    *out = text != NULL ? strtoll(text, &end, 10) : 0;
    return text != NULL && *text != '\0' && *end == '\0' && errno == 0 && *out >= min ? 0 : -1;
}

/* The fd is closed and its number forgotten: no step learns of it. */
static int read_token(char token[TOKEN_MAX])
{
    int64_t fd = -1;
    size_t len = 0;
    ssize_t n = 0;
    if (number_from("ARGO_TOKEN_FD", 0, &fd) < 0) {
        return -1;
    }
    do {
        n = read((int)fd, token + len, TOKEN_MAX - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (len < TOKEN_MAX - 1 && (n > 0 || (n < 0 && errno == EINTR)));
    close((int)fd);
    unsetenv("ARGO_TOKEN_FD");
    token[len] = '\0';
    token[strcspn(token, "\n")] = '\0';
    return n == 0 && *token != '\0' ? 0 : -1;
}

/* Never rotated: the run's output that is too much for the store is in it, and nowhere else. */
static argo_log_file *open_log(argo_context *ctx, const char *workflow_id)
{
    char path[PATH_MAX];
    argo_log_file *log = NULL;
    size_t len =
        (size_t)snprintf(path, sizeof(path), "%s/logs/%s.log", argo_context_home(ctx), workflow_id);
    if (len < sizeof(path) && argo_log_file_open(path, UINT64_MAX, 0, &log, NULL) == 0) {
        argo_context_set_log(ctx, argo_log_file_write, log, ARGO_LOG_INFO);
    }
    return log;
}

static int run(argo_context *ctx, const struct argo_executor_options *options, argo_error **err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGCONT};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
    int r = argo_executor_new(ctx, options, &running, err);
    for (int i = 0; r == 0 && i < 3; i++) {
        sigaction(signals[i], &action, NULL);
    }
    r = r == 0 ? argo_executor_run(running, err) : r;
    for (int i = 0; i < 3; i++) {
        signal(signals[i], SIG_IGN);
    }
    argo_executor_free(running);
    return r;
}

int main(int argc, char **argv)
{
    struct argo_executor_options options = ARGO_EXECUTOR_OPTIONS_INIT;
    char token[TOKEN_MAX];
    int64_t idle_ms = 0;
    argo_context *ctx = NULL;
    argo_error *err = NULL;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("argo_workflow_executor %s\n", argo_version());
        return 0;
    }
    bool forked = number_from("ARGO_WARM_MS", 0, &idle_ms) == 0;
    int r = forked ? argo_executor_warm(idle_ms, NULL) : 1;
    if (r != 1) {
        return r != 0;
    }
    prepare_process();
    options.url = getenv("ARGO_DAEMON_URL");
    options.workflow_id = getenv("ARGO_WORKFLOW_ID");
    options.lock_file = getenv("ARGO_LOCK_FILE");
    if (options.workflow_id == NULL || strchr(options.workflow_id, '/') != NULL ||
        number_from("ARGO_EPOCH", 1, &options.epoch) < 0 || read_token(token) < 0 ||
        argo_context_new(NULL, &ctx, NULL) < 0) {
        fputs("argo_workflow_executor is started by argo-daemon only\n", stderr);
        return EXIT_USAGE;
    }
    options.token = token;
    options.reap_orphans = 1;
    argo_log_file *log = open_log(ctx, options.workflow_id);
    r = run(ctx, &options, &err);
    explicit_bzero(token, sizeof(token));
    if (r < 0 && log != NULL) {
        argo_log_file_write(log, ARGO_LOG_ERROR, "executor", __FILE__, __LINE__,
                            argo_error_details(err));
    }
    argo_error_free(err);
    argo_context_free(ctx);
    argo_log_file_close(log);
    r = r == ARGO_E_FENCED ? EXIT_FENCED : r == ARGO_E_LOCKED ? EXIT_LOCKED : r != 0;
    if (forked) {
        _exit(r); /* what the libraries have is the warm one's to take down */
    }
    return r;
}
