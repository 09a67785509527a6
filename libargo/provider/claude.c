/*
 * The provider `claude`: the CLI of that name (Claude Code), asked once in its print mode.
 *
 * It gets the prompt on standard input, the system text in a file in memory, and no tools: it answers
 * and does nothing. What it prints is a line of JSON for each thing that happens; its stream events
 * are those of Anthropic's API. It makes its own retries. What belongs to the directory that it runs
 * in (settings, hooks, MCP servers) is left out: it may be anybody's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/program.h"
#include "base/text.h"
#include "provider/internal.h"
#include "provider/reply.h"
#include "wire/environ.h"

#define LINE_MAX_BYTES AG_REPLY_MAX
#define ARGV_MAX       96
#define ARGV_OWN       24
#define DELAY_MAX_MS   1e9 /* a longer one is none */
/* Instead of its own, which is long, and for an agent that works on code. */
#define NO_SYSTEM    "Answer what you are asked."
#define SYSTEM_FD    3
#define SYSTEM_FILE  "/dev/fd/3"
#define KEY_VARIABLE "ANTHROPIC_API_KEY"

struct claude {
    const char *key; /* the call's */
    ag_program *program;
    struct ag_buf line; /* what has come of the next one */
    struct ag_reply reply;
    bool refused; /* it has said that nobody is logged in, or that the key is none */
};

static int claude_check(const struct ag_provider *provider, const struct ag_ci *ci,
                        argo_error **err)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(ci->command, &it)) {
        const char *word = ag_value_as_text(it.value);
        if (word == NULL || (it.index == 0 && *word == '\0') || it.index >= ARGV_MAX - ARGV_OWN) {
            return ag_error_field(err, ARGO_E_INVALID, "command",
                                  "command: expected the program and its arguments, at most %d",
                                  ARGV_MAX - ARGV_OWN);
        }
    }
    bool elsewhere = ci->base_url != NULL && ci->base_url[0] != '\0';
    return elsewhere ? ag_base_url_check(ci->base_url, err) : 0;
}

static int claude_open(ag_ci_call *call, argo_error **err)
{
    struct claude *c = call->impl = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ag_error_nomem(err);
    }
    ag_buf_init(&c->line, LINE_MAX_BYTES);
    c->key = call->key;
    return 0;
}

/* ---- what is asked ---------------------------------------------------------------------------- */

static const char *program_of(const ag_ci_call *call)
{
    const char *program = ag_value_as_text(ag_value_at(call->ci.command, 0));
    return program != NULL ? program : "claude";
}

/* One message as it is; a conversation as text, each turn under its role. */
static char *make_prompt(const ag_value *messages)
{
    ag_auto_buf text = AG_BUF_INIT(AG_REPLY_MAX);
    bool many = ag_value_size(messages) > 1;
    struct ag_value_iter it = {0};
    while (ag_value_next(messages, &it)) {
        if (many) {
            ag_buf_printf(&text, "%s[%s]\n", it.index > 0 ? "\n\n" : "",
                          ag_value_get_text(it.value, "role", "user"));
        }
        ag_buf_add_text(&text, ag_value_get_text(it.value, "content", ""));
    }
    return text.len > 0 ? ag_buf_take(&text) : ag_strdup("");
}

static void make_argv(const ag_ci_call *call, const char *schema, const char *argv[ARGV_MAX])
{
    static const char *const always[] = {
        "-p", "--output-format",          "stream-json",         "--verbose",         "--tools",
        "",   "--no-session-persistence", "--strict-mcp-config", "--setting-sources", "user"};
    const char *model = ag_value_get_text(call->request, "model", NULL);
    size_t n = 0;
    struct ag_value_iter it = {0};
    argv[n++] = program_of(call);
    while (ag_value_next(call->ci.command, &it)) {
        argv[it.index] = ag_value_as_text(it.value);
        n = it.index + 1;
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(always); i++) {
        argv[n++] = always[i];
    }
    if (call->stream) {
        argv[n++] = "--include-partial-messages";
    }
    if (model != NULL && *model != '\0') {
        argv[n++] = "--model";
        argv[n++] = model;
    }
    argv[n++] = "--system-prompt-file";
    argv[n++] = SYSTEM_FILE;
    if (schema != NULL) {
        argv[n++] = "--json-schema";
        argv[n++] = schema;
    }
    argv[n] = NULL;
}

static int set_text(ag_value *env, const char *name, const char *text)
{
    return text == NULL || *text == '\0' ? 0 : ag_value_set(env, name, ag_value_text(text));
}

/* The run's environment, and what the CLI takes from there. The key is in the list alone: that can be
 * wiped. */
static char **make_env(const ag_ci_call *call, const struct claude *c)
{
    char max[24];
    int64_t tokens = ag_value_get_int(call->request, "max_tokens", 0);
    AG_AUTO(ag_value)
    env = call->env.environment != NULL ? ag_value_copy(call->env.environment) : ag_environ_own();
    snprintf(max, sizeof(max), "%" PRId64, tokens);
    int rc = set_text(env, "DISABLE_AUTOUPDATER", "1");
    rc = rc < 0 ? rc : set_text(env, "ANTHROPIC_BASE_URL", call->ci.base_url);
    rc = rc < 0 ? rc : set_text(env, "CLAUDE_CODE_MAX_OUTPUT_TOKENS", tokens > 0 ? max : NULL);
    if (rc == 0 && c->key != NULL) {
        (void)ag_value_remove(env, KEY_VARIABLE);
        rc = ag_value_set(env, KEY_VARIABLE, ag_value_null()); /* the last entry */
    }
    ag_auto_text_list list = rc == 0 ? ag_environ_list(env) : NULL;
    if (list != NULL && c->key != NULL) {
        char **last = &list[ag_value_size(env) - 1];
        free(*last);
        *last = ag_asprintf(KEY_VARIABLE "=%s", c->key);
        return *last != NULL ? ag_take(list) : NULL;
    }
    return ag_take(list);
}

static void wipe_key(char **envp)
{
    for (; *envp != NULL; envp++) {
        if (ag_starts_with(*envp, KEY_VARIABLE "=")) {
            explicit_bzero(*envp, strlen(*envp));
        }
    }
}

/* ---- what it says ----------------------------------------------------------------------------- */

/* Ends the attempt with what it said; takes ERR. CALL may be gone afterwards. */
static void fail(ag_ci_call *call, argo_error *err)
{
    const struct claude *c = call->impl;
    argo_error *told = NULL;
    ag_auto_free char *said = ag_key_redact(ag_strdup(argo_error_details(err)), c->key);
    const char *hint = !c->refused      ? ""
                       : c->key != NULL ? " (the key is not taken)"
                                        : "; log in by starting it once in a terminal, or store a "
                                          "key: arc ci key ";
    ag_error_set(&told, c->refused && c->key == NULL ? ARGO_E_NO_KEY : argo_error_code(err),
                 "CI '%s': %s%s%s", call->ci.name, said != NULL ? said : "", hint,
                 c->refused && c->key == NULL ? call->ci.name : "");
    argo_error_free(err);
    ag_ci_call_fail(call, told, false, -1);
}

/* The text of a reply: its JSON for a schema, else what it calls the result. */
static int take_text(struct claude *c, const ag_value *result, argo_error **err)
{
    const ag_value *structured = ag_value_get(result, "structured_output");
    ag_auto_free char *json = structured != NULL ? ag_value_print(structured, NULL) : NULL;
    ag_buf_clear(&c->reply.text);
    ag_buf_add_text(&c->reply.text, json != NULL ? json : ag_value_get_text(result, "result", ""));
    int rc = ag_buf_check(&c->reply.text, "the reply", err);
    return rc < 0 ? rc : ag_reply_finish(&c->reply, err);
}

static void succeed(ag_ci_call *call, struct claude *c, const ag_value *result)
{
    argo_error *err = NULL;
    int rc = take_text(c, result, &err);
    rc = rc < 0 ? rc : ag_messages_usage(&c->reply, ag_value_get(result, "usage"), &err);
    rc = rc < 0 ? rc
                : ag_reply_note(&c->reply.finish_reason,
                                ag_value_get_text(result, "stop_reason", NULL), &err);
    if (rc == 0 && ag_reply_count(&c->reply, "cost_usd", result, "total_cost_usd") < 0) {
        rc = ag_error_nomem(&err);
    }
    if (rc < 0) {
        fail(call, err);
        return;
    }
    if (!call->spoke && !ag_ci_call_text(call, ag_buf_text(&c->reply.text), c->reply.text.len)) {
        return;
    }
    AG_AUTO(ag_value) usage = ag_reply_usage(&c->reply, call->request);
    ag_ci_call_succeed(call, ag_buf_text(&c->reply.text), usage, c->reply.finish_reason);
}

static bool take_result(ag_ci_call *call, struct claude *c, const ag_value *line)
{
    argo_error *err = NULL;
    if (!ag_value_get_bool(line, "is_error", false)) {
        succeed(call, c, line);
        return false;
    }
    const char *why = ag_value_get_text(line, "result", NULL);
    ag_error_set(&err, ARGO_E_PROVIDER, "%s",
                 why != NULL ? why : ag_value_get_text(line, "subtype", "it failed"));
    fail(call, err);
    return false;
}

/* It would try for minutes with a key that is none. */
static bool take_retry(ag_ci_call *call, struct claude *c, const ag_value *line)
{
    argo_error *err = NULL;
    int64_t status = ag_value_get_int(line, "error_status", 0);
    ag_error_set(&err, ARGO_E_PROVIDER, "HTTP %" PRId64 ": %s", status,
                 ag_value_get_text(line, "error", "unknown"));
    if (status == 401 || status == 403) {
        c->refused = true;
        fail(call, err);
        return false;
    }
    double delay = ag_value_get_real(line, "retry_delay_ms", 0);
    return ag_ci_call_retrying(call, err, delay > 0 && delay < DELAY_MAX_MS ? (int64_t)delay : 0);
}

static bool take_stream(ag_ci_call *call, struct claude *c, const ag_value *line)
{
    argo_error *err = NULL;
    const char *text = NULL;
    if (ag_dialect_messages.event(&c->reply, ag_value_get(line, "event"), &text, &err) < 0) {
        if (argo_error_code(err) == ARGO_E_PROVIDER) {
            argo_error_free(err); /* the CLI deals with it */
            return true;
        }
        fail(call, err);
        return false;
    }
    return text == NULL || ag_ci_call_text(call, text, strlen(text));
}

/* False: the call has ended. */
static bool take_line(ag_ci_call *call, struct claude *c, const char *text, size_t len)
{
    AG_AUTO(ag_value) line = NULL;
    if (ag_value_parse_object(text, len, &line, NULL) < 0) {
        return true; /* a warning of whatever starts it */
    }
    const char *type = ag_value_get_text(line, "type", "");
    const char *subtype = ag_value_get_text(line, "subtype", "");
    if (strcmp(type, "stream_event") == 0) {
        return take_stream(call, c, line);
    }
    if (strcmp(type, "result") == 0) {
        return take_result(call, c, line);
    }
    if (strcmp(type, "system") == 0 && strcmp(subtype, "api_retry") == 0) {
        return take_retry(call, c, line);
    }
    if (strcmp(type, "system") == 0 && strcmp(subtype, "init") == 0) {
        (void)ag_reply_note(&c->reply.model, ag_value_get_text(line, "model", NULL), NULL);
    } else if (ag_streq(ag_value_get_text(line, "error", NULL), "authentication_failed")) {
        c->refused = true;
    }
    return true;
}

static void on_output(const char *data, size_t len, void *user)
{
    ag_ci_call *call = user;
    struct claude *c = call->impl;
    size_t from = c->line.len;
    ag_buf_add(&c->line, data, len);
    argo_error *err = NULL;
    if (ag_buf_check(&c->line, "a line of the CLI", &err) < 0) {
        fail(call, err);
        return;
    }
    size_t start = 0;
    const char *end;
    while ((end = memchr(c->line.data + from, '\n', c->line.len - from)) != NULL) {
        size_t at = (size_t)(end - c->line.data);
        if (!take_line(call, c, c->line.data + start, at - start)) {
            return; /* C is gone */
        }
        start = from = at + 1;
    }
    ag_buf_consume(&c->line, start);
}

/* Before it has said a result. */
static void on_ended(int status, const char *errors, void *user)
{
    ag_ci_call *call = user;
    struct claude *c = call->impl;
    argo_error *err = NULL;
    size_t len = strlen(errors);
    while (len > 0 && strchr(" \r\n", errors[len - 1]) != NULL) {
        len--;
    }
    if (c->line.len > 0 && !take_line(call, c, c->line.data, c->line.len)) {
        return; /* a last line without its end */
    }
    const char *how = WIFSIGNALED(status) ? "was killed by signal" : "ended with exit code";
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    ag_error_set(&err, ARGO_E_PROVIDER, "%s %s %d before it gave a result%s%.*s", program_of(call),
                 how, number, len > 0 ? ": " : "", (int)len, errors);
    fail(call, err);
}

/* ---- an attempt ------------------------------------------------------------------------------- */

static int start(ag_ci_call *call, struct claude *c, const struct ag_spawn *spec, argo_error **err)
{
    static const struct ag_program_events events = {on_output, on_ended};
    ag_auto_free char *prompt = make_prompt(ag_value_get(call->request, "messages"));
    if (prompt == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_program_start(call->env.loop, spec, prompt, strlen(prompt), &events, call,
                              &c->program, err);
    if (rc == ARGO_E_SPAWN) {
        AG_AUTO(argo_error) why = ag_take(*err);
        return ag_error_set(
            err, ARGO_E_PROVIDER,
            "CI '%s': %s; install it (npm install -g @anthropic-ai/claude-code), or "
            "say where it is: arc ci remove %s, then arc ci add %s --provider "
            "claude --command PATH",
            call->ci.name, argo_error_details(why), call->ci.name, call->ci.name);
    }
    return rc;
}

static int claude_attempt(ag_ci_call *call, argo_error **err)
{
    struct claude *c = call->impl;
    const ag_value *schema = ag_value_get(call->request, "schema");
    const char *system = ag_value_get_text(call->request, "system", NO_SYSTEM);
    AG_AUTO(ag_value) wrapped = schema != NULL ? ag_schema_wrap(schema) : NULL;
    ag_auto_free char *json = wrapped != NULL ? ag_value_print(wrapped, NULL) : NULL;
    ag_auto_text_list envp = make_env(call, c);
    ag_auto_close int system_fd = -1;
    const char *argv[ARGV_MAX];
    if (envp == NULL || (schema != NULL && json == NULL)) {
        return ag_error_nomem(err);
    }
    int rc = ag_text_fd(system, strlen(system), &system_fd, err);
    if (rc < 0) {
        return rc;
    }
    make_argv(call, json, argv);
    const struct ag_spawn_fd inherit = {system_fd, SYSTEM_FD};
    const struct ag_spawn spec = {
        .file = argv[0],
        .argv = argv,
        .envp = (const char *const *)envp,
        .cwd = call->env.cwd,
        .inherit = &inherit,
        .n_inherit = 1,
    };
    ag_reply_free(&c->reply);
    ag_reply_init(&c->reply, &ag_dialect_messages, call->request);
    rc = start(call, c, &spec, err);
    wipe_key(envp);
    return rc;
}

static void claude_stop(ag_ci_call *call)
{
    struct claude *c = call->impl;
    ag_program_free(ag_take(c->program));
}

static void claude_close(ag_ci_call *call)
{
    struct claude *c = call->impl;
    if (c == NULL) {
        return;
    }
    ag_program_free(c->program);
    ag_reply_free(&c->reply);
    ag_buf_free(&c->line);
    free(c);
}

const struct ag_provider ag_provider_claude = {
    .word = "claude",
    .keyed = true,
    .own_model = true,
    .check = claude_check,
    .open = claude_open,
    .attempt = claude_attempt,
    .stop = claude_stop,
    .close = claude_close,
};
