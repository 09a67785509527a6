/*
 * __complete: what may stand where the cursor is, for the shells' completion. Everything comes from
 * the table of commands; names come from the daemon if one runs. Says nothing when anything fails.
 *
 * One candidate a line, with its description after a tab; ":files" and ":directories" ask the shell
 * for its own.
 */
#include <string.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"

enum { ASK_MS = 1000 };

struct completing {
    struct arc *arc;
    const char *word;   /* what has been typed of it */
    const char *before; /* "--option=" in the same word, or "" */
    size_t before_len;
    const struct arc_command *command;
    const struct arc_option *option; /* its value is being typed */
    size_t positional;
    bool only_positional; /* after -- */
};

static void offer(const struct completing *c, const char *candidate, const char *description)
{
    if (strncmp(candidate, c->word, strlen(c->word)) != 0) {
        return;
    }
    size_t len = description == NULL ? 0 : strcspn(description, "\n\t");
    arc_putf(stdout, "%.*s%s", (int)c->before_len, c->before, candidate);
    if (len > 0) {
        arc_putf(stdout, "\t%.*s", (int)len, description);
    }
    fputc('\n', stdout);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* KEY of each member of LIST in the reply to PATH; the daemon is not started for this. */
static void offer_from(const struct completing *c, const char *path, const char *list,
                       const char *key, const char *description)
{
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    if (c->arc->unsettled != NULL || path == NULL ||
        arc_request_running(c->arc, "GET", path, NULL, ASK_MS, &reply, &err) < 0) {
        return;
    }
    const argo_value *items = argo_value_get(reply.value, list);
    for (size_t i = 0; i < argo_value_size(items); i++) {
        const argo_value *item = argo_value_at(items, i);
        offer(c, argo_value_text(item, key, ""), argo_value_text(item, description, ""));
    }
}

static void offer_words(const struct completing *c, const char *const *words)
{
    for (; *words != NULL; words++) {
        offer(c, *words, NULL);
    }
}

static void offer_templates(const struct completing *c)
{
    arc_auto_free char *cwd = getcwd(NULL, 0);
    arc_auto_free char *path = argo_client_path("/api/template?cwd={}", cwd == NULL ? "/" : cwd);
    offer_from(c, path, "templates", "name", "description");
    puts(":files");
}

static void offer_settings(const struct completing *c)
{
    const struct argo_setting *setting;
    for (size_t i = 0; (setting = argo_config_at(c->arc->config, i)) != NULL; i++) {
        offer(c, setting->key, setting->help);
    }
}

/* The first words of commands, or after GROUP the second ones. */
static void offer_commands(const struct completing *c, const char *group, bool workflow)
{
    const struct arc_command *command;
    const char *last = "";
    size_t last_len = 0;
    size_t skip = group == NULL ? 0 : strlen(group) + 1;
    for (size_t i = 0; (command = arc_command_at(i)) != NULL; i++) {
        bool within = group == NULL || (strncmp(command->name, group, skip - 1) == 0 &&
                                        command->name[skip - 1] == ' ');
        if (!within || (workflow && !command->workflow)) {
            continue;
        }
        const char *name = command->name + skip;
        size_t len = strcspn(name, " ");
        if (len == last_len && strncmp(name, last, len) == 0) {
            continue;
        }
        arc_auto_free char *word = arc_format("%.*s", (int)len, name);
        if (word != NULL) {
            offer(c, word, name[len] == '\0' ? command->brief : "");
        }
        last = name;
        last_len = len;
    }
    if (group == NULL && !workflow) {
        offer(c, "workflow", "Commands about workflows, by their long names");
    }
}

static void offer_kind(const struct completing *c, enum arc_words kind)
{
    static const char *const states[] = {"queued",    "running", "waiting", "paused",
                                         "stalled",   "done",    "failed",  "interrupted",
                                         "abandoned", "all",     NULL};
    static const char *const providers[] = {"openai", "anthropic", "claude", "replay", NULL};
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};
    switch (kind) {
    case ARC_WORDS_NONE:
        break;
    case ARC_WORDS_FILE:
        puts(":files");
        break;
    case ARC_WORDS_DIRECTORY:
        puts(":directories");
        break;
    case ARC_WORDS_COMMAND:
        offer_commands(c, NULL, false);
        break;
    case ARC_WORDS_WORKFLOW:
        offer_from(c, "/api/workflow/list?limit=1000", "workflows", "workflow_id", "status");
        break;
    case ARC_WORDS_ANY_RUN:
        offer_from(c, "/api/workflow/list?state=all&limit=1000", "workflows", "workflow_id",
                   "status");
        break;
    case ARC_WORDS_TEMPLATE:
        offer_templates(c);
        break;
    case ARC_WORDS_CI:
        offer_from(c, "/api/registry/ci", "cis", "name", "model");
        break;
    case ARC_WORDS_SESSION:
        offer_from(c, "/api/session?limit=1000", "sessions", "session_id", "description");
        break;
    case ARC_WORDS_QUESTION:
        offer_from(c, "/api/questions?state=open", "questions", "question_id", "prompt");
        break;
    case ARC_WORDS_STATE:
        offer_words(c, states);
        break;
    case ARC_WORDS_PROVIDER:
        offer_words(c, providers);
        break;
    case ARC_WORDS_SETTING:
        offer_settings(c);
        break;
    case ARC_WORDS_SHELL:
        offer_words(c, shells);
        break;
    }
}

/* ---- options --------------------------------------------------------------------------------- */

static void offer_options(const struct completing *c, const struct arc_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        arc_auto_free char *word = arc_format("--%s", options->name);
        if (word != NULL) {
            offer(c, word, options->help);
        }
    }
}

static const struct arc_option *find_in(const struct arc_option *table, const char *word)
{
    size_t len = strcspn(word + 2, "=");
    for (; table != NULL && table->name != NULL; table++) {
        bool letter = word[1] != '-' && word[2] == '\0' && table->letter == word[1];
        bool name = word[1] == '-' && strlen(table->name) == len &&
                    strncmp(table->name, word + 2, len) == 0;
        if (letter || name) {
            return table;
        }
    }
    return NULL;
}

/* WORD is "-x", "--name" or "--name=value". Global ones are taken: they say which daemon. */
static const struct arc_option *take_option(struct completing *c, const char *word,
                                            const char *value)
{
    const struct arc_option *own = c->command == NULL ? NULL : find_in(c->command->options, word);
    const struct arc_option *option = own != NULL ? own : find_in(arc_globals, word);
    if (own == NULL && option != NULL && option->kind == ARC_OPTION_TEXT && value != NULL) {
        *(const char **)((char *)c->arc + option->at) = value;
    }
    return option;
}

static bool is_option(const struct completing *c, const char *word)
{
    return !c->only_positional && word[0] == '-' && word[1] != '\0';
}

/* ---- the words before it --------------------------------------------------------------------- */

/* How many of the words at WORDS are options before the command, and their values. */
static int skip_options(struct completing *c, int n, char **words)
{
    int i = 0;
    while (i < n && is_option(c, words[i])) {
        const struct arc_option *option = take_option(c, words[i], i + 1 < n ? words[i + 1] : NULL);
        bool takes =
            option != NULL && option->kind != ARC_OPTION_FLAG && strchr(words[i], '=') == NULL;
        if (takes && i + 1 == n) {
            c->option = option;
        }
        i += takes ? 2 : 1;
    }
    return i < n ? i : n;
}

/* Bash makes three words of --name=value. */
static bool is_joined(int n, char **words, int i)
{
    return i > 0 && i < n && strcmp(words[i], "=") == 0 && words[i - 1][0] == '-';
}

/* What stands between the command and the cursor. */
static void read_arguments(struct completing *c, int n, char **words)
{
    for (int i = 0; i < n; i++) {
        c->option = NULL;
        if (!is_option(c, words[i])) {
            c->positional++;
            continue;
        }
        if (strcmp(words[i], "--") == 0) {
            c->only_positional = true;
            continue;
        }
        int at = is_joined(n, words, i + 1) ? i + 2 : i + 1;
        const char *equals = strchr(words[i], '=');
        const char *value = equals != NULL ? equals + 1 : at < n ? words[at] : NULL;
        const struct arc_option *option = take_option(c, words[i], value);
        if (option != NULL && option->kind != ARC_OPTION_FLAG && equals == NULL) {
            c->option = at >= n ? option : NULL;
            i = at;
        }
    }
}

/* The commands that can still be meant, or the one that it is; *USED words name it. */
static bool find_command(struct completing *c, int n, char **words, int *used)
{
    bool workflow = n > 0 && strcmp(words[0], "workflow") == 0;
    int at = workflow ? 1 : 0;
    if (n == at) {
        offer_commands(c, NULL, workflow);
        return false;
    }
    c->command = arc_command_look(words[at], n > at + 1 ? words[at + 1] : NULL, used);
    if (c->command == NULL && n == at + 1) {
        offer_commands(c, words[at], workflow);
    } else if (c->command != NULL && n == at + 1 && *used == 1 && c->command->max == 0) {
        offer_commands(c, words[at], workflow); /* config, and config get */
    }
    *used += at;
    return c->command != NULL;
}

static void complete_argument(struct completing *c)
{
    const char *equals = c->word[0] == '-' && !c->only_positional ? strchr(c->word, '=') : NULL;
    if (equals != NULL && c->option == NULL) {
        c->option = take_option(c, c->word, NULL);
        c->before = c->word;
        c->before_len = (size_t)(equals + 1 - c->word);
        c->word = equals + 1;
    }
    if (c->option != NULL) {
        c->word += strcmp(c->word, "=") == 0 ? 1 : 0; /* bash's */
        offer_kind(c, c->option->words);
    } else if (c->word[0] == '-' && !c->only_positional) {
        offer_options(c, c->command->options);
        offer_options(c, arc_globals);
    } else if (c->positional < c->command->max) {
        size_t last = ARC_COMMAND_WORDS - 1;
        offer_kind(c, c->command->words[c->positional < last ? c->positional : last]);
    }
}

static int complete(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    int used = 0;
    char nothing[] = "";
    struct completing c = {.arc = arc, .before = ""};
    int n = argc == 0 ? 0 : argc - 1;
    c.word = argc == 0 ? nothing : argv[n];
    int skipped = skip_options(&c, n, argv);
    bool found = c.option == NULL && (n > skipped || c.word[0] != '-') &&
                 find_command(&c, n - skipped, argv + skipped, &used);
    if (found) {
        read_arguments(&c, n - skipped - used, argv + skipped + used);
    }
    if (!arc_settle(arc, &code)) {
        return ARC_EXIT_OK; /* no home: then there are no names */
    }
    if (found) {
        complete_argument(&c);
    } else if (c.option != NULL) {
        offer_kind(&c, c.option->words);
    } else if (n == skipped && c.word[0] == '-') {
        offer_options(&c, arc_globals);
    }
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_complete = {
    .name = "__complete",
    .brief = "What may stand at the end of a command line",
    .run = complete,
    .unsettled = true,
    .hidden = true,
};
