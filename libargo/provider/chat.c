/*
 * Writing and reading chat completions. Servers differ: what is missing is left out, and only what
 * makes a reply useless is an error.
 */
#include "provider/chat.h"

#include <string.h>

#include "base/text.h"

#define ERROR_TEXT_MAX 600

void ag_chat_init(struct ag_chat *c)
{
    *c = (struct ag_chat){.text = AG_BUF_INIT(AG_CHAT_MAX)};
}

void ag_chat_free(struct ag_chat *c)
{
    ag_buf_free(&c->text);
    free(c->finish_reason);
    free(c->model);
    ag_value_unref(c->usage);
    ag_value_unref(c->event);
    ag_chat_init(c);
}

/* ---- the request ------------------------------------------------------------------------------ */

static ag_value *messages_with_system(const ag_value *request)
{
    AG_AUTO(ag_value) all = ag_value_array();
    const ag_value *system = ag_value_get(request, "system");
    int rc = 0;
    if (system != NULL) {
        AG_AUTO(ag_value) first = ag_value_object();
        rc = ag_value_set(first, "role", ag_value_text("system"));
        rc = rc < 0 ? rc : ag_value_set(first, "content", ag_value_ref(system));
        rc = rc < 0 ? rc : ag_value_append(all, ag_take(first));
    }
    struct ag_value_iter it = {0};
    while (rc == 0 && ag_value_next(ag_value_get(request, "messages"), &it)) {
        rc = ag_value_append(all, ag_value_ref(it.value));
    }
    return rc == 0 ? ag_take(all) : NULL;
}

static int set_schema(ag_value *body, const ag_value *schema)
{
    AG_AUTO(ag_value) format = ag_value_object();
    AG_AUTO(ag_value) named = ag_value_object();
    int rc = ag_value_set(named, "name", ag_value_text("reply"));
    rc = rc < 0 ? rc : ag_value_set(named, "schema", ag_value_ref(schema));
    rc = rc < 0 ? rc : ag_value_set(format, "type", ag_value_text("json_schema"));
    rc = rc < 0 ? rc : ag_value_set(format, "json_schema", ag_take(named));
    return rc < 0 ? rc : ag_value_set(body, "response_format", ag_take(format));
}

static int set_stream(ag_value *body)
{
    AG_AUTO(ag_value) options = ag_value_object();
    int rc = ag_value_set(options, "include_usage", ag_value_bool(true));
    rc = rc < 0 ? rc : ag_value_set(body, "stream", ag_value_bool(true));
    return rc < 0 ? rc : ag_value_set(body, "stream_options", ag_take(options));
}

char *ag_chat_request(const ag_value *request, bool stream, size_t *len)
{
    static const char *const as_they_are[] = {"temperature", "max_tokens"};
    AG_AUTO(ag_value) body = ag_value_object();
    int rc = ag_value_set(body, "model", ag_value_ref(ag_value_get(request, "model")));
    rc = rc < 0 ? rc : ag_value_set(body, "messages", messages_with_system(request));
    for (size_t i = 0; rc == 0 && i < AG_ARRAY_SIZE(as_they_are); i++) {
        const ag_value *value = ag_value_get(request, as_they_are[i]);
        rc = value == NULL ? 0 : ag_value_set(body, as_they_are[i], ag_value_ref(value));
    }
    const ag_value *schema = ag_value_get(request, "schema");
    if (rc == 0 && schema != NULL) {
        rc = set_schema(body, schema);
    }
    if (rc == 0 && stream) {
        rc = set_stream(body);
    }
    return rc == 0 ? ag_value_print(body, len) : NULL;
}

/* ---- the reply -------------------------------------------------------------------------------- */

/* Some servers cut a character in two between events. */
static int parse(const char *text, size_t len, ag_value **out, argo_error **err)
{
    ag_auto_free char *sane = NULL;
    if (!ag_utf8_valid(text, len)) {
        sane = ag_utf8_sanitise(text, len, &len);
        if (sane == NULL) {
            return ag_error_nomem(err);
        }
        text = sane;
    }
    AG_AUTO(argo_error) why = NULL;
    return ag_value_parse_object(text, len, out, &why) < 0
               ? ag_error_set(err, ARGO_E_PROVIDER, "not a chat completion: %s",
                              argo_error_details(why))
               : 0;
}

static char *error_words(const ag_value *reply)
{
    const ag_value *error = ag_value_get(reply, "error");
    const char *text = ag_value_as_text(error);
    text = text != NULL ? text : ag_value_get_text(error, "message", NULL);
    text = text != NULL ? text : ag_value_get_text(reply, "message", NULL);
    text = text != NULL ? text : ag_value_get_text(reply, "detail", NULL);
    return ag_strdup(text);
}

static char *shorten(const char *text, size_t len)
{
    size_t n = len > ERROR_TEXT_MAX ? ERROR_TEXT_MAX : len;
    n = ag_utf8_complete(text, n);
    return ag_asprintf("%.*s%s", (int)n, text, n < len ? "..." : "");
}

char *ag_chat_error_text(const char *body, size_t len)
{
    AG_AUTO(ag_value) reply = NULL;
    (void)parse(body, len, &reply, NULL);
    ag_auto_free char *words = reply != NULL ? error_words(reply) : NULL;
    if (words != NULL) {
        return shorten(words, strlen(words));
    }
    return len > 0 ? shorten(body, len) : ag_strdup("no reason given");
}

static int keep_text(char **kept, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    free(*kept);
    *kept = ag_strdup(text);
    return *kept != NULL ? 0 : ARGO_E_NOMEM;
}

bool ag_chat_status_passes(int64_t status)
{
    return status == 429 || status == 408 || status >= 500;
}

/* A stream has its status before it fails: then the error says by itself what it is. */
static bool error_passes(const ag_value *error)
{
    static const char *const words[] = {"rate_limit_exceeded", "rate_limit_error", "server_error",
                                        "overloaded_error"};
    const char *type = ag_value_get_text(error, "type", "");
    const char *code = ag_value_get_text(error, "code", "");
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        if (strcmp(words[i], type) == 0 || strcmp(words[i], code) == 0) {
            return true;
        }
    }
    return ag_chat_status_passes(ag_value_get_int(error, "code", 0));
}

/* What a reply and an event have in common. PART is "message" or "delta". */
static int take(struct ag_chat *c, ag_value *reply, const char *part, const char **text,
                argo_error **err)
{
    const ag_value *error = ag_value_get(reply, "error");
    if (error != NULL && !ag_value_is(error, ARGO_TYPE_NULL)) {
        ag_auto_free char *words = error_words(reply);
        c->passing = error_passes(error);
        return ag_error_set(err, ARGO_E_PROVIDER, "%s", words != NULL ? words : "an error");
    }
    const ag_value *choice = ag_value_at(ag_value_get(reply, "choices"), 0);
    const ag_value *usage = ag_value_get(reply, "usage");
    const char *finish = ag_value_get_text(choice, "finish_reason", NULL);
    const char *said = ag_value_get_text(ag_value_get(choice, part), "content", NULL);
    if (ag_value_is(usage, ARGO_TYPE_OBJECT)) {
        ag_value_unref(c->usage);
        c->usage = ag_value_ref(usage);
    }
    c->finished = c->finished || finish != NULL;
    int rc = keep_text(&c->finish_reason, finish);
    rc = rc < 0 ? rc : keep_text(&c->model, ag_value_get_text(reply, "model", NULL));
    if (rc < 0) {
        return ag_error_nomem(err);
    }
    if (said != NULL) {
        ag_buf_add_text(&c->text, said);
        *text = said;
    }
    return ag_buf_check(&c->text, "the reply", err);
}

int ag_chat_event(struct ag_chat *c, const char *event, size_t len, const char **text,
                  argo_error **err)
{
    if (strcmp(event, "[DONE]") == 0) {
        c->finished = true;
        return 0;
    }
    AG_AUTO(ag_value) value = NULL;
    int rc = parse(event, len, &value, err);
    if (rc < 0) {
        return rc;
    }
    ag_value_unref(c->event);
    c->event = ag_take(value);
    return take(c, c->event, "delta", text, err);
}

int ag_chat_reply(struct ag_chat *c, const char *body, size_t len, argo_error **err)
{
    AG_AUTO(ag_value) reply = NULL;
    const char *text = NULL;
    int rc = parse(body, len, &reply, err);
    rc = rc < 0 ? rc : take(c, reply, "message", &text, err);
    if (rc == 0 &&
        ag_value_get(ag_value_at(ag_value_get(reply, "choices"), 0), "message") == NULL) {
        return ag_error_set(err, ARGO_E_PROVIDER, "the reply has no choices[0].message");
    }
    return rc;
}

static int copy_number(ag_value *to, const char *name, const ag_value *from, const char *key)
{
    const ag_value *number = ag_value_get(from, key);
    return ag_value_is_number(number) ? ag_value_set(to, name, ag_value_ref(number)) : 0;
}

ag_value *ag_chat_usage(const struct ag_chat *c, const ag_value *request)
{
    AG_AUTO(ag_value) usage = ag_value_object();
    const char *model = c->model != NULL ? c->model : ag_value_get_text(request, "model", "");
    int rc = ag_value_set(usage, "model", ag_value_text(model));
    rc = rc < 0 ? rc : copy_number(usage, "input_tokens", c->usage, "prompt_tokens");
    rc = rc < 0 ? rc : copy_number(usage, "output_tokens", c->usage, "completion_tokens");
    rc = rc < 0 ? rc : copy_number(usage, "cost_usd", c->usage, "cost");
    return rc == 0 ? ag_take(usage) : NULL;
}
