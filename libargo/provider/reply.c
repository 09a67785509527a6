/*
 * What all dialects have in common. Servers differ: what is missing is left out, and only what makes
 * a reply useless is an error.
 */
#include "provider/reply.h"

#include <string.h>

#include "base/text.h"

#define ERROR_TEXT_MAX 600
#define NUMBER_MAX     1e12 /* of tokens, or dollars, in one reply */

void ag_reply_init(struct ag_reply *r, const struct ag_dialect *dialect, const ag_value *request)
{
    const ag_value *schema = ag_value_get(request, "schema");
    bool tool = dialect->schema_is_tool && schema != NULL;
    *r = (struct ag_reply){
        .dialect = dialect,
        .text = AG_BUF_INIT(AG_REPLY_MAX),
        .whole = tool,
        .wrapped = tool && ag_schema_is_wrapped(schema),
    };
}

void ag_reply_free(struct ag_reply *r)
{
    ag_buf_free(&r->text);
    free(r->finish_reason);
    free(r->model);
    ag_value_unref(r->usage);
    ag_value_unref(r->event);
    *r = (struct ag_reply){0};
}

/* ---- errors ----------------------------------------------------------------------------------- */

/* Some servers cut a character in two between events. */
static int parse(const struct ag_dialect *dialect, const char *text, size_t len, ag_value **out,
                 argo_error **err)
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
               ? ag_error_set(err, ARGO_E_PROVIDER, "not a %s: %s", dialect->noun,
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

char *ag_error_words(const char *body, size_t len)
{
    AG_AUTO(ag_value) reply = NULL;
    (void)parse(&ag_dialect_chat, body, len, &reply, NULL);
    ag_auto_free char *words = reply != NULL ? error_words(reply) : NULL;
    if (words != NULL) {
        return shorten(words, strlen(words));
    }
    return len > 0 ? shorten(body, len) : ag_strdup("no reason given");
}

bool ag_status_passes(int64_t status)
{
    return status == 429 || status == 408 || status >= 500;
}

/* A stream has its status before it fails: then the error says by itself what it is. */
static bool error_passes(const ag_value *error)
{
    static const char *const words[] = {"rate_limit_exceeded", "rate_limit_error", "server_error",
                                        "overloaded_error",    "api_error",        "timeout_error"};
    const char *type = ag_value_get_text(error, "type", "");
    const char *code = ag_value_get_text(error, "code", "");
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        if (strcmp(words[i], type) == 0 || strcmp(words[i], code) == 0) {
            return true;
        }
    }
    return ag_status_passes(ag_value_get_int(error, "code", 0));
}

int ag_reply_check(struct ag_reply *r, const ag_value *reply, argo_error **err)
{
    const ag_value *error = ag_value_get(reply, "error");
    if (error == NULL || ag_value_is(error, ARGO_TYPE_NULL)) {
        return 0;
    }
    ag_auto_free char *words = error_words(reply);
    r->passing = error_passes(error);
    return ag_error_set(err, ARGO_E_PROVIDER, "%s", words != NULL ? words : "an error");
}

/* ---- the reply -------------------------------------------------------------------------------- */

int ag_reply_note(char **kept, const char *text, argo_error **err)
{
    if (text == NULL) {
        return 0;
    }
    free(*kept);
    *kept = ag_strdup(text);
    return *kept != NULL ? 0 : ag_error_nomem(err);
}

const ag_value *ag_reply_number(const ag_value *from, const char *key)
{
    const ag_value *number = ag_value_get(from, key);
    double n = ag_value_is_number(number) ? ag_value_as_real(number) : -1;
    return n >= 0 && n <= NUMBER_MAX ? number : NULL;
}

int ag_reply_count(struct ag_reply *r, const char *name, const ag_value *from, const char *key)
{
    const ag_value *number = ag_reply_number(from, key);
    if (number == NULL) {
        return 0;
    }
    if (r->usage == NULL) {
        r->usage = ag_value_object();
    }
    return ag_value_set(r->usage, name, ag_value_ref(number));
}

int ag_reply_event(struct ag_reply *r, const char *event, size_t len, const char **text,
                   argo_error **err)
{
    if (strcmp(event, "[DONE]") == 0) {
        r->finished = true;
        return 0;
    }
    AG_AUTO(ag_value) value = NULL;
    int rc = parse(r->dialect, event, len, &value, err);
    if (rc < 0) {
        return rc;
    }
    ag_value_unref(r->event);
    r->event = ag_take(value);
    return r->dialect->event(r, r->event, text, err);
}

int ag_reply_read(struct ag_reply *r, const char *body, size_t len, argo_error **err)
{
    AG_AUTO(ag_value) reply = NULL;
    int rc = parse(r->dialect, body, len, &reply, err);
    return rc < 0 ? rc : r->dialect->reply(r, reply, err);
}

int ag_reply_finish(struct ag_reply *r, argo_error **err)
{
    AG_AUTO(ag_value) object = NULL;
    if (!r->wrapped || ag_value_parse(ag_buf_text(&r->text), r->text.len, &object, NULL) < 0 ||
        ag_value_get(object, "value") == NULL) {
        return 0; /* as it came: whoever asked for a schema checks it */
    }
    ag_auto_free char *text = ag_value_print(ag_value_get(object, "value"), NULL);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    ag_buf_clear(&r->text);
    ag_buf_add_text(&r->text, text);
    return ag_buf_check(&r->text, "the reply", err);
}

ag_value *ag_reply_usage(const struct ag_reply *r, const ag_value *request)
{
    AG_AUTO(ag_value) usage = ag_value_object();
    const char *model = r->model != NULL ? r->model : ag_value_get_text(request, "model", "");
    int rc = ag_value_set(usage, "model", ag_value_text(model));
    struct ag_value_iter it = {0};
    while (rc == 0 && ag_value_next(r->usage, &it)) {
        rc = ag_value_set(usage, it.key, ag_value_ref(it.value));
    }
    return rc == 0 ? ag_take(usage) : NULL;
}

/* ---- schemas ---------------------------------------------------------------------------------- */

bool ag_schema_is_wrapped(const ag_value *schema)
{
    return strcmp(ag_value_get_text(schema, "type", ""), "object") != 0;
}

ag_value *ag_schema_wrap(const ag_value *schema)
{
    if (!ag_schema_is_wrapped(schema)) {
        return ag_value_ref(schema);
    }
    AG_AUTO(ag_value) wrapper = ag_value_object();
    AG_AUTO(ag_value) properties = ag_value_object();
    AG_AUTO(ag_value) required = ag_value_array();
    int rc = ag_value_set(wrapper, "type", ag_value_text("object"));
    rc = rc < 0 ? rc : ag_value_set(properties, "value", ag_value_ref(schema));
    rc = rc < 0 ? rc : ag_value_set(wrapper, "properties", ag_take(properties));
    rc = rc < 0 ? rc : ag_value_append(required, ag_value_text("value"));
    rc = rc < 0 ? rc : ag_value_set(wrapper, "required", ag_take(required));
    return rc == 0 ? ag_take(wrapper) : NULL;
}
