/*
 * daemon start, stop, sync, status; version.
 */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <argo/version.h>

#include "arc.h"
#include "commands.h"

enum { STOP_MS = 60 * 1000 };

static bool no_arguments(struct arc *arc, void *values, int argc, char **argv, int *code)
{
    arc_auto_list struct arc_list none = {0};
    return arc_arguments(arc, values, argc, argv, &none, code);
}

static void print_health(const argo_value *reply)
{
    const argo_value *data = argo_value_get(reply, "data");
    arc_putf(stdout, "argo-daemon %s, pid %lld, port %lld\n", argo_value_text(data, "version", "?"),
             (long long)argo_value_int(data, "pid", 0), (long long)argo_value_int(data, "port", 0));
}

static int daemon_start(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    if (!no_arguments(arc, NULL, argc, argv, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    if (arc->url != NULL) {
        return arc_usage(arc, "daemon start: only the daemon of this home can be started, not that "
                              "of --url or ARGO_DAEMON_URL");
    }
    bool ran = arc_request_running(arc, "GET", "/api/health", NULL, 0, &reply, NULL) == 0;
    if (!ran && arc_request(arc, "GET", "/api/health", NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    fputs(ran ? "Runs already: " : "Started: ", stdout);
    print_health(reply.value);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_daemon_start = {
    .name = "daemon start",
    .brief = "Start the daemon (other commands do it by themselves)",
    .run = daemon_start,
};

/* Waits until the daemon's process has gone, so that what comes next finds the home free. */
static int wait_for_exit(struct arc *arc, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, STOP_MS) <= 0) {
        return arc_failed(arc, "It has been told to stop, but is still there after %d s",
                          STOP_MS / 1000);
    }
    return ARC_EXIT_OK;
}

struct stop {
    int abandon;
};

static const struct arc_option stop_options[] = {
    {"abandon", 0, ARC_OPTION_FLAG, offsetof(struct stop, abandon), NULL, "end all workflows first",
     ARC_WORDS_NONE},
    {0},
};

static int daemon_stop(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct stop given = {0};
    if (!no_arguments(arc, &given, argc, argv, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    if (arc_request_running(arc, "GET", "/api/version", NULL, 0, &reply, &err) < 0) {
        if (argo_error_code(err) == ARGO_E_NO_DAEMON && !arc->json) {
            puts("No daemon runs.");
            return ARC_EXIT_OK;
        }
        return arc_fail(arc, err);
    }
    pid_t pid = (pid_t)argo_value_int(reply.value, "pid", 0);
    int fd = pid > 0 && arc->url == NULL ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    (void)argo_value_set_bool(body, "abandon", given.abandon != 0);
    if (arc_request_running(arc, "POST", "/api/daemon/shutdown", body, STOP_MS, &reply, &err) < 0) {
        code = arc_fail(arc, err);
    } else {
        code = fd >= 0 ? wait_for_exit(arc, fd) : ARC_EXIT_OK;
        if (code == ARC_EXIT_OK && arc->json) {
            arc_print_reply(&reply);
        } else if (code == ARC_EXIT_OK) {
            puts(given.abandon ? "Stopped, and all workflows ended." : "Stopped. Workflows go on.");
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

const struct arc_command arc_command_daemon_stop = {
    .name = "daemon stop",
    .brief = "Stop the daemon; workflows go on",
    .run = daemon_stop,
    .options = stop_options,
    .unsettled = true,
};

static int daemon_sync(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    if (!no_arguments(arc, NULL, argc, argv, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    if (arc_request_running(arc, "POST", "/api/daemon/sync", NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    return arc->json ? arc_print_reply(&reply) : ARC_EXIT_OK;
}

const struct arc_command arc_command_daemon_sync = {
    .name = "daemon sync",
    .brief = "Bring the JSON files in Argo's directory up to date",
    .help = "The daemon does so by itself, at most every 2 seconds and when it stops.\n",
    .run = daemon_sync,
};

static int daemon_status(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    if (!no_arguments(arc, NULL, argc, argv, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    if (arc_request_running(arc, "GET", "/api/health", NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    const argo_value *data = argo_value_get(reply.value, "data");
    print_health(reply.value);
    printf("up             %.0f s\n", argo_value_real(data, "uptime", 0));
    if (arc->url == NULL) {
        arc_putf(stdout, "home           %s\n", argo_context_home(arc->ctx));
    }
    arc_putf(stdout, "store          %s\n", argo_value_text(data, "store", "?"));
    printf("workflows      %lld (%lld processes)\n",
           (long long)argo_value_int(data, "workflows", 0),
           (long long)argo_value_int(data, "executors", 0));
    printf("open questions %lld\n", (long long)argo_value_int(data, "open_questions", 0));
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_daemon_status = {
    .name = "daemon status",
    .brief = "Show the daemon",
    .run = daemon_status,
    .unsettled = true,
};

static int version(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    if (!no_arguments(arc, NULL, argc, argv, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    bool runs = arc_request_running(arc, "GET", "/api/version", NULL, 0, &reply, NULL) == 0;
    if (arc->json && runs) {
        return arc_print_reply(&reply);
    }
    if (arc->json) {
        printf("{\"version\":\"%s\"}\n", argo_version());
        return ARC_EXIT_OK;
    }
    printf("arc %s\n", argo_version());
    if (runs) {
        arc_putf(stdout, "argo-daemon %s%s\n", argo_value_text(reply.value, "version", "?"),
                 argo_value_bool(reply.value, "update_available", false)
                     ? " (a newer file is installed: arc daemon stop, arc daemon start)"
                     : "");
    } else {
        puts("argo-daemon does not run");
    }
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_version = {
    .name = "version",
    .brief = "Print the versions of arc and the daemon",
    .run = version,
    .unsettled = true,
};
