/*
 * ci list, add, show, key, remove. A key goes into its file and nowhere else: no request carries it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <argo/ask.h>

#include "arc.h"
#include "ask.h"
#include "commands.h"
#include "file.h"
#include "table.h"

static const char *where_is(const argo_value *ci)
{
    const argo_value *program = argo_value_at(argo_value_get(ci, "command"), 0);
    const char *const places[] = {argo_value_text(ci, "base_url", NULL),
                                  argo_value_text(ci, "recording", NULL),
                                  argo_value_text(program, NULL, NULL)};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i] != NULL && *places[i] != '\0') {
            return places[i];
        }
    }
    return "";
}

static int ci_list(struct arc *arc, int argc, char **argv)
{
    static const char *const headers[] = {"NAME",  "PROVIDER", "MODEL", "ROLE", "STATUS",
                                          "HEARD", "TASK",     "WHERE", NULL};
    static const char *const drop[] = {"TASK", "HEARD", "WHERE", "ROLE", "PROVIDER", NULL};
    int code = 0;
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &none, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    if (!arc_fetch(arc, "/api/registry/ci", &reply, &code)) {
        return code;
    }
    const argo_value *list = argo_value_get(reply.value, "cis");
    if (argo_value_size(list) == 0) {
        fputs("No CIs. Add one: arc help ci add\n", stderr);
        return ARC_EXIT_OK;
    }
    struct arc_table table;
    arc_table_init(&table, headers);
    table.whole = true;
    table.drop = drop;
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *ci = argo_value_at(list, i);
        char ago[ARC_TIME_SIZE];
        arc_table_add(&table, argo_value_text(ci, "name", ""));
        arc_table_add(&table, argo_value_text(ci, "provider", ""));
        arc_table_add(&table, argo_value_text(ci, "model", ""));
        arc_table_add(&table, argo_value_text(ci, "role", ""));
        arc_table_add(&table, argo_value_text(ci, "status", ""));
        arc_table_add(&table, arc_time_ago(argo_value_text(ci, "last_heartbeat", NULL), ago));
        arc_table_add(&table, argo_value_text(ci, "task", ""));
        arc_table_add(&table, where_is(ci));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_ci_list = {
    .name = "ci list",
    .brief = "List companion intelligences (CIs)",
    .run = ci_list,
};

static int ci_show(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/registry/ci/{}", words.items[0]);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const argo_value *data = argo_value_get(reply.value, "data");
    for (size_t i = 0; i < argo_value_size(data); i++) {
        const argo_value *value = argo_value_value_at(data, i);
        arc_auto_free char *json = argo_value_print(value, 0);
        const char *key = argo_value_key_at(data, i);
        const char *text = argo_value_text(value, NULL, json);
        char at[ARC_TIME_SIZE];
        if (argo_value_type(value) != ARGO_TYPE_NULL && text != NULL && *text != '\0') {
            bool is_time = strcmp(key, "last_heartbeat") == 0;
            arc_putf(stdout, "%-15s %s\n", key, is_time ? arc_time_local(text, at) : text);
        }
    }
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_ci_show = {
    .name = "ci show",
    .arguments = "NAME",
    .brief = "Show a CI",
    .run = ci_show,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_CI},
};

/* ---- add ------------------------------------------------------------------------------------- */

/* Where a key comes from: at most one of them. */
struct key_source {
    const char *file, *variable, *command;
    int from_stdin;
};

struct add {
    const char *provider, *url, *model, *role, *recording, *upstream, *session;
    struct arc_list command;
    struct key_source key;
};

static const struct arc_option add_options[] = {
    {"provider", 0, ARC_OPTION_TEXT, offsetof(struct add, provider), "P",
     "openai, anthropic, claude or replay", ARC_WORDS_PROVIDER},
    {"url", 0, ARC_OPTION_TEXT, offsetof(struct add, url), "BASE",
     "where it is: http://127.0.0.1:11434/v1 (another daemon is named by ARGO_DAEMON_URL here)",
     ARC_WORDS_NONE},
    {"model", 'm', ARC_OPTION_TEXT, offsetof(struct add, model), "M", "its model", ARC_WORDS_NONE},
    {"role", 0, ARC_OPTION_TEXT, offsetof(struct add, role), "R",
     "default: steps get it that name none", ARC_WORDS_NONE},
    {"recording", 0, ARC_OPTION_TEXT, offsetof(struct add, recording), "DIR",
     "of a replay CI: where its exchanges are kept", ARC_WORDS_DIRECTORY},
    {"upstream", 0, ARC_OPTION_TEXT, offsetof(struct add, upstream), "NAME",
     "of a replay CI: record the exchanges with this CI, do not play them", ARC_WORDS_CI},
    {"command", 0, ARC_OPTION_LIST, offsetof(struct add, command), "WORD",
     "of a claude CI: the program, and each of its first arguments", ARC_WORDS_NONE},
    {"session", 0, ARC_OPTION_TEXT, offsetof(struct add, session), "ID",
     "the session it belongs to (arc session new)", ARC_WORDS_SESSION},
    {"key-file", 0, ARC_OPTION_TEXT, offsetof(struct add, key.file), "F",
     "read the key from this file", ARC_WORDS_FILE},
    {"key-env", 0, ARC_OPTION_TEXT, offsetof(struct add, key.variable), "VAR",
     "read it from this environment variable", ARC_WORDS_NONE},
    {"key-stdin", 0, ARC_OPTION_FLAG, offsetof(struct add, key.from_stdin), NULL,
     "read it from standard input (a terminal does not show it)", ARC_WORDS_NONE},
    {"key-command", 0, ARC_OPTION_TEXT, offsetof(struct add, key.command), "JSON",
     "store no key but a command that prints it: '[\"pass\",\"show\",\"openai\"]'", ARC_WORDS_NONE},
    {0},
};

/* From standard input; on a terminal without showing it. */
static char *read_key_stdin(const struct arc *arc)
{
    return isatty(STDIN_FILENO) ? arc_ask_unseen(arc, "Key (not shown): ")
                                : arc_read_fd(STDIN_FILENO, ARC_KEY_MAX);
}

/* The command as it is stored: compact JSON, an array of texts. */
static int get_command(struct arc *arc, const char *text, char **out)
{
    arc_auto_value argo_value *argv = NULL;
    bool ok = argo_value_parse(text, strlen(text), &argv, NULL) == 0 &&
              argo_value_type(argv) == ARGO_TYPE_ARRAY && argo_value_size(argv) > 0;
    for (size_t i = 0; ok && i < argo_value_size(argv); i++) {
        const char *word = argo_value_text(argo_value_at(argv, i), NULL, NULL);
        ok = word != NULL && (i > 0 || *word != '\0');
    }
    if (!ok) {
        return arc_usage(
            arc, "--key-command '%s': expected a JSON array of texts, the program first", text);
    }
    *out = argo_value_print(argv, 0);
    return *out != NULL ? 0 : arc_failed(arc, "Out of memory");
}

/* *OUT: the key without spaces around it, or NULL when none is given. 0 or an exit code. */
static int get_key(struct arc *arc, const struct key_source *source, char **out)
{
    int sources = (source->file != NULL) + (source->variable != NULL) + (source->from_stdin != 0) +
                  (source->command != NULL);
    const char *from = source->file != NULL       ? source->file
                       : source->variable != NULL ? source->variable
                                                  : "standard input";
    if (sources > 1) {
        return arc_usage(arc,
                         "%s: only one of --key-file, --key-env, --key-stdin and --key-command",
                         arc->command->name);
    }
    if (sources == 0) {
        return 0;
    }
    if (arc->url != NULL) {
        return arc_usage(arc,
                         "%s: a key is stored where the daemon runs, not over --url or "
                         "ARGO_DAEMON_URL: there, arc ci key NAME",
                         arc->command->name);
    }
    if (source->command != NULL) {
        return get_command(arc, source->command, out);
    }
    char *key = NULL;
    if (source->file != NULL) {
        key = arc_read_file(source->file, ARC_KEY_MAX);
    } else if (source->variable != NULL) {
        const char *value = getenv(source->variable);
        key = value == NULL ? NULL : strdup(value);
        errno = ENODATA;
    } else {
        errno = ENODATA;
        key = read_key_stdin(arc);
    }
    if (key == NULL) {
        return arc_failed(arc, "No key from %s: %s", from,
                          errno == ENODATA ? "it is not set" : strerror(errno));
    }
    size_t start = strspn(key, " \t\r\n");
    size_t len = strlen(key + start);
    while (len > 0 && strchr(" \t\r\n", key[start + len - 1]) != NULL) {
        len--;
    }
    memmove(key, key + start, len);
    key[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)key[i] <= ' ' || key[i] == 0x7f) {
            free(key);
            return arc_failed(arc, "The key from %s has spaces or control characters in it", from);
        }
    }
    if (len == 0) {
        free(key);
        return arc_failed(arc, "The key from %s is empty", from);
    }
    *out = key;
    return 0;
}

static void put_known(argo_value *body, const char *key, const char *text)
{
    if (text != NULL) {
        (void)argo_value_set_text(body, key, text);
    }
}

/* The program and its arguments. A path counts from here, not from where a workflow will run. */
static void put_command(argo_value *body, const struct arc_list *command)
{
    arc_auto_value argo_value *list = argo_value_new_array();
    for (size_t i = 0; i < command->n; i++) {
        const char *word = command->items[i];
        bool is_path = i == 0 && strchr(word, '/') != NULL;
        arc_auto_free char *path = is_path ? realpath(word, NULL) : NULL;
        (void)argo_value_set_text(list, NULL, path != NULL ? path : word);
    }
    if (command->n > 0) {
        (void)argo_value_set_value(body, "command", list);
    }
}

/* What its provider needs, as far as it can be told here. */
static int check(struct arc *arc, const struct add *add, const argo_value *body)
{
    arc_auto_error argo_error *err = NULL;
    if (argo_ask_check(body, &err) < 0) {
        return arc_fail(arc, err);
    }
    const char *model =
        add->model != NULL ? add->model : argo_config_get(arc->config, "ARGO_DEFAULT_MODEL");
    bool remote = strcmp(add->provider, "openai") == 0 || strcmp(add->provider, "anthropic") == 0;
    if (remote && (model == NULL || *model == '\0')) {
        return arc_usage(arc,
                         "ci add: --model is missing (or ARGO_DEFAULT_MODEL: arc help config)");
    }
    struct stat st;
    if (add->recording != NULL && arc->url == NULL &&
        (stat(add->recording, &st) != 0 || !S_ISDIR(st.st_mode))) {
        return arc_usage(arc, "ci add: --recording %s: expected a directory that is there",
                         add->recording);
    }
    return 0;
}

static int send(struct arc *arc, const struct add *add, const char *name, const char *key)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    arc_auto_free char *recording = add->recording == NULL ? NULL : realpath(add->recording, NULL);
    put_known(body, "name", name);
    put_known(body, "provider", add->provider);
    put_known(body, "model", add->model);
    put_known(body, "role", add->role);
    put_known(body, "base_url", add->url);
    put_known(body, "recording", recording != NULL ? recording : add->recording);
    put_known(body, "upstream", add->upstream);
    put_command(body, &add->command);
    int code = check(arc, add, body);
    if (code != 0) {
        return code;
    }
    put_known(body, "session_id", add->session);
    if (arc_request(arc, "POST", "/api/registry/ci", body, 0, &reply, &err) < 0) {
        code = arc_fail(arc, err);
        if (argo_error_code(err) == ARGO_E_EXISTS && !arc->json) {
            arc_putf(stderr, "To change it, remove it first: arc ci remove %s\n", name);
        }
        return code;
    }
    if (key != NULL && arc_private_write(argo_context_home(arc->ctx), "keys", name, key) != 0) {
        return arc_failed(arc,
                          "%s has been added, but its key could not be stored in %s/keys: %s\n"
                          "Write it there yourself: mode 0600, in a directory of mode 0700.",
                          name, argo_context_home(arc->ctx), strerror(errno));
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s added%s\n", name,
             key == NULL   ? ""
             : *key == '[' ? ", the command for its key is stored"
                           : ", its key is stored");
    bool here = add->url != NULL && strncmp(add->url, "http://", 7) == 0; /* it wants no key */
    if (key == NULL && !here && strcmp(add->provider, "replay") != 0) {
        arc_key_hint(name);
    }
    return ARC_EXIT_OK;
}

static int ci_add(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct add add = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &add, argc, argv, &words, &code)) {
        return code;
    }
    if (add.provider == NULL) {
        return arc_usage(arc,
                         "ci add: --provider is missing (openai, anthropic, claude or replay)");
    }
    arc_auto_free char *key = NULL;
    code = get_key(arc, &add.key, &key);
    if (code == 0) {
        code = send(arc, &add, words.items[0], key);
    }
    if (key != NULL) {
        explicit_bzero(key, strlen(key));
    }
    arc_list_clear(&add.command);
    return code;
}

const struct arc_command arc_command_ci_add = {
    .name = "ci add",
    .arguments = "NAME --provider P",
    .brief = "Add a CI, and store its key",
    .help =
        "The key goes to $ARGO_HOME/keys/NAME, which only you can read; it is never sent to the\n"
        "daemon and never shown.\n",
    .run = ci_add,
    .options = add_options,
    .min = 1,
    .max = 1,
};

/* ---- key ------------------------------------------------------------------------------------- */

static int store_key(struct arc *arc, const char *name, const char *key,
                     const struct arc_reply *reply)
{
    const char *home = argo_context_home(arc->ctx);
    if (arc_private_write(home, "keys", name, key) != 0) {
        return arc_failed(arc, "The key could not be stored in %s/keys: %s", home, strerror(errno));
    }
    if (arc->json) {
        return arc_print_reply(reply);
    }
    arc_putf(stdout, "The %s of %s is stored\n", *key == '[' ? "command for the key" : "key", name);
    return ARC_EXIT_OK;
}

struct keeping {
    struct key_source key;
};

static const struct arc_option key_options[] = {
    {"key-file", 0, ARC_OPTION_TEXT, offsetof(struct keeping, key.file), "F",
     "read the key from this file", ARC_WORDS_FILE},
    {"key-env", 0, ARC_OPTION_TEXT, offsetof(struct keeping, key.variable), "VAR",
     "read it from this environment variable", ARC_WORDS_NONE},
    {"key-stdin", 0, ARC_OPTION_FLAG, offsetof(struct keeping, key.from_stdin), NULL,
     "read it from standard input (a terminal does not show it)", ARC_WORDS_NONE},
    {"key-command", 0, ARC_OPTION_TEXT, offsetof(struct keeping, key.command), "JSON",
     "store no key but a command that prints it: '[\"pass\",\"show\",\"openai\"]'", ARC_WORDS_NONE},
    {0},
};

static int ci_key(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct keeping given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    if (given.key.file == NULL && given.key.variable == NULL && given.key.command == NULL) {
        given.key.from_stdin = 1;
    }
    arc_auto_free char *key = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    arc_auto_free char *path = argo_client_path("/api/registry/ci/{}", words.items[0]);
    if (arc->url == NULL && arc_request(arc, "GET", path, NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err); /* before anybody types a key */
    }
    code = get_key(arc, &given.key, &key);
    if (key == NULL) {
        return code; /* why there is none has been said */
    }
    if (code == 0) {
        code = store_key(arc, words.items[0], key, &reply);
    }
    explicit_bzero(key, strlen(key));
    return code;
}

const struct arc_command arc_command_ci_key = {
    .name = "ci key",
    .arguments = "NAME",
    .brief = "Store a CI's key, or replace it",
    .help = "Without options it is read from standard input; a terminal does not show it.\n",
    .run = ci_key,
    .options = key_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_CI},
};

/* ---- remove ---------------------------------------------------------------------------------- */

struct removal {
    int force, keep_key;
};

static const struct arc_option remove_options[] = {
    {"force", 'f', ARC_OPTION_FLAG, offsetof(struct removal, force), NULL, "even when it is busy",
     ARC_WORDS_NONE},
    {"keep-key", 0, ARC_OPTION_FLAG, offsetof(struct removal, keep_key), NULL,
     "leave $ARGO_HOME/keys/NAME", ARC_WORDS_NONE},
    {0},
};

static int ci_remove(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct removal given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    const char *name = words.items[0];
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path(
        given.force ? "/api/registry/ci/{}?force=true" : "/api/registry/ci/{}", name);
    if (arc_request(arc, "DELETE", path, NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    int had_key =
        given.keep_key ? 0 : arc_private_remove(argo_context_home(arc->ctx), "keys", name);
    if (had_key < 0) {
        return arc_failed(arc, "%s has been removed, but not its key in %s/keys: %s", name,
                          argo_context_home(arc->ctx), strerror(errno));
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s removed%s\n", name, had_key ? ", its key deleted" : "");
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_ci_remove = {
    .name = "ci remove",
    .arguments = "NAME",
    .brief = "Remove a CI and its key",
    .run = ci_remove,
    .options = remove_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_CI},
};
