/*
 * Reads the command line of argo-daemon, strictly: what is not understood is refused.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argo/version.h>

enum {
    NO_TCP = 256,
    EXECUTOR,
    TEMPLATES,
    READY_FD,
    REPAIR,
    PARK_AFTER,
    OUTPUT_MAX,
    STALL_AFTER,
    HEARTBEAT,
    HEARTBEAT_MISSES,
    WARM_FOR,
    LOG_LEVEL,
    FOREGROUND,
    VERSION
};

static const struct option known[] = {
    {"port", required_argument, NULL, 'p'},
    {"no-tcp", no_argument, NULL, NO_TCP},
    {"home", required_argument, NULL, 'H'},
    {"executor", required_argument, NULL, EXECUTOR},
    {"templates", required_argument, NULL, TEMPLATES},
    {"park-after", required_argument, NULL, PARK_AFTER},
    {"output-max", required_argument, NULL, OUTPUT_MAX},
    {"stall-after", required_argument, NULL, STALL_AFTER},
    {"heartbeat", required_argument, NULL, HEARTBEAT},
    {"heartbeat-misses", required_argument, NULL, HEARTBEAT_MISSES},
    {"warm-for", required_argument, NULL, WARM_FOR},
    {"ready-fd", required_argument, NULL, READY_FD},
    {"repair", no_argument, NULL, REPAIR},
    {"log-level", required_argument, NULL, LOG_LEVEL},
    {"foreground", no_argument, NULL, FOREGROUND},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: argo-daemon [OPTION]...\n"
    "Serves the workflows of one Argo home.\n"
    "\n"
    "  --port N         listen on 127.0.0.1:N; 0: any free port (default: 9876 or any)\n"
    "  --no-tcp         listen on the UNIX socket only\n"
    "  --home DIR       the Argo home (default: $ARGO_HOME, else ~/.argo)\n"
    "  --executor FILE  the program that runs a workflow\n"
    "  --templates DIR  the installed templates\n"
    "  --park-after S   end a process that has waited S seconds for a person (default: 10)\n"
    "  --output-max B   bytes of a run's output that are kept, the rest goes to its log\n"
    "                   (default: 67108864)\n"
    "  --stall-after S  show a run as stalled whose process is silent for S seconds\n"
    "                   (default: 120)\n"
    "  --heartbeat S    seconds between heartbeats of a CI that sends some (default: 30)\n"
    "  --heartbeat-misses N\n"
    "                   so many missing ones put it in error, as many again stop it\n"
    "                   (default: 3)\n"
    "  --warm-for S     keep a process ready to fork others from for S seconds after it was\n"
    "                   needed; 0: none (default: 60)\n"
    "  --foreground     log to stderr, not to HOME/logs/daemon.log\n"
    "  --log-level L    error, warning, info (default) or debug\n"
    "  --ready-fd N     write the port to fd N when requests are accepted\n"
    "  --repair         repair the home's database and exit; no daemon may run\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 stopped, 1 failed, 2 wrong usage, 75 another daemon holds the home.\n";

/* The whole text is a number from 0 to MAX. */
static int number(const char *option, const char *text, long max, int *out)
{
    char *end = NULL;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > max) {
        fprintf(stderr, "argo-daemon: %s: expected a number from 0 to %ld, not '%s'\n", option, max,
                text);
        return OPTIONS_WRONG;
    }
    *out = (int)n;
    return OPTIONS_GO;
}

static int seconds_of(const char *option, const char *text, int64_t *out_ms)
{
    int seconds = 0;
    int r = number(option, text, 24 * 3600, &seconds);
    *out_ms = (int64_t)seconds * 1000;
    return r;
}

static int output_max(const char *text, int64_t *out)
{
    int bytes = 0;
    int r = number("--output-max", text, INT_MAX, &bytes);
    *out = bytes;
    return r;
}

static int ready_fd(const char *text, int *out)
{
    int r = number("--ready-fd", text, INT_MAX, out);
    if (r == OPTIONS_GO && fcntl(*out, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr, "argo-daemon: --ready-fd: fd %d is not open\n", *out);
        r = OPTIONS_WRONG;
    }
    return r;
}

static int level(const char *text, enum argo_log_level *out)
{
    argo_error *err = NULL;
    if (argo_log_level_parse(text, out, &err) < 0) {
        fprintf(stderr, "argo-daemon: --log-level: %s\n", argo_error_details(err));
        argo_error_free(err);
        return OPTIONS_WRONG;
    }
    return OPTIONS_GO;
}

/* The daemon and its executors work in directories of their own. */
static int absolute(const char *option, const char *path, char **out)
{
    free(*out);
    *out = realpath(path, NULL);
    if (*out == NULL) {
        fprintf(stderr, "argo-daemon: %s: %s: %s\n", option, path, strerror(errno));
        return OPTIONS_WRONG;
    }
    return OPTIONS_GO;
}

/* One installation, wherever it has been moved to: what is beside this program at NAME. NULL when
 * it is not there; then the library's own default serves. */
static char *beside(const char *name)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) + strlen(name) >= sizeof(path)) {
        return NULL;
    }
    strcpy(slash + 1, name);
    return realpath(path, NULL);
}

static int take(int option, const char *value, struct options *o)
{
    switch (option) {
    case 'p':
        return number("--port", value, UINT16_MAX, &o->daemon.port);
    case NO_TCP:
        o->daemon.no_tcp = 1;
        return OPTIONS_GO;
    case 'H':
        o->home = value;
        return OPTIONS_GO;
    case EXECUTOR:
        return absolute("--executor", value, &o->executor);
    case TEMPLATES:
        return absolute("--templates", value, &o->templates);
    case PARK_AFTER:
        return seconds_of("--park-after", value, &o->daemon.park_after_ms);
    case STALL_AFTER:
        return seconds_of("--stall-after", value, &o->daemon.stall_after_ms);
    case HEARTBEAT:
        return seconds_of("--heartbeat", value, &o->daemon.heartbeat_ms);
    case HEARTBEAT_MISSES:
        return number("--heartbeat-misses", value, 1000, &o->daemon.heartbeat_misses);
    case WARM_FOR:
        return seconds_of("--warm-for", value, &o->daemon.warm_for_ms);
    case OUTPUT_MAX:
        return output_max(value, &o->daemon.output_max);
    case READY_FD:
        return ready_fd(value, &o->ready_fd);
    case REPAIR:
        o->repair = 1;
        return OPTIONS_GO;
    case LOG_LEVEL:
        return level(value, &o->level);
    case FOREGROUND:
        o->foreground = 1;
        return OPTIONS_GO;
    case VERSION:
        printf("argo-daemon %s\n", argo_version());
        return OPTIONS_SHOWN;
    case 'h':
        fputs(help, stdout);
        return OPTIONS_SHOWN;
    default:
        return OPTIONS_WRONG; /* getopt_long has said why */
    }
}

int options_parse(int argc, char **argv, struct options *out)
{
    struct options o = {.daemon = ARGO_DAEMON_OPTIONS_INIT, .ready_fd = -1, .level = ARGO_LOG_INFO};
    int r = OPTIONS_GO;
    int option = 0;
    int index = -1;
    while (r == OPTIONS_GO && (option = getopt_long(argc, argv, "h", known, &index)) != -1) {
        r = take(option, optarg, &o);
        o.given |= index >= 0 ? UINT64_C(1) << index : 0;
        index = -1;
    }
    if (r == OPTIONS_GO && optind < argc) {
        fprintf(stderr, "argo-daemon: '%s': no arguments are expected\n", argv[optind]);
        r = OPTIONS_WRONG;
    }
    if (r == OPTIONS_WRONG) {
        fputs("Try 'argo-daemon --help'.\n", stderr);
    }
    if (o.executor == NULL) {
        o.executor = beside("argo_workflow_executor");
    }
    if (o.templates == NULL) {
        o.templates = beside("../share/argo/templates");
    }
    o.daemon.executor = o.executor;
    o.daemon.templates = o.templates;
    *out = o;
    return r;
}

/* The place of the option NAME in `known`. */
static size_t place_of(const char *name)
{
    size_t i = 0;
    while (known[i].name != NULL && strcmp(known[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* The library has checked the values; a switch is 0 or 1. */
static void take_setting(const struct argo_setting *setting, struct options *o)
{
    size_t i = place_of(setting->option);
    bool off = known[i].has_arg == no_argument && strcmp(setting->value, "1") != 0;
    bool counts = known[i].name != NULL && !off && (o->given & UINT64_C(1) << i) == 0;
    if (counts) {
        (void)take(known[i].val, setting->value, o);
    }
}

int options_configure(struct options *o, const argo_context *ctx, argo_error **err)
{
    argo_config *config = NULL;
    const struct argo_setting *setting;
    int r = argo_config_new(ctx, NULL, &config, err);
    for (size_t i = 0; r == 0 && (setting = argo_config_at(config, i)) != NULL; i++) {
        if (setting->given && setting->option != NULL) {
            take_setting(setting, o);
        }
    }
    argo_config_free(config);
    return r;
}

void options_clear(struct options *o)
{
    free(o->executor);
    free(o->templates);
}
