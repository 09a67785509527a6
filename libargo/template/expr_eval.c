/*
 * The stack machine that evaluates a compiled expression, and the look-up of names. Each
 * operation runs at most once, so the length of the text bounds the work. What the operators do
 * is in expr_ops.c and filter.c.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "template/program.h"

/* ---- names --------------------------------------------------------------------------------- */

static ag_value *find(const struct ag_scope *scope, const char *path)
{
    if (ag_starts_with(path, "context.")) {
        return ag_value_path_get(scope->variables, path + strlen("context."));
    }
    ag_value *v = ag_value_path_get(scope->builtins, path);
    return v != NULL ? v : ag_value_path_get(scope->variables, path);
}

int ag_scope_lookup(const struct ag_scope *scope, const char *path, ag_value **out,
                    argo_error **err)
{
    ag_value *v = find(scope, path);
    const char *dot = strrchr(path, '.');
    if (v == NULL && ag_streq(dot, ".length")) {
        ag_auto_free char *owner = ag_strndup(path, (size_t)(dot - path));
        if (owner == NULL) {
            return ag_error_nomem(err);
        }
        v = find(scope, owner);
        if (v != NULL && !ag_value_is(v, ARGO_TYPE_NULL)) {
            return ag_expr_length(v, out, err);
        }
        v = NULL;
    }
    *out = ag_value_ref(v);
    return 0;
}

bool ag_value_truth(const ag_value *v)
{
    switch (ag_value_type(v)) {
    case ARGO_TYPE_NULL:
        return false;
    case ARGO_TYPE_BOOL:
        return ag_value_as_bool(v);
    case ARGO_TYPE_INT:
        return ag_value_as_int(v) != 0;
    case ARGO_TYPE_REAL:
        return ag_value_as_real(v) < 0 || ag_value_as_real(v) > 0;
    case ARGO_TYPE_TEXT: {
        const char *text = ag_value_as_text(v);
        return *text != '\0' && !ag_streq(text, "false") && !ag_streq(text, "no") &&
               !ag_streq(text, "0");
    }
    case ARGO_TYPE_ARRAY:
    case ARGO_TYPE_OBJECT:
        return ag_value_size(v) > 0;
    }
    return false;
}

/* ---- the machine --------------------------------------------------------------------------- */

struct machine {
    const struct ag_scope *scope;
    int64_t *steps;
    ag_value **stack; /* owned references */
    size_t top;
    argo_error **err;
};

/* Replaces the N topmost values by V, which it takes over. */
static void replace(struct machine *m, size_t n, ag_value *v)
{
    assert(m->top >= n);
    while (n-- > 0) {
        ag_value_unref(m->stack[--m->top]);
    }
    m->stack[m->top++] = v;
}

static int run_path(struct machine *m, const struct ag_op *op)
{
    ag_value *v = NULL;
    int rc = ag_scope_lookup(m->scope, op->path, &v, m->err);
    if (rc == 0 && v == NULL && op->required) {
        return ag_error_set(m->err, ARGO_E_INVALID, "variable '%s' is not set", op->path);
    }
    if (rc == 0 && v == NULL) {
        rc = ag_expr_result(ag_value_null(), &v, m->err);
    }
    if (rc == 0) {
        replace(m, 0, v);
    }
    return rc;
}

/* *NEXT moves behind the right side when the left side decides. */
static int run_decision(struct machine *m, const struct ag_op *op, size_t *next)
{
    bool yes = ag_value_truth(m->stack[m->top - 1]);
    ag_value_unref(m->stack[--m->top]);
    if (yes != (op->code == AG_OP_OR)) {
        return 0;
    }
    ag_value *v = NULL;
    int rc = ag_expr_result(ag_value_bool(yes), &v, m->err);
    if (rc == 0) {
        replace(m, 0, v);
        *next = op->skip;
    }
    return rc;
}

static int run_binary(struct machine *m, const struct ag_op *op)
{
    size_t n = op->regex != NULL ? 1 : 2;
    ag_value **args = m->stack + m->top - n;
    ag_value *v = NULL;
    int rc = ag_expr_binary(op, args[0], n == 2 ? args[1] : NULL, m->steps, &v, m->err);
    if (rc == 0) {
        replace(m, n, v);
    }
    return rc;
}

static int run_unary(struct machine *m, const struct ag_op *op)
{
    const ag_value *arg = m->stack[m->top - 1];
    ag_value *v = NULL;
    int rc = 0;
    if (op->code == AG_OP_TRUTH || op->code == AG_OP_NOT) {
        rc = ag_expr_result(ag_value_bool(ag_value_truth(arg) == (op->code == AG_OP_TRUTH)), &v,
                            m->err);
    } else if (op->code == AG_OP_NEGATE) {
        rc = ag_expr_negate(arg, &v, m->err);
    } else {
        rc = ag_expr_filter(op, arg, &v, m->err);
    }
    if (rc == 0) {
        replace(m, 1, v);
    }
    return rc;
}

static int run_op(struct machine *m, const struct ag_op *op, size_t *next)
{
    if (op->code == AG_OP_LITERAL) {
        replace(m, 0, ag_value_ref(op->value));
        return 0;
    }
    if (op->code == AG_OP_PATH) {
        return run_path(m, op);
    }
    if (op->code == AG_OP_OR || op->code == AG_OP_AND) {
        return run_decision(m, op, next);
    }
    bool binary = op->code >= AG_OP_EQ && op->code <= AG_OP_MOD;
    return binary ? run_binary(m, op) : run_unary(m, op);
}

static int run_all(struct machine *m, const ag_expr *e)
{
    for (size_t i = 0, next = 0; i < e->n_ops; i = next) {
        next = i + 1;
        int rc = run_op(m, &e->ops[i], &next);
        if (rc == ARGO_E_NOMEM) {
            return rc;
        }
        if (rc < 0) {
            ag_error_wrap(m->err, "at character %zu",
                          1 + ag_lexer_characters(e->text, e->ops[i].offset));
            return rc;
        }
    }
    return 0;
}

int ag_expr_run(const ag_expr *e, const struct ag_scope *scope, int64_t *steps, ag_value **out,
                argo_error **err)
{
    struct machine m = {.scope = scope, .steps = steps, .err = err};
    m.stack = calloc(e->n_ops, sizeof(ag_value *));
    if (m.stack == NULL) {
        return ag_error_nomem(err);
    }
    int rc = run_all(&m, e);
    if (rc == 0) {
        assert(m.top == 1);
        *out = m.stack[--m.top];
    }
    while (m.top > 0) {
        ag_value_unref(m.stack[--m.top]);
    }
    free(m.stack);
    return rc;
}

int ag_expr_eval(const ag_expr *e, const struct ag_scope *scope, ag_value **out, argo_error **err)
{
    int64_t steps = AG_REGEX_STEPS;
    return ag_expr_run(e, scope, &steps, out, err);
}

int ag_expr_test(const ag_expr *e, const struct ag_scope *scope, bool *out, argo_error **err)
{
    AG_AUTO(ag_value) v = NULL;
    int rc = ag_expr_eval(e, scope, &v, err);
    if (rc == 0) {
        *out = ag_value_truth(v);
    }
    return rc;
}
