/*
 * help: written from the table of commands and their options.
 */
#include <string.h>

#include "commands.h"
#include "terminal.h"

enum { WIDTH = 80, INDENT = 28, BRIEF = 19, NARROW = 60, NARROW_INDENT = 8 };

/* The terminal's, at most the usual one. */
static size_t line_width(void)
{
    size_t width = arc_terminal_width();
    return width < 2 * NARROW_INDENT || width > WIDTH ? WIDTH : width;
}

static bool is_narrow(void)
{
    return line_width() < NARROW;
}

/* TEXT in lines from column INDENT, the first one after column AT. */
static void print_wrapped(FILE *out, size_t at, size_t indent, const char *text)
{
    indent = is_narrow() && indent > NARROW_INDENT ? NARROW_INDENT : indent;
    if (at > 0 && at + 1 >= indent) {
        fputc('\n', out);
        at = 0;
    }
    while (*text != '\0') {
        size_t room = line_width() - indent;
        size_t len = strlen(text);
        while (len > room) {
            const char *space = memrchr(text, ' ', len);
            len = space == NULL ? room : (size_t)(space - text);
        }
        fprintf(out, "%*s%.*s\n", (int)(indent - at), "", (int)len, text);
        text += len + strspn(text + len, " ");
        at = 0;
    }
}

/* Lines with their newlines, of the usual width: as they are, or as one text in narrower ones. */
static void print_lines(FILE *out, const char *lines)
{
    arc_auto_free char *text = is_narrow() ? arc_clean_text(lines, 1) : NULL;
    if (text != NULL) {
        print_wrapped(out, 0, 0, text);
    } else {
        fputs(lines, out);
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
    print_wrapped(out, n < 0 ? 0 : (size_t)n, INDENT, o->help);
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
    const char *arguments = command->arguments == NULL ? "" : command->arguments;
    arc_auto_free char *line =
        arc_format("Usage: arc %s%s%s%s\n", command->name, *arguments == '\0' ? "" : " ", arguments,
                   command->options == NULL ? "" : " [OPTION]...");
    print_lines(out, line == NULL ? "" : line);
}

void arc_help_command(const struct arc_command *command)
{
    arc_print_usage(stdout, command);
    arc_auto_free char *brief = arc_format("%s.\n", command->brief);
    print_lines(stdout, brief == NULL ? "" : brief);
    print_lines(stdout, command->help == NULL ? "" : command->help);
    if (command->options != NULL) {
        print_options(stdout, "Options", command->options);
    }
    print_options(stdout, "Options of every command", arc_globals);
}

void arc_help_all(FILE *out)
{
    fputs("Usage: arc COMMAND [ARGUMENT]...\n", out);
    print_lines(out, "AI workflows that run in the background and ask when they need you.\n");
    fputc('\n', out);
    const struct arc_command *command;
    for (size_t i = 0; (command = arc_command_at(i)) != NULL; i++) {
        int n = fprintf(out, "  %s", command->name);
        print_wrapped(out, n < 0 ? 0 : (size_t)n, BRIEF, command->brief);
    }
    print_options(out, "Options of every command", arc_globals);
    fputc('\n', out);
    print_lines(out,
                "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 the workflow failed "
                "or was\nabandoned, 5 it needs an answer, 6 no daemon.\n");
    fputs("How to use one: arc help COMMAND\n", out);
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
