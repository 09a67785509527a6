/*
 * The table of commands. Adding one: a function in a cmd_*.c, a line here, a row in commands.c.
 */
#ifndef ARC_COMMANDS_H
#define ARC_COMMANDS_H

#include "arc.h"

struct arc_command {
    const char *name; /* one or two words: "start", "ci add" */
    int (*run)(struct arc *arc, int argc, char **argv);
    const char *usage; /* what follows "arc " */
    const char *brief; /* its line in the list of commands */
    const char *help;  /* what `arc help NAME` adds, lines with their newlines; or "" */
};

/* The command that ARGV begins with; *USED is how many words its name takes. NULL: none, and what
 * is wrong has been said. */
const struct arc_command *arc_command_find(struct arc *arc, int argc, char **argv, int *used);
void arc_help_command(const struct arc_command *command);
void arc_help_all(FILE *out);

/* The table of `arc list`. */
void arc_print_runs(const argo_value *list);

int arc_cmd_start(struct arc *arc, int argc, char **argv);
int arc_cmd_attach(struct arc *arc, int argc, char **argv);
int arc_cmd_answer(struct arc *arc, int argc, char **argv);
int arc_cmd_list(struct arc *arc, int argc, char **argv);
int arc_cmd_status(struct arc *arc, int argc, char **argv);
int arc_cmd_steps(struct arc *arc, int argc, char **argv);
int arc_cmd_logs(struct arc *arc, int argc, char **argv);
int arc_cmd_pause(struct arc *arc, int argc, char **argv);
int arc_cmd_resume(struct arc *arc, int argc, char **argv);
int arc_cmd_abandon(struct arc *arc, int argc, char **argv);
int arc_cmd_validate(struct arc *arc, int argc, char **argv);
int arc_cmd_template_list(struct arc *arc, int argc, char **argv);
int arc_cmd_template_show(struct arc *arc, int argc, char **argv);
int arc_cmd_ci_list(struct arc *arc, int argc, char **argv);
int arc_cmd_ci_add(struct arc *arc, int argc, char **argv);
int arc_cmd_ci_show(struct arc *arc, int argc, char **argv);
int arc_cmd_ci_remove(struct arc *arc, int argc, char **argv);
int arc_cmd_session_list(struct arc *arc, int argc, char **argv);
int arc_cmd_session_new(struct arc *arc, int argc, char **argv);
int arc_cmd_session_show(struct arc *arc, int argc, char **argv);
int arc_cmd_session_end(struct arc *arc, int argc, char **argv);
int arc_cmd_session_pause(struct arc *arc, int argc, char **argv);
int arc_cmd_session_resume(struct arc *arc, int argc, char **argv);
int arc_cmd_daemon_start(struct arc *arc, int argc, char **argv);
int arc_cmd_daemon_stop(struct arc *arc, int argc, char **argv);
int arc_cmd_daemon_sync(struct arc *arc, int argc, char **argv);
int arc_cmd_daemon_status(struct arc *arc, int argc, char **argv);
int arc_cmd_version(struct arc *arc, int argc, char **argv);
int arc_cmd_help(struct arc *arc, int argc, char **argv);

#endif
