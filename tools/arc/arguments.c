/*
 * The options that every command takes, and reading a command's own.
 */
#include "arc.h"
#include "commands.h"
#include "current.h"

const struct arc_option arc_globals[] = {
    {"json", 0, ARC_OPTION_FLAG, offsetof(struct arc, json), NULL,
     "print the daemon's reply as it came (errors too, on standard output)", ARC_WORDS_NONE},
    {"home", 0, ARC_OPTION_TEXT, offsetof(struct arc, home), "DIR",
     "Argo's directory; else $ARGO_HOME, else ~/.argo", ARC_WORDS_DIRECTORY},
    {"url", 0, ARC_OPTION_TEXT, offsetof(struct arc, url), "URL",
     "the daemon: unix:PATH or http://127.0.0.1:PORT; else $ARGO_DAEMON_URL", ARC_WORDS_NONE},
    {"port", 0, ARC_OPTION_TEXT, offsetof(struct arc, port), "N",
     "where a daemon that arc starts listens; else $ARGO_DAEMON_PORT", ARC_WORDS_NONE},
    {"help", 'h', ARC_OPTION_FLAG, offsetof(struct arc, help), NULL, "how to use the command",
     ARC_WORDS_NONE},
    {"version", 0, ARC_OPTION_FLAG, offsetof(struct arc, version), NULL, "as arc version",
     ARC_WORDS_NONE},
    {0},
};

bool arc_arguments(struct arc *arc, void *values, int argc, char **argv,
                   struct arc_list *positional, int *out)
{
    char message[160];
    const struct arc_command *command = arc->command;
    struct arc_syntax syntax = {.options = command->options,
                                .values = values,
                                .globals = arc_globals,
                                .global_values = arc};
    int n = arc_options_parse(&syntax, argc, argv, positional, message, sizeof(message));
    if (n >= 0 && arc->help) {
        arc_help_command(command);
        *out = ARC_EXIT_OK;
        return false;
    }
    size_t min = command->min - (command->current ? 1 : 0);
    if (n < 0) {
        *out = arc_usage(arc, "%s", message);
    } else if (positional->n < min) {
        *out = arc_usage(arc, "%s: something is missing", command->name);
    } else if (positional->n > command->max) {
        *out = arc_usage(arc, "%s: '%s' is one argument too many", command->name,
                         positional->items[command->max]);
    } else {
        if (!arc_settle(arc, out)) {
            return false;
        }
        *out = command->current ? arc_current_fill(arc, positional, command->min) : 0;
        arc->subject = positional->n > 0 ? positional->items[0] : NULL;
        return *out == 0;
    }
    return false;
}
