/*
 * Asking a CI, showing what it says, and looking at its reply. Which CI it is and how it is asked are
 * others' business (the port, provider/).
 */
#include "exec/ci.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "exec/files.h"
#include "template/schema.h"

#define PROBLEMS_TOLD 5

void ag_asking_free(void *state)
{
    struct ag_asking *a = state;
    ag_ask_free(&a->ask);
    ag_ci_call_cancel(a->call);
    free(a->system);
    free(a->model);
    ag_value_unref(a->messages);
    ag_value_unref(a->schema);
    ag_value_unref(a->environment);
    ag_value_unref(a->usage);
}

/* ---- the request ----------------------------------------------------------------------------- */

static void add_line(struct ag_buf *b, const char *before, const char *text)
{
    if (text != NULL && *text != '\0') {
        ag_buf_add_text(b, b->len > 0 ? "\n" : "");
        ag_buf_add_text(b, before);
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

/* The persona's own words, else what is known of it; then the step's, then EXTRA. NULL when there is
 * none. */
static int system_text(struct ag_strand *s, const char *extra, char **out, argo_error **err)
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
    add_line(&b, "", extra);
    *out = b.len > 0 ? ag_buf_take(&b) : NULL;
    return b.failed != 0 ? ag_buf_check(&b, "the system text", err) : 0;
}

static int add_message(struct ag_asking *a, const char *role, const char *content)
{
    AG_AUTO(ag_value) message = ag_value_object();
    int r = ag_value_set(message, "role", ag_value_text(role));
    if (r == 0) {
        r = ag_value_set(message, "content", ag_value_text_sane(content, strlen(content)));
    }
    return r < 0 ? r : ag_value_append(a->messages, ag_take(message));
}

int ag_asking_prepare(struct ag_asking *a, struct ag_strand *s, const char *prompt,
                      const char *extra, argo_error **err)
{
    a->ask.strand = s;
    a->messages = ag_value_array();
    a->schema = ag_value_ref(ag_strand_field(s, "schema"));
    int r = named(s, "model", &a->model, err);
    if (r == 0 && a->model == NULL) {
        a->model = ag_strdup(ag_template_default(ag_strand_template(s), "model"));
    }
    if (r == 0) {
        r = system_text(s, extra, &a->system, err);
    }
    if (r == 0) {
        r = ag_strand_environment(s, &a->environment, err);
    }
    if (r == 0 && add_message(a, "user", prompt) < 0) {
        r = ag_error_nomem(err);
    }
    return r;
}

/* A list of texts line by line; text as it is; everything else as JSON. */
static void add_value(struct ag_buf *b, const ag_value *v)
{
    struct ag_value_iter it = {0};
    bool list = ag_value_is(v, ARGO_TYPE_ARRAY) && ag_value_size(v) > 0;
    while (list && ag_value_next(v, &it)) {
        list = ag_value_is(it.value, ARGO_TYPE_TEXT);
    }
    it = (struct ag_value_iter){0};
    while (list && ag_value_next(v, &it)) {
        ag_buf_printf(b, "%s- %s", it.index > 0 ? "\n" : "", ag_value_as_text(it.value));
    }
    if (!list) {
        ag_auto_free char *text = ag_value_size(v) > 0 && !ag_value_is(v, ARGO_TYPE_TEXT)
                                      ? ag_value_print_indented(v, 2)
                                      : ag_value_display(v);
        ag_buf_add_text(b, text != NULL ? text : "");
    }
}

static int add_part(struct ag_buf *prompt, struct ag_strand *s, const struct ag_asking_part *part,
                    argo_error **err)
{
    AG_AUTO(ag_value) value = NULL;
    int r = ag_strand_value(s, part->key, &value, err);
    if (r < 0 || value == NULL) {
        return r;
    }
    ag_buf_add_text(prompt, prompt->len > 0 ? "\n\n" : "");
    ag_buf_add_text(prompt, part->title);
    add_value(prompt, value);
    return ag_buf_check(prompt, "the prompt", err);
}

void ag_asking_start(struct ag_strand *s, void *state, const struct ag_asking_part *parts, size_t n,
                     const char *rules)
{
    struct ag_asking *a = state;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_buf prompt = AG_BUF_INIT(AG_MAX_VALUE);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = add_part(&prompt, s, &parts[i], &err);
    }
    if (r == 0) {
        r = ag_asking_prepare(a, s, ag_buf_text(&prompt), rules, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_asking_send(a);
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* Replayed words begin with their label, except JSON: there it is a line of its own. */
static void show_label(struct ag_asking *a, const char *label)
{
    if (label != NULL && a->schema != NULL && !a->labelled) {
        a->labelled = true;
        ag_auto_free char *line = ag_asprintf("%s\n", label);
        if (line != NULL) {
            ag_strand_output(a->ask.strand, "notice", line);
        }
    }
}

static void on_text(const char *text, size_t len, const char *label, void *user)
{
    struct ag_asking *a = user;
    show_label(a, label);
    ag_auto_free char *part = ag_utf8_sanitise(text, len, NULL);
    if (part != NULL && *part != '\0') {
        a->open_line = part[strlen(part) - 1] != '\n';
        ag_strand_output(a->ask.strand, "ci", part);
    }
}

static void end_line(struct ag_asking *a)
{
    if (a->open_line) {
        ag_strand_output(a->ask.strand, "ci", "\n");
        a->open_line = false;
    }
}

static void on_retry(const argo_error *why, int64_t delay_ms, void *user)
{
    struct ag_asking *a = user;
    ag_auto_free char *line = ag_asprintf("%s; trying again in %.1f s\n", argo_error_details(why),
                                          (double)delay_ms / 1000);
    if (line != NULL) {
        ag_log_warning(ag_strand_context(a->ask.strand), "exec", "%.*s", (int)strlen(line) - 1,
                       line);
        ag_strand_output(a->ask.strand, "notice", line);
    }
}

/* ---- the reply ------------------------------------------------------------------------------- */

/* The inside of a ``` block, if the whole text is one: models like to wrap JSON so. */
static const char *unfenced(const char *text, size_t *len)
{
    size_t n = strlen(text);
    const char *start = text + strspn(text, " \r\n\t");
    while (n > 0 && strchr(" \r\n\t", text[n - 1]) != NULL) {
        n--;
    }
    const char *end = text + n;
    const char *line = ag_starts_with(start, "```") ? strchr(start, '\n') : NULL;
    if (line != NULL && end - line > 3 && strncmp(end - 3, "```", 3) == 0) {
        start = line + 1;
        end -= 3;
    }
    *len = end > start ? (size_t)(end - start) : 0;
    return start;
}

/* What is wrong with a reply, as one text: for the failure, and for the CI. */
static int explain(argo_error **err)
{
    ag_auto_buf text = AG_BUF_INIT(AG_MAX_TEXT);
    size_t n = argo_error_problem_count(*err);
    for (size_t i = 0; i < n && i < PROBLEMS_TOLD; i++) {
        const struct argo_problem *p = argo_error_problem(*err, i);
        ag_buf_printf(&text, "%s%s: %s%s%s%s", i > 0 ? "; " : "", p->path, p->message,
                      p->expected != NULL ? " (expected " : "",
                      p->expected != NULL ? p->expected : "", p->expected != NULL ? ")" : "");
    }
    if (n > PROBLEMS_TOLD) {
        ag_buf_printf(&text, "; and %zu more", n - PROBLEMS_TOLD);
    }
    return ag_error_set(err, ARGO_E_PROVIDER, "the reply does not fit the schema: %s",
                        ag_buf_text(&text));
}

static int reply_value(const struct ag_asking *a, const char *text, ag_value **out,
                       argo_error **err)
{
    if (a->schema == NULL) {
        *out = ag_value_text_sane(text, strlen(text));
        return *out == NULL ? ag_error_nomem(err) : 0;
    }
    size_t len = 0;
    const char *json = unfenced(text, &len);
    AG_AUTO(ag_value) value = NULL;
    AG_AUTO(argo_error) why = NULL;
    if (ag_value_parse(json, len, &value, &why) < 0) {
        return ag_error_set(err, ARGO_E_PROVIDER,
                            "the reply is not the JSON that was asked for: %s",
                            argo_error_details(why));
    }
    int r = ag_schema_validate(a->schema, "reply", value, false, err);
    if (r < 0) {
        return r == ARGO_E_ANSWER ? explain(err) : r;
    }
    *out = ag_take(value);
    return 0;
}

/* What several calls have used together; what one of them did not say is not known of the sum. */
static void add_usage(struct ag_asking *a, const ag_value *usage)
{
    AG_AUTO(ag_value) sum = ag_value_copy(usage);
    struct ag_value_iter it = {0};
    while (a->usage != NULL && ag_value_next(usage, &it)) {
        const ag_value *before = ag_value_get(a->usage, it.key);
        if (!ag_value_is_number(it.value)) {
            continue;
        }
        bool real = ag_value_is(it.value, ARGO_TYPE_REAL) || ag_value_is(before, ARGO_TYPE_REAL);
        (void)ag_value_set(
            sum, it.key,
            real ? ag_value_real(ag_value_as_real(before) + ag_value_as_real(it.value))
                 : ag_value_int(ag_value_as_int(before) + ag_value_as_int(it.value)));
    }
    if (a->usage != NULL && ag_value_get(a->usage, "cost_usd") == NULL) {
        (void)ag_value_remove(sum, "cost_usd");
    }
    ag_value_unref(a->usage);
    a->usage = ag_take(sum);
    ag_strand_set_usage(a->ask.strand, a->usage);
}

static void save(struct ag_asking *a, ag_value *value)
{
    AG_AUTO(argo_error) why = NULL;
    if (ag_strand_save_to(a->ask.strand, "save_to", value, &why) < 0) {
        ag_strand_fail_error(a->ask.strand, AG_FAIL_TEMPLATE, why);
        return;
    }
    ag_strand_done(a->ask.strand);
}

/* Tells the CI what was wrong, once. False: it has been told already, or cannot be. */
static bool ask_again(struct ag_asking *a, const char *reply, const argo_error *why)
{
    ag_auto_free char *told = ag_asprintf("%s\n\nReply again: with JSON that fits the schema, and "
                                          "with nothing else.",
                                          argo_error_details(why));
    ag_auto_free char *line = ag_asprintf("%s; asking once more\n", argo_error_details(why));
    if (a->again || told == NULL || line == NULL || add_message(a, "assistant", reply) < 0 ||
        add_message(a, "user", told) < 0) {
        return false;
    }
    a->again = true;
    end_line(a);
    ag_strand_output(a->ask.strand, "notice", line);
    ag_asking_send(a);
    return true;
}

static void tell_cut_off(struct ag_asking *a, const char *finish_reason)
{
    if (ag_streq(finish_reason, "length") || ag_streq(finish_reason, "max_tokens")) {
        end_line(a);
        ag_strand_output(a->ask.strand, "notice", "The reply ends at its limit (max_tokens).\n");
    }
}

static void on_done(const struct ag_ci_result *result, const argo_error *err, void *user)
{
    struct ag_asking *a = user;
    struct ag_strand *s = a->ask.strand;
    AG_AUTO(argo_error) why = NULL;
    ag_value *value = NULL;
    a->call = NULL;
    if (err != NULL) {
        bool late = argo_error_code(err) == ARGO_E_TIMEOUT;
        ag_strand_fail_error(s, late ? AG_FAIL_TIMEOUT : AG_FAIL_CI, err);
        return;
    }
    add_usage(a, result->usage);
    show_label(a, result->label);
    tell_cut_off(a, result->finish_reason);
    if (reply_value(a, result->text, &value, &why) < 0) {
        if (!ask_again(a, result->text, why)) {
            ag_strand_fail_error(s, AG_FAIL_CI, why);
        }
        return;
    }
    if (a->open_line) {
        ag_strand_record(s, "ci", "\n");
    }
    if (result->finish_reason != NULL) {
        ag_strand_set_output(s, "finish_reason", ag_value_text(result->finish_reason));
    }
    (a->replied != NULL ? a->replied : save)(a, value);
}

/* ---- the call -------------------------------------------------------------------------------- */

static void call(struct ag_strand *s, void *state, const struct ag_ci *ci,
                 const struct ag_ci *upstream, const argo_error *err)
{
    struct ag_asking *a = state;
    AG_AUTO(argo_error) why = NULL;
    const struct ag_runner_config *config = ag_strand_config(s);
    if (err != NULL) {
        ag_strand_fail_error(s, AG_FAIL_CI, err);
        return;
    }
    const ag_value *temperature = ag_strand_field(s, "temperature");
    const ag_value *stream = ag_strand_field(s, "stream");
    const struct ag_provider_env env = {
        .ctx = config->ctx,
        .loop = config->loop,
        .http = config->http,
        .home = argo_context_home(config->ctx),
        .environment = a->environment,
        .cwd = ag_strand_checkpoint(s)->cwd,
    };
    const struct ag_ci_request request = {
        .system = a->system,
        .messages = a->messages,
        .model = a->model,
        .default_model = ag_strand_checkpoint(s)->default_model,
        .temperature = temperature != NULL ? ag_value_as_real(temperature) : -1,
        .max_tokens = ag_value_as_int(ag_strand_field(s, "max_tokens")),
        .schema = a->schema,
        .stream = stream == NULL || ag_value_as_bool(stream),
        .timeout_ms = s->now.step->timeout_ms,
    };
    const struct ag_ci_events events = {request.stream && !a->quiet ? on_text : NULL, on_retry,
                                        on_done};
    if (ag_ci_call_start(&env, ci, upstream, &request, &events, a, &a->call, &why) < 0) {
        ag_strand_fail_error(s, AG_FAIL_CI, why);
    }
}

/* The step's CI, else the template's; NULL is for the registry and the configuration to say. */
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
    *out = name != NULL && *name != '\0' ? ag_strdup(name) : NULL;
    return 0;
}

void ag_asking_send(struct ag_asking *a)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *ci = NULL;
    if (name_ci(a->ask.strand, &ci, &err) < 0) {
        ag_strand_fail_error(a->ask.strand, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_ci(a->ask.strand, ci, call);
}

char *ag_asking_doing(struct ag_strand *s, const struct ag_visit *v)
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
