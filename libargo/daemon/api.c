/*
 * What the handlers share: decoding, replies after a commit, kept replies. No rules.
 */
#include "daemon/api.h"

#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "wire/envelope.h"
#include "wire/json.h"

/* ---- replies after a commit ------------------------------------------------------------------ */

struct ag_api_call *ag_api_call_new(struct argo_daemon *daemon, ag_request *req, int64_t rid,
                                    void (*reply)(struct ag_api_call *call))
{
    struct ag_api_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_nomem(&err);
        ag_request_reply_error(req, err);
        return NULL;
    }
    call->daemon = daemon;
    call->req = req;
    call->rid = rid;
    call->reply = reply;
    return call;
}

static void call_free(struct ag_api_call *call)
{
    if (call->key != NULL) {
        ag_map_remove(call->daemon->keys_under_way, call->key);
    }
    free(call->key);
    free(call->name);
    ag_value_unref(call->value);
    free(call);
}

void ag_api_done(const argo_error *err, void *user)
{
    struct ag_api_call *call = user;
    if (err != NULL) {
        ag_request_reply_error(call->req, err);
    } else {
        call->reply(call);
    }
    call_free(call);
}

void ag_api_refuse(struct ag_api_call *call, const argo_error *err)
{
    ag_request_reply_error(call->req, err);
    call_free(call);
}

void ag_api_fail(ag_request *req, argo_error *err)
{
    ag_request_reply_error(req, err);
    argo_error_free(err);
}

/* ---- Idempotency-Key --------------------------------------------------------------------------- */

#define KEY_LIFE ((int64_t)24 * 3600 * 1000) /* ms */

int ag_api_key(const ag_request *req, const char **out, argo_error **err)
{
    *out = ag_request_header(req, "Idempotency-Key");
    if (*out != NULL && (strlen(*out) > AG_MAX_LABEL || (*out)[0] == '\0')) {
        return ag_error_set(err, ARGO_E_INVALID, "Idempotency-Key: expected 1 to %d bytes",
                            AG_MAX_LABEL);
    }
    return 0;
}

/* The same key with another method, target or body is another request. */
static int hash_request(ag_request *req, char out[AG_SHA256_HEX])
{
    ag_auto_buf all = AG_BUF_INIT(2 * AG_MAX_BODY);
    size_t len = 0;
    const char *body = ag_request_body_text(req, &len);
    ag_buf_printf(&all, "%d %s\n", (int)ag_request_method(req), ag_request_target(req));
    ag_buf_add(&all, body == NULL ? "" : body, body == NULL ? 0 : len);
    ag_sha256_hex(ag_buf_text(&all), all.len, out);
    return all.failed;
}

static void reply_kept(struct ag_api_call *call, const struct ag_kept_reply *kept)
{
    AG_AUTO(argo_error) err = NULL;
    if (strcmp(kept->body_hash, call->body_hash) != 0) {
        ag_error_set(&err, ARGO_E_KEY_REUSED,
                     "This Idempotency-Key was used for another request within 24 hours");
        ag_request_reply_error(call->req, err);
        return;
    }
    ag_request_reply_text(call->req, (int)kept->status, "application/json", ag_strdup(kept->reply),
                          strlen(kept->reply));
}

static bool repeated(struct ag_api_call *call, const char *key, argo_error **err)
{
    struct ag_kept_reply kept = {0};
    if (ag_map_get(call->daemon->keys_under_way, key) != NULL) {
        ag_error_set(err, ARGO_E_STORE, "The same request is under way: try again in a moment");
        return true;
    }
    int found = ag_store_reply(call->daemon->store, key, &kept, err);
    if (found > 0 && kept.at <= ag_context_now_ms(call->daemon->ctx) - KEY_LIFE) {
        found = 0; /* its row goes when the next reply is kept */
    } else if (found > 0) {
        reply_kept(call, &kept);
    }
    ag_kept_reply_clear(&kept);
    return found != 0;
}

static int hold_key(struct ag_api_call *call, const char *key, argo_error **err)
{
    char *own = ag_strdup(key);
    if (own == NULL || ag_map_put(call->daemon->keys_under_way, key, call->daemon) < 0) {
        free(own);
        return ag_error_nomem(err);
    }
    call->key = own;
    return 0;
}

bool ag_api_repeated(struct ag_api_call *call)
{
    const char *key = NULL;
    AG_AUTO(argo_error) err = NULL;
    bool answered = false;
    int r = ag_api_key(call->req, &key, &err);
    if (r == 0 && key == NULL) {
        return false;
    }
    if (r == 0 && hash_request(call->req, call->body_hash) < 0) {
        r = ag_error_nomem(&err);
    }
    if (r == 0) {
        answered = repeated(call, key, &err);
    }
    if (r == 0 && !answered) {
        r = hold_key(call, key, &err);
    }
    if (err != NULL) {
        ag_request_reply_error(call->req, err);
    }
    if (answered || r < 0) {
        call_free(call); /* the key under way, if any, is the other request's */
        return true;
    }
    return false;
}

void ag_api_keep(struct ag_api_call *call, ag_txn *t, int status, const ag_value *reply)
{
    if (call->key == NULL) {
        return;
    }
    ag_auto_free char *text = ag_value_print(reply, NULL);
    struct ag_kept_reply kept = {.key = call->key,
                                 .status = status,
                                 .reply = text,
                                 .at = ag_context_now_ms(call->daemon->ctx)};
    memcpy(kept.body_hash, call->body_hash, sizeof(kept.body_hash));
    if (text != NULL) {
        ag_txn_put_reply(t, &kept);
    }
    ag_txn_remove_replies_before(t, kept.at - KEY_LIFE);
}

void ag_api_reply_value(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, ag_take(call->value));
}

void ag_api_finish(struct ag_api_call *call, ag_value *reply)
{
    ag_txn *t = call->key != NULL ? ag_txn_new(call->daemon->store) : NULL;
    call->value = reply;
    call->reply = ag_api_reply_value;
    if (t == NULL) {
        ag_api_done(NULL, call);
        return;
    }
    ag_api_keep(call, t, 200, reply);
    ag_txn_commit(t, ag_api_done, call);
}

/* ---- decoding ------------------------------------------------------------------------------------ */

bool ag_api_decode(ag_request *req, const struct ag_record *record, void *out)
{
    argo_error *err = NULL;
    if (ag_record_decode(record, ag_request_body(req), out, &err) < 0) {
        ag_api_fail(req, err);
        return false;
    }
    return true;
}

bool ag_api_run(struct argo_daemon *daemon, ag_request *req, int64_t *out_rid)
{
    argo_error *err = NULL;
    if (ag_run_find(daemon->domain, ag_request_param(req, "id"), out_rid, &err) < 0) {
        ag_api_fail(req, err);
        return false;
    }
    return true;
}

/* ERR (which is freed) is of the parameter NAME. */
static void fail_parameter(ag_request *req, const char *name, argo_error *err)
{
    argo_error *blamed = NULL;
    ag_error_field(&blamed, argo_error_code(err), name, "%s", argo_error_details(err));
    argo_error_free(err);
    ag_api_fail(req, blamed);
}

bool ag_api_epoch(ag_request *req, int64_t *out_epoch)
{
    argo_error *err = NULL;
    const char *text = ag_request_header(req, "X-Argo-Epoch");
    int r = text == NULL ? ag_error_set(&err, ARGO_E_INVALID,
                                        "X-Argo-Epoch: expected the epoch of the executor")
                         : ag_parse_i64(text, "X-Argo-Epoch", 1, INT64_MAX, out_epoch, &err);
    if (r < 0) {
        fail_parameter(req, "X-Argo-Epoch", err);
        return false;
    }
    return true;
}

bool ag_api_query_int(ag_request *req, const char *name, int64_t min, int64_t max, int64_t fallback,
                      int64_t *out)
{
    argo_error *err = NULL;
    const char *text = ag_request_query(req, name);
    *out = fallback;
    if (text != NULL && ag_parse_i64(text, name, min, max, out, &err) < 0) {
        fail_parameter(req, name, err);
        return false;
    }
    return true;
}

bool ag_api_query_bool(ag_request *req, const char *name, bool *out)
{
    const char *text = ag_request_query(req, name);
    if (text == NULL) {
        return true;
    }
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        argo_error *err = NULL;
        ag_error_field(&err, ARGO_E_INVALID, name, "%s is '%s', expected true or false", name,
                       text);
        ag_api_fail(req, err);
        return false;
    }
    *out = text[0] == 't';
    return true;
}

bool ag_api_query_timeout(ag_request *req, int64_t *out_ms)
{
    argo_error *err = NULL;
    const char *text = ag_request_query(req, "timeout");
    double seconds = 0;
    if (text != NULL && ag_parse_double(text, "timeout", 0, 86400, &seconds, &err) < 0) {
        fail_parameter(req, "timeout", err);
        return false;
    }
    double limit = ag_request_is_unix(req) ? 600 : 30;
    *out_ms = (int64_t)((seconds < limit ? seconds : limit) * 1000);
    return true;
}

/* ---- encoding ------------------------------------------------------------------------------------ */

ag_value *ag_api_run_reply(const struct ag_api_call *call)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "workflow_id", ag_value_text(ag_request_param(call->req, "id")));
    if (call->action != NULL) {
        ag_value_set(reply, "action", ag_value_text(call->action));
    }
    ag_envelope_finish(reply, NULL);
    return reply;
}

void ag_api_reply_run(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, ag_api_run_reply(call));
}

int ag_api_list_add(struct ag_api_list *list, const struct ag_record *record, const void *item)
{
    ag_record_write(record, item, &list->items);
    list->n++;
    return list->items.failed != 0;
}

int ag_api_list_add_value(struct ag_api_list *list, ag_value *item)
{
    if (item == NULL) {
        ag_buf_fail(&list->items, ARGO_E_NOMEM);
    }
    ag_json_value(&list->items, item);
    ag_value_unref(item);
    list->n++;
    return list->items.failed != 0;
}

void ag_api_list_write(const struct ag_api_list *list, const char *key, struct ag_buf *reply)
{
    ag_json_key(reply, key);
    ag_json_open(reply, '[');
    ag_json_written(reply, &list->items);
    ag_json_close(reply, ']');
}

void ag_api_list_write_data(int64_t count, const char *next, struct ag_buf *reply)
{
    ag_envelope_write_data(reply);
    ag_json_key(reply, "count");
    ag_json_int(reply, count);
    ag_json_key(reply, "next_cursor");
    ag_json_text(reply, next);
}

void ag_api_list_reply(ag_request *req, const char *key, struct ag_api_list *list, const char *next)
{
    struct ag_buf reply = AG_API_BUF;
    ag_json_open(&reply, '{');
    ag_api_list_write(list, key, &reply);
    ag_api_list_write_data(list->n, next, &reply);
    ag_envelope_write_end(&reply);
    ag_api_list_free(list);
    ag_request_reply_json(req, 200, &reply);
}

void ag_api_list_free(struct ag_api_list *list)
{
    ag_buf_free(&list->items);
}

int ag_api_read_run(struct argo_daemon *daemon, int64_t rid, struct ag_run *out, argo_error **err)
{
    int found = ag_store_run_by_rid(daemon->store, rid, out, err);
    return found != 0
               ? found
               : ag_error_set(err, ARGO_E_NO_WORKFLOW, "The workflow does not exist any more");
}
