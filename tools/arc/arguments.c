/*
 * The options that every command takes, and reading a command's own.
 */
#include <string.h>

#include "arc.h"
#include "commands.h"

void arc_globals_init(struct arc *arc)
{
    const struct arc_option table[] = {
        {"url", 0, ARC_OPTION_TEXT, &arc->url},
        {"home", 0, ARC_OPTION_TEXT, &arc->home},
        {"port", 0, ARC_OPTION_TEXT, &arc->port},
        {"json", 0, ARC_OPTION_FLAG, &arc->json},
        {"help", 'h', ARC_OPTION_FLAG, &arc->help},
        {"version", 0, ARC_OPTION_FLAG, &arc->version},
        {0},
    };
    memcpy(arc->globals, table, sizeof(table));
}

bool arc_arguments(struct arc *arc, const struct arc_option *options, int argc, char **argv,
                   size_t min, size_t max, struct arc_list *positional, int *out)
{
    char message[160];
    struct arc_syntax syntax = {.options = options, .globals = arc->globals};
    int n = arc_options_parse(&syntax, argc, argv, positional, message, sizeof(message));
    if (n >= 0 && arc->help) {
        arc_help_command(arc->command);
        *out = ARC_EXIT_OK;
        return false;
    }
    if (n < 0) {
        *out = arc_usage(arc, "%s", message);
    } else if (positional->n < min) {
        *out = arc_usage(arc, "%s: something is missing", arc->command->name);
    } else if (positional->n > max) {
        *out = arc_usage(arc, "%s: '%s' is one argument too many", arc->command->name,
                         positional->items[max]);
    } else {
        return arc_settle(arc, out);
    }
    return false;
}
