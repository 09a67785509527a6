/*
 * daemon logs: the daemon's log file as people read it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"

struct show {
    int follow;
    const char *lines;
};

static const struct arc_option show_options[] = {
    {"follow", 'f', ARC_OPTION_FLAG, offsetof(struct show, follow), NULL,
     "go on with what comes, until Ctrl-C", ARC_WORDS_NONE},
    {"lines", 'n', ARC_OPTION_TEXT, offsetof(struct show, lines), "N", "only the last N lines",
     ARC_WORDS_NONE},
    {0},
};

/* {"at","level","component","message"} as one line; what is none goes out as it is. */
static void print_line(struct arc *arc, const char *line)
{
    arc_auto_value argo_value *entry = NULL;
    if (arc->json || argo_value_parse(line, strlen(line), &entry, NULL) < 0) {
        arc_print_json(line);
        return;
    }
    arc_putf(stdout, "%s  %-7s %s: %s\n", argo_value_text(entry, "at", ""),
             argo_value_text(entry, "level", "?"), argo_value_text(entry, "component", "?"),
             argo_value_text(entry, "message", ""));
}

/* Prints what can be read, whole lines only. */
static void print_rest(struct arc *arc, FILE *file, long skip)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] != '\n') {
            fseek(file, -n, SEEK_CUR); /* it is being written */
            break;
        }
        line[n - 1] = '\0';
        if (skip-- <= 0) {
            print_line(arc, line);
        }
    }
    clearerr(file);
    free(line);
    fflush(stdout);
}

static long count_lines(FILE *file)
{
    long n = 0;
    int c;
    while ((c = fgetc(file)) != EOF) {
        n += c == '\n';
    }
    rewind(file);
    return n;
}

/* Another file may bear the name: the old one was full, or a daemon has been started. */
static FILE *reopened(FILE *file, const char *path)
{
    struct stat is, named;
    FILE *fresh = NULL;
    if (fstat(fileno(file), &is) == 0 && stat(path, &named) == 0 && is.st_ino != named.st_ino) {
        fresh = fopen(path, "re");
    }
    return fresh;
}

static int follow(struct arc *arc, FILE **file, const char *path, const char *dir)
{
    char events[4096];
    int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        return arc_failed(arc, "%s cannot be watched: %s", dir, strerror(errno));
    }
    while (!ferror(stdout)) {
        print_rest(arc, *file, 0);
        FILE *fresh = reopened(*file, path);
        if (fresh != NULL) {
            fclose(*file);
            *file = fresh;
            continue;
        }
        if (read(watch, events, sizeof(events)) < 0 && errno != EINTR) {
            break;
        }
    }
    close(watch);
    return ARC_EXIT_FAILED; /* its reader has gone */
}

static int daemon_logs(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct show given = {0};
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, &given, argc, argv, &none, &code)) {
        return code;
    }
    long lines = given.lines == NULL ? -1 : arc_parse_number(given.lines, 0, 1000000000);
    if (given.lines != NULL && lines < 0) {
        return arc_usage(arc, "daemon logs: --lines '%s': expected a number", given.lines);
    }
    if (arc->url != NULL) {
        return arc_usage(
            arc, "daemon logs: the log of another daemon lies where it runs: read it there");
    }
    arc_auto_free char *dir = arc_format("%s/logs", argo_context_home(arc->ctx));
    arc_auto_free char *path = arc_format("%s/logs/daemon.log", argo_context_home(arc->ctx));
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL) {
        arc_failed(arc, "%s: %s. It is there when a daemon has run: arc daemon start", path,
                   strerror(errno));
        return ARC_EXIT_NOT_FOUND;
    }
    print_rest(arc, file, lines < 0 ? 0 : count_lines(file) - lines);
    code = given.follow ? follow(arc, &file, path, dir) : ARC_EXIT_OK;
    fclose(file);
    return code;
}

const struct arc_command arc_command_daemon_logs = {
    .name = "daemon logs",
    .brief = "Print the daemon's log",
    .help =
        "The log is $ARGO_HOME/logs/daemon.log; older ones are beside it. --json prints it as it is.\n",
    .run = daemon_logs,
    .options = show_options,
    .unsettled = true,
};
