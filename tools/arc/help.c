/*
 * help: written from the table of commands and their options.
 */
#include <string.h>

#include "commands.h"

enum { WIDTH = 80, INDENT = 28 };

/* TEXT in lines of the terminal's usual width, the first one from column AT. */
static void print_wrapped(FILE *out, size_t at, const char *text)
{
    if (at >= INDENT - 1) {
        fputc('\n', out);
        at = 0;
    }
    while (*text != '\0') {
        size_t room = WIDTH - INDENT;
        size_t len = strlen(text);
        while (len > room) {
            const char *space = memrchr(text, ' ', len);
            len = space == NULL ? room : (size_t)(space - text);
        }
        fprintf(out, "%*s%.*s\n", (int)(INDENT - at), "", (int)len, text);
        text += len + strspn(text + len, " ");
        at = 0;
    }
}

static void print_option(FILE *out, const struct arc_option *o)
{
    char letter[5] = "    ";
    if (o->letter != 0) {
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    int n = fprintf(out, "  %s--%s%s%s", letter, o->name, o->argument == NULL ? "" : " ",
                    o->argument == NULL ? "" : o->argument);
    print_wrapped(out, n < 0 ? 0 : (size_t)n, o->help);
}

static void print_options(FILE *out, const char *title, const struct arc_option *options)
{
    fprintf(out, "\n%s:\n", title);
    for (; options->name != NULL; options++) {
        print_option(out, options);
    }
}

void arc_print_usage(FILE *out, const struct arc_command *command)
{
    fprintf(out, "Usage: arc %s%s%s%s\n", command->name, command->arguments == NULL ? "" : " ",
            command->arguments == NULL ? "" : command->arguments,
            command->options == NULL ? "" : " [OPTION]...");
}

void arc_help_command(const struct arc_command *command)
{
    arc_print_usage(stdout, command);
    printf("%s.\n%s", command->brief, command->help == NULL ? "" : command->help);
    if (command->options != NULL) {
        print_options(stdout, "Options", command->options);
    }
    print_options(stdout, "Options of every command", arc_globals);
}

void arc_help_all(FILE *out)
{
    fputs("Usage: arc COMMAND [ARGUMENT]...\n"
          "AI workflows that run in the background and ask when they need you.\n\n",
          out);
    const struct arc_command *command;
    for (size_t i = 0; (command = arc_command_at(i)) != NULL; i++) {
        fprintf(out, "  %-16s %s\n", command->name, command->brief);
    }
    print_options(out, "Options of every command", arc_globals);
    fputs("\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 the workflow failed or "
          "was\nabandoned, 5 it needs an answer, 6 no daemon.\n"
          "How to use one: arc help COMMAND\n",
          out);
}

static int help(struct arc *arc, int argc, char **argv)
{
    int used = 0;
    char message[160];
    arc_auto_list struct arc_list words = {0};
    struct arc_syntax syntax = {.globals = arc_globals, .global_values = arc};
    /* Needs no home and no right setting. */
    if (arc_options_parse(&syntax, argc, argv, &words, message, sizeof(message)) < 0) {
        return arc_usage(arc, "%s", message);
    }
    if (words.n == 0) {
        arc_help_all(stdout);
        return ARC_EXIT_OK;
    }
    const struct arc_command *command = arc_command_find(arc, argc, argv, &used);
    if (command == NULL) {
        return ARC_EXIT_USAGE;
    }
    arc_help_command(command);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .brief = "Print this, or how to use a command",
    .run = help,
    .max = 3,
    .words = {ARC_WORDS_COMMAND},
};
