/*
 * What the tests of expressions share: variables from JSON, and one outcome as text: the result
 * as compact JSON, or "error: " and the details.
 */
#ifndef TESTS_UNIT_TEMPLATE_EXPR_LIB_H
#define TESTS_UNIT_TEMPLATE_EXPR_LIB_H

#include <string.h>

#include "base/text.h"
#include "lib/runner.h"
#include "template/expr.h"

static inline ag_value *json(const char *text)
{
    ag_value *v = NULL;
    argo_error *err = NULL;
    int rc = ag_value_parse(text, strlen(text), &v, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, argo_error_details(err));
    return v;
}

static inline char *outcome(int rc, ag_value *v, argo_error *err)
{
    char *text =
        rc == 0 ? ag_value_print(v, NULL) : ag_asprintf("error: %s", argo_error_details(err));
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(rc, argo_error_code(err));
    ag_value_unref(v);
    argo_error_free(err);
    return text;
}

static inline char *evaluate(const char *text, const struct ag_scope *scope)
{
    AG_AUTO(ag_expr) e = NULL;
    ag_value *v = NULL;
    argo_error *err = NULL;
    int rc = ag_expr_compile(text, &e, &err);
    rc = rc < 0 ? rc : ag_expr_eval(e, scope, &v, &err);
    return outcome(rc, v, err);
}

static inline char *substitute(const char *text, const struct ag_scope *scope)
{
    argo_error *err = NULL;
    char *out = NULL;
    int rc = ag_subst_text(text, scope, &out, &err);
    return rc == 0 ? out : outcome(rc, NULL, err);
}

#endif
