/*
 * arc: the program for people. Finds the command and runs it; everything else is in its file.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../standard_fds.h"
#include "arc.h"
#include "commands.h"

/* A terminal on stdout that can do more than print. */
static bool can_redraw(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Colour only where a person sees it and has not said no (https://no-color.org). */
static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    return can_redraw() && (no_color == NULL || *no_color == '\0');
}

/* Text is UTF-8 here, also where nobody has chosen a locale (a container, a bare ssh). */
static void set_locale(void)
{
    setlocale(LC_ALL, "");
    if (MB_CUR_MAX == 1 && strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static int run(struct arc *arc, int argc, char **argv)
{
    char message[160];
    int used = 0;
    arc_auto_list struct arc_list none = {0};
    struct arc_syntax syntax = {.globals = arc_globals, .global_values = arc, .stop_at_first = 1};
    int n = arc_options_parse(&syntax, argc, argv, &none, message, sizeof(message));
    if (n < 0) {
        return arc_usage(arc, "%s", message);
    }
    if (arc->version) {
        char *no_arguments[] = {NULL};
        arc->command = &arc_command_version;
        return arc->command->run(arc, 0, no_arguments);
    }
    if (n >= argc) {
        arc_help_all(arc->help ? stdout : stderr);
        return arc->help ? ARC_EXIT_OK : ARC_EXIT_USAGE;
    }
    arc->command = arc_command_find(arc, argc - n, argv + n, &used);
    if (arc->command == NULL) {
        return ARC_EXIT_USAGE;
    }
    return arc->command->run(arc, argc - n - used, argv + n + used);
}

static bool reader_has_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* Output that could not be written is a failure: `arc list > /dev/full`. A reader that has seen
 * enough needs no message. */
static int flush(int code)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!reader_has_gone()) {
            fprintf(stderr, "arc: stdout: %s\n", strerror(errno == 0 ? EIO : errno));
        }
        return code == ARC_EXIT_OK ? ARC_EXIT_FAILED : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    if (!standard_fds()) {
        return ARC_EXIT_FAILED;
    }
    set_locale();
    signal(SIGPIPE, SIG_IGN);
    struct arc arc = {
        .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
        .colour = wants_colour(),
        .redraws = can_redraw(),
        .argv = argv + 1,
    };
    int code = flush(run(&arc, argc - 1, argv + 1));
    argo_client_free(arc.client);
    free(arc.current);
    argo_config_free(arc.config);
    argo_error_free(arc.unsettled);
    argo_context_free(arc.ctx);
    return code;
}
