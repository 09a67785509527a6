/*
 * Which commands there are, and finding one.
 */
#include "commands.h"

#include <string.h>

#include "suggest.h"

static const struct arc_command *const commands[] = {
    &arc_command_start,          &arc_command_attach,         &arc_command_list,
    &arc_command_status,         &arc_command_steps,          &arc_command_logs,
    &arc_command_inbox,          &arc_command_answer,         &arc_command_pause,
    &arc_command_resume,         &arc_command_abandon,        &arc_command_switch,
    &arc_command_validate,       &arc_command_template_list,  &arc_command_template_show,
    &arc_command_template_new,   &arc_command_template_trust, &arc_command_ci_list,
    &arc_command_ci_add,         &arc_command_ci_show,        &arc_command_ci_key,
    &arc_command_ci_test,        &arc_command_ci_remove,      &arc_command_session_list,
    &arc_command_session_new,    &arc_command_session_show,   &arc_command_session_pause,
    &arc_command_session_resume, &arc_command_session_end,    &arc_command_daemon_start,
    &arc_command_daemon_stop,    &arc_command_daemon_sync,    &arc_command_daemon_status,
    &arc_command_daemon_logs,    &arc_command_config,         &arc_command_config_get,
    &arc_command_config_set,     &arc_command_config_unset,   &arc_command_config_trust,
    &arc_command_doctor,         &arc_command_completion,     &arc_command_version,
    &arc_command_help,           &arc_command_complete,
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* `arc workflow start` is `arc start`. */
static bool is_long_form(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (commands[i]->workflow && strcmp(commands[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The command whose name is exactly this. */
static const struct arc_command *named(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

/* Whether there is a command "FIRST something". */
static bool is_group(const char *first)
{
    size_t len = strlen(first);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strncmp(commands[i]->name, first, len) == 0 && commands[i]->name[len] == ' ') {
            return true;
        }
    }
    return false;
}

/* Two words before one; "config gte" is no "config". */
const struct arc_command *arc_command_look(const char *first, const char *second, int *used)
{
    char words[64];
    snprintf(words, sizeof(words), "%s %s", first, second == NULL ? "" : second);
    const struct arc_command *command = named(words);
    *used = command == NULL ? 1 : 2;
    if (command == NULL && (second == NULL || *second == '-' || !is_group(first))) {
        command = named(first);
    }
    return command;
}

/* "ci" and "ci lst" get the commands of this group, other words the nearest one. */
static void say_unknown(struct arc *arc, const char *first, const char *second)
{
    char words[64];
    size_t len = strlen(first);
    bool group = is_group(first);
    struct arc_suggestion suggestion = {.word = first};
    snprintf(words, sizeof(words), "%s %s", first, second == NULL ? "" : second);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        arc_suggest(&suggestion, commands[i]->hidden ? "" : commands[i]->name);
    }
    if (group) {
        suggestion = (struct arc_suggestion){.word = words};
        for (size_t i = 0; i < N_COMMANDS; i++) {
            arc_suggest(&suggestion, commands[i]->name);
        }
    }
    if (group && second == NULL) {
        arc_failed_with(arc, ARGO_E_INVALID, "'%s' needs a second word", first);
    } else {
        arc_failed_with(arc, ARGO_E_INVALID, "unknown command '%s'", group ? words : first);
    }
    if (arc->json) {
        return;
    }
    if (suggestion.nearest != NULL && (!group || second != NULL)) {
        fprintf(stderr, "Did you mean: arc %s\n", suggestion.nearest);
    }
    for (size_t i = 0; group && i < N_COMMANDS; i++) {
        if (strncmp(commands[i]->name, first, len) == 0 && commands[i]->name[len] == ' ') {
            fprintf(stderr, "  arc %-16s %s\n", commands[i]->name, commands[i]->brief);
        }
    }
    fputs("See: arc help\n", stderr);
}

const struct arc_command *arc_command_find(struct arc *arc, int argc, char **argv, int *used)
{
    const struct arc_command *command = NULL;
    int skip = argc > 1 && strcmp(argv[0], "workflow") == 0 && is_long_form(argv[1]) ? 1 : 0;
    command = arc_command_look(argv[skip], skip + 1 < argc ? argv[skip + 1] : NULL, used);
    if (command == NULL) {
        bool word = argc > 1 && strcmp(argv[0], "workflow") == 0; /* that one is right */
        say_unknown(arc, argv[word ? 1 : 0], !word && argc > 1 ? argv[1] : NULL);
        return NULL;
    }
    *used += skip;
    return command;
}

const struct arc_command *arc_command_at(size_t i)
{
    return i < N_COMMANDS && !commands[i]->hidden ? commands[i] : NULL; /* those come last */
}
