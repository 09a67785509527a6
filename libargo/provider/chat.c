/*
 * OpenAI's chat completions, as many servers speak them.
 */
#include <string.h>

#include "base/text.h"
#include "provider/reply.h"

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

static ag_value *chat_request(const ag_value *request, bool stream)
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
    return rc == 0 ? ag_take(body) : NULL;
}

/* ---- the reply -------------------------------------------------------------------------------- */

/* What a reply and an event have in common. PART is "message" or "delta". */
static int take(struct ag_reply *r, const ag_value *reply, const char *part, const char **text,
                argo_error **err)
{
    int rc = ag_reply_check(r, reply, err);
    if (rc < 0) {
        return rc;
    }
    const ag_value *choice = ag_value_at(ag_value_get(reply, "choices"), 0);
    const ag_value *usage = ag_value_get(reply, "usage");
    const char *finish = ag_value_get_text(choice, "finish_reason", NULL);
    const char *said = ag_value_get_text(ag_value_get(choice, part), "content", NULL);
    if (ag_reply_count(r, "input_tokens", usage, "prompt_tokens") < 0 ||
        ag_reply_count(r, "output_tokens", usage, "completion_tokens") < 0 ||
        ag_reply_count(r, "cost_usd", usage, "cost") < 0) {
        return ag_error_nomem(err);
    }
    r->finished = r->finished || finish != NULL;
    rc = ag_reply_note(&r->finish_reason, finish, err);
    rc = rc < 0 ? rc : ag_reply_note(&r->model, ag_value_get_text(reply, "model", NULL), err);
    if (rc == 0 && said != NULL) {
        ag_buf_add_text(&r->text, said);
        *text = said;
    }
    return rc < 0 ? rc : ag_buf_check(&r->text, "the reply", err);
}

static int chat_event(struct ag_reply *r, const ag_value *event, const char **text,
                      argo_error **err)
{
    return take(r, event, "delta", text, err);
}

static int chat_reply(struct ag_reply *r, const ag_value *reply, argo_error **err)
{
    const char *text = NULL;
    int rc = take(r, reply, "message", &text, err);
    if (rc == 0 &&
        ag_value_get(ag_value_at(ag_value_get(reply, "choices"), 0), "message") == NULL) {
        return ag_error_set(err, ARGO_E_PROVIDER, "the reply has no choices[0].message");
    }
    return rc;
}

const struct ag_dialect ag_dialect_chat = {
    .noun = "chat completion",
    .example = "https://api.openai.com/v1 or http://127.0.0.1:11434/v1",
    .path = "/chat/completions",
    .key_header = "Authorization: Bearer ",
    .request = chat_request,
    .event = chat_event,
    .reply = chat_reply,
};
