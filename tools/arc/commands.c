/*
 * Which commands there are, finding one, and help.
 */
#include "commands.h"

#include <string.h>

#include "suggest.h"

static const struct arc_command commands[] = {
    {"start", arc_cmd_start,
     "start TEMPLATE|FILE [INSTANCE] [-p NAME=VALUE]... [--ci NAME] [--branch B]\n"
     "                 [--environment E] [--id ID] [--session ID] [--cwd DIR]\n"
     "                 [--detach | --wait]",
     "Start a workflow",
     "TEMPLATE is a name (arc template list); with a / in it, or ending in .json, .yaml or .yml,\n"
     "it is a file. On a terminal arc attaches to the workflow; elsewhere it prints its id.\n"
     "  -p NAME=VALUE     a parameter of the template\n"
     "  --ci NAME         the same as -p ci=NAME\n"
     "  --branch B        the branch it is about (main)\n"
     "  --environment E   the environment it is about (dev)\n"
     "  --id ID           its id, instead of TEMPLATE_INSTANCE\n"
     "  --session ID      the session it belongs to (arc session new)\n"
     "  --cwd DIR         the directory it works in (the current one)\n"
     "  --detach          print the id and return\n"
     "  --wait            show its output until it ends, also without a terminal\n"},
    {"attach", arc_cmd_attach, "attach ID [--after SEQ | --tail N]",
     "Watch a workflow and answer its questions",
     "Shows what was missed, then goes on live. Ctrl-D or Ctrl-C detaches; the workflow goes on.\n"
     "  --after SEQ       leave out the output up to this number\n"
     "  --tail N          show only the last N records of what was missed\n"},
    {"list", arc_cmd_list, "list [--all] [--state S] [--template T] [--session ID]",
     "List workflows",
     "Without options: those that have not ended.\n"
     "  --all             those that have ended, too\n"
     "  --state S         queued running waiting paused stalled done failed interrupted abandoned\n"
     "  --template T      of this template only\n"
     "  --session ID      of this session only\n"},
    {"status", arc_cmd_status, "status ID [--wait]", "Show a workflow",
     "  --wait            wait until it has ended; exit code 4 unless it is done\n"},
    {"steps", arc_cmd_steps, "steps ID", "Show the steps that a workflow has done", ""},
    {"logs", arc_cmd_logs, "logs ID [--follow] [--log]", "Print a workflow's output",
     "  -f, --follow      go on until it ends\n"
     "  --log             the executor's log file instead of the output\n"},
    {"answer", arc_cmd_answer, "answer ID [ANSWER] [--question QID] [--json-answer JSON]",
     "Answer a question",
     "Without ANSWER, on a terminal, the question is shown and asked here.\n"
     "  --question QID    which one, when several are open\n"
     "  --json-answer J   the answer as JSON, for forms\n"},
    {"pause", arc_cmd_pause, "pause ID", "Stop a workflow until it is resumed",
     "Its processes stand still and its time limits with them; questions can be answered.\n"},
    {"resume", arc_cmd_resume, "resume ID", "Let a paused workflow go on", ""},
    {"abandon", arc_cmd_abandon, "abandon ID [--yes]", "End a workflow and all of its processes",
     "  -y, --yes         do not ask\n"},
    {"validate", arc_cmd_validate, "validate FILE|TEMPLATE",
     "Check a template and print every problem", ""},
    {"template list", arc_cmd_template_list, "template list", "List templates", ""},
    {"template show", arc_cmd_template_show, "template show NAME", "Print a template", ""},
    {"ci list", arc_cmd_ci_list, "ci list", "List companion intelligences (CIs)", ""},
    {"ci add", arc_cmd_ci_add,
     "ci add NAME --provider openai|replay [--url BASE] [--model M] [--role R]\n"
     "                 [--key-file F | --key-env VAR | --key-stdin]\n"
     "                 [--recording DIR] [--upstream NAME]",
     "Add a CI, and store its key",
     "The key goes to $ARGO_HOME/keys/NAME, which only you can read; it is never sent to the\n"
     "daemon and never shown.\n"
     "  --url BASE        where it is: http://127.0.0.1:11434/v1\n"
     "  --key-file F      read the key from this file\n"
     "  --key-env VAR     read it from this environment variable\n"
     "  --key-stdin       read it from standard input (a terminal does not show it)\n"
     "  --recording DIR   of a replay CI: where its exchanges are kept\n"
     "  --upstream NAME   of a replay CI: record the exchanges with this CI, do not play them\n"
     "Here --url belongs to the CI; another daemon is named by ARGO_DAEMON_URL.\n"},
    {"ci show", arc_cmd_ci_show, "ci show NAME", "Show a CI", ""},
    {"ci remove", arc_cmd_ci_remove, "ci remove NAME [--force] [--keep-key]",
     "Remove a CI and its key",
     "  --force           even when it is busy\n"
     "  --keep-key        leave $ARGO_HOME/keys/NAME\n"},
    {"session list", arc_cmd_session_list, "session list", "List sessions", ""},
    {"session new", arc_cmd_session_new, "session new [ID] [--description TEXT]",
     "Begin a session: a name for workflows that belong together",
     "Prints its id. Start workflows in it: arc start --session ID\n"},
    {"session show", arc_cmd_session_show, "session show ID", "Show a session and its workflows",
     ""},
    {"session pause", arc_cmd_session_pause, "session pause ID", "Pause a session's workflows", ""},
    {"session resume", arc_cmd_session_resume, "session resume ID",
     "Let a session's workflows go on", ""},
    {"session end", arc_cmd_session_end, "session end ID [--force]", "End a session",
     "  --force           abandon its workflows first\n"},
    {"daemon start", arc_cmd_daemon_start, "daemon start [--port N]",
     "Start the daemon (other commands do it by themselves)", ""},
    {"daemon stop", arc_cmd_daemon_stop, "daemon stop [--abandon]",
     "Stop the daemon; workflows go on", "  --abandon         end all workflows first\n"},
    {"daemon sync", arc_cmd_daemon_sync, "daemon sync",
     "Bring the JSON files in Argo's directory up to date",
     "The daemon does so by itself, at most every 2 seconds and when it stops.\n"},
    {"daemon status", arc_cmd_daemon_status, "daemon status", "Show the daemon", ""},
    {"version", arc_cmd_version, "version", "Print the versions of arc and the daemon", ""},
    {"help", arc_cmd_help, "help [COMMAND]", "Print this, or how to use a command", ""},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char global_help[] =
    "Options of every command:\n"
    "  --json            print the daemon's reply as it came\n"
    "  --home DIR        Argo's directory (ARGO_HOME, ~/.argo)\n"
    "  --url URL         another daemon: unix:PATH, http://127.0.0.1:PORT (ARGO_DAEMON_URL)\n"
    "  --port N          where a daemon that arc starts listens (ARGO_DAEMON_PORT, 9876)\n"
    "  -h, --help        how to use the command\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 the workflow failed or was\n"
    "abandoned, 5 it needs an answer, 6 no daemon.\n";

/* `arc workflow start` is `arc start`. */
static bool is_long_form(const char *name)
{
    static const char *const names[] = {"start", "attach", "list",  "status", "steps",
                                        "logs",  "answer", "pause", "resume", "abandon"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct arc_command *find(const char *first, const char *second, int *used)
{
    char words[64];
    snprintf(words, sizeof(words), "%s %s", first, second == NULL ? "" : second);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, first) == 0 || strcmp(commands[i].name, words) == 0) {
            *used = strchr(commands[i].name, ' ') == NULL ? 1 : 2;
            return &commands[i];
        }
    }
    return NULL;
}

/* "ci" and "ci lst" get the commands of this group, other words the nearest one. */
static void say_unknown(struct arc *arc, const char *first, const char *second)
{
    char words[64];
    size_t len = strlen(first);
    bool group = false;
    struct arc_suggestion suggestion = {.word = first};
    snprintf(words, sizeof(words), "%s %s", first, second == NULL ? "" : second);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i].name;
        group = group || (strncmp(name, first, len) == 0 && name[len] == ' ');
        arc_suggest(&suggestion, name);
    }
    if (group) {
        suggestion = (struct arc_suggestion){.word = words};
        for (size_t i = 0; i < N_COMMANDS; i++) {
            arc_suggest(&suggestion, commands[i].name);
        }
    }
    if (group && second == NULL) {
        arc_failed(arc, "'%s' needs a second word", first);
    } else {
        arc_failed(arc, "unknown command '%s'", group ? words : first);
    }
    if (suggestion.nearest != NULL && (!group || second != NULL)) {
        fprintf(stderr, "Did you mean: arc %s\n", suggestion.nearest);
    }
    for (size_t i = 0; group && i < N_COMMANDS; i++) {
        if (strncmp(commands[i].name, first, len) == 0 && commands[i].name[len] == ' ') {
            fprintf(stderr, "  arc %-16s %s\n", commands[i].name, commands[i].brief);
        }
    }
    fputs("See: arc help\n", stderr);
}

const struct arc_command *arc_command_find(struct arc *arc, int argc, char **argv, int *used)
{
    const struct arc_command *command = NULL;
    int skip = argc > 1 && strcmp(argv[0], "workflow") == 0 && is_long_form(argv[1]) ? 1 : 0;
    command = find(argv[skip], skip + 1 < argc ? argv[skip + 1] : NULL, used);
    if (command == NULL) {
        say_unknown(arc, argv[0], argc > 1 ? argv[1] : NULL);
        return NULL;
    }
    *used += skip;
    return command;
}

void arc_help_command(const struct arc_command *command)
{
    printf("Usage: arc %s\n%s.\n%s\n%s", command->usage, command->brief, command->help,
           global_help);
}

void arc_help_all(FILE *out)
{
    fputs("Usage: arc COMMAND [ARGUMENT]...\nAI workflows that run in the background and ask when "
          "they need you.\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].brief);
    }
    fprintf(out, "\n%sHow to use one: arc help COMMAND\n", global_help);
}

int arc_cmd_help(struct arc *arc, int argc, char **argv)
{
    int out = 0;
    int used = 0;
    arc_auto_list struct arc_list words = {0};
    char message[160];
    struct arc_syntax syntax = {.globals = arc->globals};
    if (arc_options_parse(&syntax, argc, argv, &words, message, sizeof(message)) < 0) {
        return arc_usage(arc, "%s", message);
    }
    if (words.n == 0) {
        arc_help_all(stdout);
        return out;
    }
    const struct arc_command *command = arc_command_find(arc, argc, argv, &used);
    if (command == NULL) {
        return ARC_EXIT_USAGE;
    }
    arc_help_command(command);
    return ARC_EXIT_OK;
}
