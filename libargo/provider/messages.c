/*
 * Anthropic's Messages API. A reply to a schema is the input of a tool that the model is made to
 * call; it is handed on when it is whole.
 */
#include <string.h>

#include "base/text.h"
#include "provider/reply.h"

#define DEFAULT_MAX_TOKENS 8192 /* the API wants one */

/* ---- the request ------------------------------------------------------------------------------ */

static int set_tool(ag_value *body, const ag_value *schema)
{
    AG_AUTO(ag_value) tool = ag_value_object();
    AG_AUTO(ag_value) tools = ag_value_array();
    AG_AUTO(ag_value) choice = ag_value_object();
    int rc = ag_value_set(tool, "name", ag_value_text("reply"));
    rc = rc < 0 ? rc : ag_value_set(tool, "description", ag_value_text("Gives the reply."));
    rc = rc < 0 ? rc : ag_value_set(tool, "input_schema", ag_schema_wrap(schema));
    rc = rc < 0 ? rc : ag_value_append(tools, ag_take(tool));
    rc = rc < 0 ? rc : ag_value_set(body, "tools", ag_take(tools));
    rc = rc < 0 ? rc : ag_value_set(choice, "type", ag_value_text("tool"));
    rc = rc < 0 ? rc : ag_value_set(choice, "name", ag_value_text("reply"));
    return rc < 0 ? rc : ag_value_set(body, "tool_choice", ag_take(choice));
}

static ag_value *messages_request(const ag_value *request, bool stream)
{
    static const char *const as_they_are[] = {"system", "messages", "temperature"};
    AG_AUTO(ag_value) body = ag_value_object();
    int64_t max_tokens = ag_value_get_int(request, "max_tokens", DEFAULT_MAX_TOKENS);
    int rc = ag_value_set(body, "model", ag_value_ref(ag_value_get(request, "model")));
    rc = rc < 0 ? rc : ag_value_set(body, "max_tokens", ag_value_int(max_tokens));
    for (size_t i = 0; rc == 0 && i < AG_ARRAY_SIZE(as_they_are); i++) {
        const ag_value *value = ag_value_get(request, as_they_are[i]);
        rc = value == NULL ? 0 : ag_value_set(body, as_they_are[i], ag_value_ref(value));
    }
    const ag_value *schema = ag_value_get(request, "schema");
    if (rc == 0 && schema != NULL) {
        rc = set_tool(body, schema);
    }
    if (rc == 0 && stream) {
        rc = ag_value_set(body, "stream", ag_value_bool(true));
    }
    return rc == 0 ? ag_take(body) : NULL;
}

/* ---- the reply -------------------------------------------------------------------------------- */

/* The API counts what went through its cache apart; here input is all that was read. Numbers that
 * are said again replace what was said before. */
int ag_messages_usage(struct ag_reply *r, const ag_value *usage, argo_error **err)
{
    static const char *const parts[] = {"input_tokens", "cache_creation_input_tokens",
                                        "cache_read_input_tokens"};
    AG_AUTO(ag_value) sum = ag_value_object();
    int64_t input = 0;
    bool counted = false;
    int rc = 0;
    for (size_t i = 0; i < AG_ARRAY_SIZE(parts); i++) {
        const ag_value *number = ag_reply_number(usage, parts[i]);
        counted = counted || number != NULL;
        input += ag_value_as_int(number);
    }
    if (counted && (input > 0 || r->usage == NULL)) {
        rc = ag_value_set(sum, parts[0], ag_value_int(input));
        rc = rc < 0 ? rc : ag_reply_count(r, parts[0], sum, parts[0]);
    }
    rc = rc < 0 ? rc : ag_reply_count(r, "output_tokens", usage, "output_tokens");
    for (size_t i = 1; rc == 0 && i < AG_ARRAY_SIZE(parts); i++) {
        rc = ag_reply_count(r, parts[i], usage, parts[i]);
    }
    return rc < 0 ? ag_error_nomem(err) : 0;
}

static int take_start(struct ag_reply *r, const ag_value *message, argo_error **err)
{
    int rc = ag_reply_note(&r->model, ag_value_get_text(message, "model", NULL), err);
    return rc < 0 ? rc : ag_messages_usage(r, ag_value_get(message, "usage"), err);
}

static int take_stop(struct ag_reply *r, const ag_value *delta, const ag_value *usage,
                     argo_error **err)
{
    const char *reason = ag_value_get_text(delta, "stop_reason", NULL);
    r->finished = r->finished || reason != NULL;
    int rc = ag_reply_note(&r->finish_reason, reason, err);
    return rc < 0 ? rc : ag_messages_usage(r, usage, err);
}

/* Of a reply to a schema the tool's input counts; without a call what was said instead. */
static void take_block(struct ag_reply *r, const ag_value *block)
{
    if (r->whole && ag_streq(ag_value_get_text(block, "type", NULL), "tool_use")) {
        ag_buf_clear(&r->text);
    }
}

static int take_delta(struct ag_reply *r, const ag_value *delta, const char **text,
                      argo_error **err)
{
    const char *type = ag_value_get_text(delta, "type", "");
    const char *said = NULL;
    if (strcmp(type, "text_delta") == 0) {
        said = ag_value_get_text(delta, "text", NULL);
    } else if (r->whole && strcmp(type, "input_json_delta") == 0) {
        said = ag_value_get_text(delta, "partial_json", NULL);
    }
    if (said != NULL) {
        ag_buf_add_text(&r->text, said);
        *text = r->whole ? *text : said;
    }
    return ag_buf_check(&r->text, "the reply", err);
}

static int messages_event(struct ag_reply *r, const ag_value *event, const char **text,
                          argo_error **err)
{
    const char *type = ag_value_get_text(event, "type", "");
    int rc = ag_reply_check(r, event, err);
    if (rc < 0) {
        return rc;
    }
    if (strcmp(type, "message_start") == 0) {
        return take_start(r, ag_value_get(event, "message"), err);
    }
    if (strcmp(type, "content_block_start") == 0) {
        take_block(r, ag_value_get(event, "content_block"));
    } else if (strcmp(type, "content_block_delta") == 0) {
        return take_delta(r, ag_value_get(event, "delta"), text, err);
    } else if (strcmp(type, "message_delta") == 0) {
        return take_stop(r, ag_value_get(event, "delta"), ag_value_get(event, "usage"), err);
    } else if (strcmp(type, "message_stop") == 0) {
        r->finished = true;
    }
    return 0; /* ping, content_block_stop, and what the API may add */
}

static int take_content(struct ag_reply *r, const ag_value *block)
{
    const char *text = ag_value_get_text(block, "text", NULL);
    const ag_value *input = ag_value_get(block, "input");
    if (ag_streq(ag_value_get_text(block, "type", NULL), "text") && text != NULL) {
        ag_buf_add_text(&r->text, text);
    }
    take_block(r, block);
    if (r->whole && input != NULL) {
        ag_auto_free char *json = ag_value_print(input, NULL);
        return json != NULL ? ag_buf_add_text(&r->text, json) : ARGO_E_NOMEM;
    }
    return 0;
}

static int messages_reply(struct ag_reply *r, const ag_value *reply, argo_error **err)
{
    const ag_value *content = ag_value_get(reply, "content");
    struct ag_value_iter it = {0};
    int rc = ag_reply_check(r, reply, err);
    rc = rc < 0 ? rc : take_start(r, reply, err);
    rc = rc < 0 ? rc : take_stop(r, reply, NULL, err);
    if (rc == 0 && !ag_value_is(content, ARGO_TYPE_ARRAY)) {
        return ag_error_set(err, ARGO_E_PROVIDER, "the reply has no content");
    }
    while (rc == 0 && ag_value_next(content, &it)) {
        if (take_content(r, it.value) == ARGO_E_NOMEM) {
            return ag_error_nomem(err);
        }
    }
    return rc < 0 ? rc : ag_buf_check(&r->text, "the reply", err);
}

const struct ag_dialect ag_dialect_messages = {
    .noun = "message",
    .base_url = "https://api.anthropic.com",
    .example = "https://api.anthropic.com",
    .path = "/v1/messages",
    .key_header = "x-api-key: ",
    .header = "anthropic-version: 2023-06-01",
    .schema_is_tool = true,
    .request = messages_request,
    .event = messages_event,
    .reply = messages_reply,
};
