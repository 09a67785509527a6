/*
 * ci_ask: asks a CI and keeps the answer. What it says is shown as it comes.
 */
#include <string.h>

#include "base/text.h"
#include "exec/files.h"
#include "provider/provider.h"

struct asking {
    struct ag_strand *strand;
    ag_ci_call *call;
    char *prompt, *system, *model;
    ag_value *schema, *environment;
    bool labelled;
    bool open_line; /* what was shown last did not end in a newline */
};

static void release(void *state)
{
    struct asking *a = state;
    ag_ci_call_cancel(a->call);
    free(a->prompt);
    free(a->system);
    free(a->model);
    ag_value_unref(a->schema);
    ag_value_unref(a->environment);
}

/* ---- the request ----------------------------------------------------------------------------------- */

static void add_line(struct ag_buf *b, const char *format, const char *text)
{
    if (text != NULL && *text != '\0') {
        ag_buf_add_text(b, b->len > 0 ? "\n" : "");
        ag_buf_add_text(b, format);
        ag_buf_add_text(b, text);
    }
}

/* Text field KEY; an empty one, as from a variable that is not set, counts as absent. */
static int named(struct ag_strand *s, const char *key, char **out, argo_error **err)
{
    int r = ag_strand_text(s, key, out, err);
    if (r == 0 && *out != NULL && **out == '\0') {
        free(*out);
        *out = NULL;
    }
    return r;
}

/* The persona's own words, else what is known of it; then the step's. NULL when there is none. */
static int system_text(struct ag_strand *s, char **out, argo_error **err)
{
    ag_auto_free char *name = NULL;
    ag_auto_free char *own = NULL;
    ag_auto_buf b = AG_BUF_INIT(AG_MAX_VALUE);
    int r = named(s, "persona", &name, err);
    if (r == 0) {
        r = ag_strand_text(s, "system", &own, err);
    }
    if (r < 0) {
        return r;
    }
    const ag_value *persona = ag_template_persona(ag_strand_template(s), name);
    if (name != NULL && persona == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "persona: the template has none named '%s'", name);
    }
    const char *words = ag_value_get_text(persona, "system", NULL);
    if (words != NULL) {
        add_line(&b, "", words);
    } else {
        add_line(&b, "You are ", ag_value_get_text(persona, "name", NULL));
        add_line(&b, "Your role: ", ag_value_get_text(persona, "role", NULL));
        add_line(&b, "Your style: ", ag_value_get_text(persona, "style", NULL));
    }
    add_line(&b, "", own);
    *out = b.len > 0 ? ag_buf_take(&b) : NULL;
    return b.failed != 0 ? ag_buf_check(&b, "the system text", err) : 0;
}

static int prepare(struct ag_strand *s, struct asking *a, argo_error **err)
{
    int r = ag_strand_text(s, "prompt", &a->prompt, err);
    if (r == 0) {
        r = named(s, "model", &a->model, err);
    }
    if (r == 0) {
        r = system_text(s, &a->system, err);
    }
    if (r == 0 && a->model == NULL) {
        a->model = ag_strdup(ag_template_default(ag_strand_template(s), "model"));
    }
    a->schema = ag_value_ref(ag_strand_field(s, "schema"));
    return r < 0 ? r : ag_strand_environment(s, &a->environment, err);
}

static ag_value *messages_of(const char *prompt)
{
    AG_AUTO(ag_value) messages = ag_value_array();
    AG_AUTO(ag_value) message = ag_value_object();
    if (ag_value_set(message, "role", ag_value_text("user")) < 0 ||
        ag_value_set(message, "content", ag_value_text(prompt)) < 0 ||
        ag_value_append(messages, ag_take(message)) < 0) {
        return NULL;
    }
    return ag_take(messages);
}

/* ---- the answer ------------------------------------------------------------------------------------- */

/* Replayed words begin with their label, except JSON: there it is a line of its own. */
static void show_label(struct asking *a, const char *label)
{
    if (label != NULL && a->schema != NULL && !a->labelled) {
        a->labelled = true;
        ag_auto_free char *line = ag_asprintf("%s\n", label);
        if (line != NULL) {
            ag_strand_output(a->strand, "notice", line);
        }
    }
}

static void on_text(const char *text, size_t len, const char *label, void *user)
{
    struct asking *a = user;
    show_label(a, label);
    ag_auto_free char *part = ag_utf8_sanitise(text, len, NULL);
    if (part != NULL && *part != '\0') {
        a->open_line = part[strlen(part) - 1] != '\n';
        ag_strand_output(a->strand, "ci", part);
    }
}

static void on_retry(const argo_error *why, int64_t delay_ms, void *user)
{
    struct asking *a = user;
    ag_auto_free char *line = ag_asprintf("%s; trying again in %.1f s\n", argo_error_details(why),
                                          (double)delay_ms / 1000);
    if (line != NULL) {
        ag_log_warning(ag_strand_context(a->strand), "exec", "%.*s", (int)strlen(line) - 1, line);
        ag_strand_output(a->strand, "notice", line);
    }
}

static int reply_value(const struct asking *a, const char *text, ag_value **out, argo_error **err)
{
    if (a->schema == NULL) {
        *out = ag_value_text_sane(text, strlen(text));
        return *out == NULL ? ag_error_nomem(err) : 0;
    }
    int r = ag_value_parse(text, strlen(text), out, err);
    return r < 0 ? ag_error_wrap(err, "the reply is not the JSON that was asked for") : 0;
}

static void on_done(const struct ag_ci_result *result, const argo_error *err, void *user)
{
    struct asking *a = user;
    struct ag_strand *s = a->strand;
    AG_AUTO(argo_error) why = NULL;
    ag_value *value = NULL;
    a->call = NULL;
    if (result != NULL) {
        ag_strand_set_usage(s, result->usage);
    }
    if (err != NULL) {
        bool late = argo_error_code(err) == ARGO_E_TIMEOUT;
        ag_strand_fail_error(s, late ? AG_FAIL_TIMEOUT : AG_FAIL_CI, err);
        return;
    }
    show_label(a, result->label);
    if (reply_value(a, result->text, &value, &why) < 0) {
        ag_strand_fail_error(s, AG_FAIL_CI, why);
        return;
    }
    if (a->open_line) {
        ag_strand_record(s, "ci", "\n");
    }
    if (result->finish_reason != NULL) {
        ag_strand_set_output(s, "finish_reason", ag_value_text(result->finish_reason));
    }
    if (ag_strand_save_to(s, "save_to", value, &why) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, why);
        return;
    }
    ag_strand_done(s);
}

/* ---- the step --------------------------------------------------------------------------------------- */

static void call(struct ag_strand *s, void *state, const struct ag_ci *ci,
                 const struct ag_ci *upstream, const argo_error *err)
{
    struct asking *a = state;
    AG_AUTO(argo_error) why = NULL;
    const struct ag_runner_config *config = ag_strand_config(s);
    if (err != NULL) {
        ag_strand_fail_error(s, AG_FAIL_CI, err);
        return;
    }
    const ag_value *temperature = ag_strand_field(s, "temperature");
    const ag_value *stream = ag_strand_field(s, "stream");
    AG_AUTO(ag_value) messages = messages_of(a->prompt);
    const struct ag_provider_env env = {
        .ctx = config->ctx,
        .loop = config->loop,
        .http = config->http,
        .home = argo_context_home(config->ctx),
        .environment = a->environment,
        .cwd = ag_strand_checkpoint(s)->cwd,
    };
    struct ag_ci_request request = {
        .system = a->system,
        .messages = messages,
        .model = a->model,
        .default_model = ag_strand_checkpoint(s)->default_model,
        .temperature = temperature != NULL ? ag_value_as_real(temperature) : -1,
        .max_tokens = ag_value_as_int(ag_strand_field(s, "max_tokens")),
        .schema = a->schema,
        .stream = stream == NULL || ag_value_as_bool(stream),
        .timeout_ms = s->now.step->timeout_ms,
    };
    struct ag_ci_events events = {request.stream ? on_text : NULL, on_retry, on_done};
    int r = messages == NULL
                ? ag_error_nomem(&why)
                : ag_ci_call_start(&env, ci, upstream, &request, &events, a, &a->call, &why);
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_CI, why);
    }
}

/* The step's CI, else the template's; NULL is the registry's default. */
static int name_ci(struct ag_strand *s, char **out, argo_error **err)
{
    *out = NULL;
    int r = named(s, "ci", out, err);
    if (r == 0 && *out == NULL) {
        r = named(s, "provider", out, err);
    }
    if (r < 0 || *out != NULL) {
        return r;
    }
    const char *name = ag_template_default(ag_strand_template(s), "provider");
    *out = name != NULL ? ag_strdup(name) : NULL;
    return name == NULL || *out != NULL ? 0 : ag_error_nomem(err);
}

static char *doing(struct ag_strand *s, const struct ag_visit *v)
{
    struct ag_scope scope = {.builtins = v->builtins, .variables = s->variables};
    const char *own = ag_value_get_text(v->step->fields, "ci", NULL);
    const char *name = own != NULL ? own : ag_value_get_text(v->step->fields, "provider", NULL);
    ag_auto_free char *ci = NULL;
    if (name != NULL) {
        (void)ag_subst_text(name, &scope, &ci, NULL);
    }
    if (ci == NULL || *ci == '\0') {
        name = ag_template_default(ag_strand_template(s), "provider");
        free(ci);
        ci = ag_strdup(name != NULL ? name : "a CI");
    }
    return ci == NULL || strlen(ci) > AG_MAX_NAME ? NULL : ag_asprintf("asking %s", ci);
}

static void start(struct ag_strand *s, void *state)
{
    struct asking *a = state;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *ci = NULL;
    a->strand = s;
    int r = prepare(s, a, &err);
    if (r == 0) {
        r = name_ci(s, &ci, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_ci(s, ci, call);
}

const struct ag_step_ops ag_step_ci_ask = {
    .name = "ci_ask",
    .start_row = true,
    .state_size = sizeof(struct asking),
    .start = start,
    .doing = doing,
    .free = release,
};
