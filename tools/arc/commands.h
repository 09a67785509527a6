/*
 * The table of commands. Adding one: its struct in a cmd_*.c, a line here, its row in commands.c.
 */
#ifndef ARC_COMMANDS_H
#define ARC_COMMANDS_H

#include "arc.h"

enum { ARC_COMMAND_WORDS = 2 };

struct arc_command {
    const char *name;      /* one or two words: "start", "ci add" */
    const char *arguments; /* what stands after it, "TEMPLATE|FILE [INSTANCE]"; NULL: nothing */
    const char *brief;     /* its line in the list of commands */
    const char *help;      /* what `arc help NAME` adds, lines with their newlines; or NULL */
    int (*run)(struct arc *arc, int argc, char **argv);
    const struct arc_option *options;        /* or NULL */
    size_t min, max;                         /* how many positional arguments */
    enum arc_words words[ARC_COMMAND_WORDS]; /* what they are */
    bool unsettled;                          /* works with wrong settings, too: arc->unsettled */
    bool current;                            /* its first argument may be left out: arc switch */
    bool hidden;                             /* in no list */
    bool workflow;                           /* `arc workflow NAME` is the same */
};

/* The command that ARGV begins with; *USED is how many words its name takes. NULL: none, and what
 * is wrong has been said. */
const struct arc_command *arc_command_find(struct arc *arc, int argc, char **argv, int *used);
/* The command of this name, without a word when there is none. */
const struct arc_command *arc_command_look(const char *first, const char *second, int *used);
/* The commands in the order of the help, without those that are hidden; NULL after the last one. */
const struct arc_command *arc_command_at(size_t i);
/* help.c */
void arc_print_usage(FILE *out, const struct arc_command *command);
void arc_help_command(const struct arc_command *command);
void arc_help_all(FILE *out);

/* Asks a CI one small question, as `arc ci test` does. */
int arc_ci_probe(struct arc *arc, const char *name, argo_error **err);
/* The table of `arc list`. */
void arc_print_runs(const argo_value *list);

extern const struct arc_command arc_command_start;
extern const struct arc_command arc_command_attach;
extern const struct arc_command arc_command_list;
extern const struct arc_command arc_command_status;
extern const struct arc_command arc_command_steps;
extern const struct arc_command arc_command_logs;
extern const struct arc_command arc_command_inbox;
extern const struct arc_command arc_command_answer;
extern const struct arc_command arc_command_pause;
extern const struct arc_command arc_command_resume;
extern const struct arc_command arc_command_abandon;
extern const struct arc_command arc_command_switch;
extern const struct arc_command arc_command_validate;
extern const struct arc_command arc_command_template_list;
extern const struct arc_command arc_command_template_show;
extern const struct arc_command arc_command_template_new;
extern const struct arc_command arc_command_template_trust;
extern const struct arc_command arc_command_ci_list;
extern const struct arc_command arc_command_ci_add;
extern const struct arc_command arc_command_ci_show;
extern const struct arc_command arc_command_ci_key;
extern const struct arc_command arc_command_ci_test;
extern const struct arc_command arc_command_ci_remove;
extern const struct arc_command arc_command_session_list;
extern const struct arc_command arc_command_session_new;
extern const struct arc_command arc_command_session_show;
extern const struct arc_command arc_command_session_pause;
extern const struct arc_command arc_command_session_resume;
extern const struct arc_command arc_command_session_end;
extern const struct arc_command arc_command_daemon_start;
extern const struct arc_command arc_command_daemon_stop;
extern const struct arc_command arc_command_daemon_sync;
extern const struct arc_command arc_command_daemon_status;
extern const struct arc_command arc_command_daemon_logs;
extern const struct arc_command arc_command_config;
extern const struct arc_command arc_command_config_get;
extern const struct arc_command arc_command_config_set;
extern const struct arc_command arc_command_config_unset;
extern const struct arc_command arc_command_config_trust;
extern const struct arc_command arc_command_doctor;
extern const struct arc_command arc_command_completion;
extern const struct arc_command arc_command_complete;
extern const struct arc_command arc_command_version;
extern const struct arc_command arc_command_help;

#endif
