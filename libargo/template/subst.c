/*
 * {{...}} and {name} in texts and JSON values, replaced in one pass: what has been put in is
 * never read again. Runs nothing and keeps nothing.
 */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "template/program.h"
#include "wire/records.h"

/* One substitution, of a text or of a whole value; the limits are for all of it. */
struct subst {
    const struct ag_scope *scope;
    int64_t steps; /* of patterns */
    size_t left;   /* bytes that may still be produced */
    argo_error **err;
};

static int take_bytes(struct subst *s, size_t n)
{
    if (n > s->left) {
        return ag_error_set(s->err, ARGO_E_TOO_LARGE, "the text would be longer than %d bytes",
                            AG_MAX_VALUE);
    }
    s->left -= n;
    return 0;
}

static int add(struct subst *s, struct ag_buf *out, const char *text, size_t len)
{
    int rc = take_bytes(s, len);
    if (rc == 0 && ag_buf_add(out, text, len) < 0) {
        rc = ag_error_nomem(s->err);
    }
    return rc;
}

static int add_value(struct subst *s, struct ag_buf *out, const ag_value *v)
{
    ag_auto_free char *shown = ag_value_display(v);
    return shown == NULL ? ag_error_nomem(s->err) : add(s, out, shown, strlen(shown));
}

/* TEXT + AT is at "{{"; *END is behind "}}". */
static int eval_hole(struct subst *s, const char *text, size_t at, size_t *end, ag_value **out)
{
    AG_AUTO(ag_expr) e = NULL;
    int rc = ag_expr_compile_hole(text, at + 2, &e, end, s->err);
    return rc < 0 ? rc : ag_expr_run(e, s->scope, &s->steps, out, s->err);
}

/* TEXT is at a single "{": the variable's value, or NULL when it stays as it is. */
static int eval_brace(struct subst *s, const char *text, size_t *len, ag_value **out)
{
    size_t n = ag_lexer_path(text + 1);
    if (n == 0 || n > AG_EXPR_MAX_PATH || text[n + 1] != '}') {
        return 0;
    }
    ag_auto_free char *path = ag_strndup(text + 1, n);
    if (path == NULL) {
        return ag_error_nomem(s->err);
    }
    *len = n + 2;
    int rc = ag_scope_lookup(s->scope, path, out, NULL);
    return rc == ARGO_E_NOMEM ? ag_error_nomem(s->err) : 0;
}

/* The next "{" of TEXT from AT on, or its end. */
static size_t next_brace(const char *text, size_t at)
{
    return at + strcspn(text + at, "{");
}

static int subst_into(struct subst *s, const char *text, struct ag_buf *out)
{
    size_t at = 0;
    int rc = 0;
    while (rc == 0) {
        size_t brace = next_brace(text, at);
        rc = add(s, out, text + at, brace - at);
        if (rc < 0 || text[brace] == '\0') {
            return rc;
        }
        AG_AUTO(ag_value) v = NULL;
        size_t len = 1;
        at = brace + 1;
        if (text[brace + 1] == '{') {
            rc = eval_hole(s, text, brace, &at, &v);
        } else {
            rc = eval_brace(s, text + brace, &len, &v);
            at = v != NULL ? brace + len : at;
        }
        if (rc == 0) {
            rc = v != NULL ? add_value(s, out, v) : add(s, out, "{", 1);
        }
    }
    return rc;
}

static int check_utf8(const char *text, argo_error **err)
{
    return ag_utf8_valid(text, strlen(text))
               ? 0
               : ag_error_set(err, ARGO_E_INVALID, "the text is not UTF-8");
}

static struct subst subst_start(const struct ag_scope *scope, argo_error **err)
{
    return (struct subst){
        .scope = scope, .steps = AG_REGEX_STEPS, .left = AG_MAX_VALUE, .err = err};
}

int ag_subst_text(const char *text, const struct ag_scope *scope, char **out, argo_error **err)
{
    struct subst s = subst_start(scope, err);
    ag_auto_buf b = AG_BUF_INIT(AG_MAX_VALUE);
    int rc = check_utf8(text, err);
    rc = rc < 0 ? rc : subst_into(&s, text, &b);
    if (rc < 0) {
        return rc;
    }
    char *result = b.len == 0 ? ag_strdup("") : ag_buf_take(&b);
    if (result == NULL) {
        return ag_error_nomem(err);
    }
    *out = result;
    return 0;
}

/* ---- values -------------------------------------------------------------------------------- */

static bool nested_within(const ag_value *v, int levels)
{
    bool ok = levels >= 0;
    struct ag_value_iter it = {0};
    while (ok && ag_value_size(v) > 0 && ag_value_next(v, &it)) {
        ok = nested_within(it.value, levels - 1);
    }
    return ok;
}

/* A copy, so that no two variables share what a later step changes. */
static int whole_value(struct subst *s, const ag_value *v, int level, ag_value **out)
{
    if (!nested_within(v, AG_JSON_DEPTH - level)) {
        return ag_error_set(s->err, ARGO_E_INVALID, "the value would be nested deeper than %d",
                            AG_JSON_DEPTH);
    }
    size_t len = 0;
    ag_auto_free char *printed = ag_value_print(v, &len);
    if (printed == NULL) {
        return ag_error_nomem(s->err);
    }
    int rc = take_bytes(s, len);
    return rc < 0 ? rc : ag_expr_result(ag_value_copy(v), out, s->err);
}

static int subst_string(struct subst *s, const char *text, int level, ag_value **out)
{
    if (ag_starts_with(text, "{{")) {
        AG_AUTO(ag_value) v = NULL;
        size_t end = 0;
        int rc = eval_hole(s, text, 0, &end, &v);
        if (rc < 0) {
            return rc;
        }
        if (text[end] == '\0') {
            return whole_value(s, v, level, out);
        }
    }
    ag_auto_buf b = AG_BUF_INIT(AG_MAX_VALUE);
    int rc = subst_into(s, text, &b);
    return rc < 0 ? rc : ag_expr_result(ag_value_text_n(ag_buf_text(&b), b.len), out, s->err);
}

static int subst_any(struct subst *s, const ag_value *v, int level, ag_value **out);

/* Says which member an error is in. */
static int member_failed(struct subst *s, const struct ag_value_iter *it, int rc)
{
    if (it->key != NULL) {
        ag_error_wrap(s->err, "'%s'", it->key);
    } else {
        ag_error_wrap(s->err, "element %zu", it->index);
    }
    return rc;
}

static int subst_members(struct subst *s, const ag_value *v, int level, ag_value **out)
{
    bool object = ag_value_is(v, ARGO_TYPE_OBJECT);
    AG_AUTO(ag_value) copy = object ? ag_value_object() : ag_value_array();
    if (copy == NULL) {
        return ag_error_nomem(s->err);
    }
    struct ag_value_iter it = {0};
    while (ag_value_next(v, &it)) {
        ag_value *child = NULL;
        int rc = subst_any(s, it.value, level + 1, &child);
        if (rc < 0) {
            return member_failed(s, &it, rc);
        }
        rc = object ? ag_value_set(copy, it.key, child) : ag_value_append(copy, child);
        if (rc < 0) {
            return ag_error_nomem(s->err);
        }
    }
    *out = ag_take(copy);
    return 0;
}

static int subst_any(struct subst *s, const ag_value *v, int level, ag_value **out)
{
    const char *text = ag_value_as_text(v);
    if (text != NULL) {
        return subst_string(s, text, level, out);
    }
    if (!ag_value_is(v, ARGO_TYPE_ARRAY) && !ag_value_is(v, ARGO_TYPE_OBJECT)) {
        return ag_expr_result(ag_value_copy(v), out, s->err);
    }
    if (level == AG_JSON_DEPTH) {
        return ag_error_set(s->err, ARGO_E_INVALID, "the value is nested deeper than %d",
                            AG_JSON_DEPTH);
    }
    return subst_members(s, v, level, out);
}

int ag_subst_value(const ag_value *v, const struct ag_scope *scope, ag_value **out,
                   argo_error **err)
{
    struct subst s = subst_start(scope, err);
    return subst_any(&s, v, 0, out);
}

/* ---- checking ------------------------------------------------------------------------------ */

struct checker {
    int (*fn)(const char *path, bool defaulted, void *user);
    void *user;
    bool defaulted;
};

static int report(const char *path, void *user)
{
    const struct checker *c = user;
    return c->fn(path, c->defaulted, c->user);
}

int ag_subst_check(const char *text, int (*fn)(const char *path, bool defaulted, void *user),
                   void *user, argo_error **err)
{
    int rc = check_utf8(text, err);
    size_t at = next_brace(text, 0);
    while (rc == 0 && text[at] != '\0') {
        size_t end = at + 1;
        if (text[end] == '{') {
            AG_AUTO(ag_expr) e = NULL;
            rc = ag_expr_compile_hole(text, at + 2, &e, &end, err);
            if (rc == 0 && fn != NULL) {
                struct checker c = {.fn = fn, .user = user, .defaulted = e->defaulted};
                rc = ag_expr_paths(e, report, &c);
            }
        }
        at = next_brace(text, end);
    }
    return rc;
}
