/*
 * Reply envelopes: success, error, problem+json, and reading an error back.
 *
 * The sole owner of the keys of the envelope. It decides no status and sends nothing.
 */
#include "wire/envelope.h"

#include <stdio.h>
#include <string.h>

#include "wire/json.h"

static ag_value *sane(const char *text)
{
    return ag_value_text_sane(text, strlen(text));
}

ag_value *ag_envelope_success(void)
{
    AG_AUTO(ag_value) reply = ag_value_object();
    return ag_value_set(reply, "status", ag_value_text("success")) == 0 ? ag_take(reply) : NULL;
}

int ag_envelope_finish(ag_value *reply, ag_value *data)
{
    return ag_value_set(reply, "data", data != NULL ? data : ag_value_object());
}

void ag_envelope_write_success(struct ag_buf *out)
{
    ag_json_open(out, '{');
    ag_json_key(out, "status");
    ag_json_text(out, "success");
}

void ag_envelope_write_data(struct ag_buf *out)
{
    ag_json_key(out, "data");
    ag_json_open(out, '{');
}

void ag_envelope_write_end(struct ag_buf *out)
{
    ag_json_close(out, '}');
    ag_json_close(out, '}');
}

/* What is empty is not known either: the file of a text that was sent along, the path of the whole. */
static int set_known(ag_value *object, const char *key, const char *text)
{
    return text == NULL || text[0] == '\0' ? 0 : ag_value_set(object, key, sane(text));
}

static int set_place(ag_value *object, const char *key, unsigned number)
{
    return number == 0 ? 0 : ag_value_set(object, key, ag_value_int(number));
}

static ag_value *problem_value(const struct argo_problem *problem)
{
    AG_AUTO(ag_value) object = ag_value_object();
    int rc = set_known(object, "file", problem->file);
    rc = rc != 0 ? rc : set_known(object, "path", problem->path);
    rc = rc != 0 ? rc : set_place(object, "line", problem->line);
    rc = rc != 0 ? rc : set_place(object, "column", problem->column);
    rc = rc != 0 ? rc : set_known(object, "message", problem->message);
    rc = rc != 0 ? rc : set_known(object, "expected", problem->expected);
    rc = rc != 0 ? rc : set_known(object, "nearest", problem->nearest);
    return rc == 0 ? ag_take(object) : NULL;
}

/* "field" and "problems", which both shapes of an error share. */
static int set_blame(ag_value *object, const argo_error *error)
{
    int rc = set_known(object, "field", argo_error_field(error));
    size_t n = argo_error_problem_count(error);
    if (rc != 0 || n == 0) {
        return rc;
    }
    AG_AUTO(ag_value) problems = ag_value_array();
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = ag_value_append(problems, problem_value(argo_error_problem(error, i)));
    }
    return rc != 0 ? rc : ag_value_set(object, "problems", ag_take(problems));
}

ag_value *ag_envelope_error(const argo_error *error)
{
    AG_AUTO(ag_value) reply = ag_value_object();
    AG_AUTO(ag_value) inner = ag_value_object();
    int rc = ag_value_set(inner, "code", ag_value_int(argo_error_wire_code(error)));
    rc = rc != 0 ? rc : ag_value_set(inner, "message", sane(argo_error_message(error)));
    rc = rc != 0 ? rc : ag_value_set(inner, "details", sane(argo_error_details(error)));
    rc = rc != 0 ? rc : set_blame(inner, error);
    rc = rc != 0 ? rc : ag_value_set(reply, "status", ag_value_text("error"));
    rc = rc != 0 ? rc : ag_value_set(reply, "error", ag_take(inner));
    return rc == 0 ? ag_take(reply) : NULL;
}

ag_value *ag_envelope_problem(const argo_error *error)
{
    char type[32];
    snprintf(type, sizeof(type), "urn:argo:error:%d", argo_error_wire_code(error));

    AG_AUTO(ag_value) reply = ag_value_object();
    int rc = ag_value_set(reply, "type", ag_value_text(type));
    rc = rc != 0 ? rc : ag_value_set(reply, "title", sane(argo_error_message(error)));
    rc = rc != 0 ? rc : ag_value_set(reply, "status", ag_value_int(argo_error_http_status(error)));
    rc = rc != 0 ? rc : ag_value_set(reply, "detail", sane(argo_error_details(error)));
    rc = rc != 0 ? rc : ag_value_set(reply, "code", ag_value_int(argo_error_wire_code(error)));
    rc = rc != 0 ? rc : set_blame(reply, error);
    return rc == 0 ? ag_take(reply) : NULL;
}

static unsigned read_place(const ag_value *object, const char *key)
{
    int64_t n = ag_value_get_int(object, key, 0);
    return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

static int read_problems(const ag_value *problems, int code, argo_error **err)
{
    for (size_t i = 0; i < ag_value_size(problems); i++) {
        const ag_value *v = ag_value_at(problems, i);
        struct argo_problem problem = {
            .file = ag_value_get_text(v, "file", NULL),
            .path = ag_value_get_text(v, "path", NULL),
            .line = read_place(v, "line"),
            .column = read_place(v, "column"),
            .message = ag_value_get_text(v, "message", NULL),
            .expected = ag_value_get_text(v, "expected", NULL),
            .nearest = ag_value_get_text(v, "nearest", NULL),
        };
        code = ag_error_add_problem(err, code, &problem);
    }
    return code;
}

int ag_envelope_read_error(const char *text, size_t len, int http_status, argo_error **err)
{
    AG_AUTO(ag_value) reply = NULL;
    (void)ag_value_parse(text, len, &reply, NULL);
    const ag_value *inner = ag_value_get(reply, "error");
    int64_t wire_code = ag_value_get_int(inner, "code", 0);
    if (wire_code < 1000 || wire_code > 9999) {
        return ag_error_set(err, ARGO_E_PROTOCOL, "HTTP status %d without an error of Argo",
                            http_status);
    }
    int code = ag_error_from_wire(err, (int)wire_code, ag_value_get_text(inner, "details", ""),
                                  ag_value_get_text(inner, "field", NULL));
    /* Without ERR there is nothing to add the problems to. */
    return err == NULL ? code : read_problems(ag_value_get(inner, "problems"), code, err);
}
