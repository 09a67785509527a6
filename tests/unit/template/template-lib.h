/*
 * What the tests of whole templates share: loading, and the list of problems as text.
 */
#ifndef TESTS_TEMPLATE_LIB_H
#define TESTS_TEMPLATE_LIB_H

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "lib/runner.h"
#include "template/template.h"

static inline ag_template *must_load(const char *text)
{
    ag_template *t = NULL;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_template_load("t.json", text, strlen(text), &t, &err);
    const struct argo_problem *p =
        argo_error_problem_count(err) > 0 ? argo_error_problem(err, 0) : NULL;
    ck_assert_msg(rc == 0, "%s: line %u, %s: %s", argo_error_details(err), p != NULL ? p->line : 0,
                  p != NULL ? p->path : "", p != NULL ? p->message : "");
    return t;
}

/* "path: message\n" of every problem. Caller frees. */
static inline char *problems_of(const char *text)
{
    ag_template *t = NULL;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_buf b = AG_BUF_INIT(1024 * 1024);
    int rc = ag_template_load("t", text, strlen(text), &t, &err);
    ag_buf_add_text(&b, "");
    ck_assert_msg(rc == 0 || rc == ARGO_E_TEMPLATE, "%d: %s", rc, argo_error_details(err));
    ck_assert((rc == 0) == (t != NULL));
    ag_template_free(t);
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        ck_assert_str_eq(p->file, "t");
        ck_assert_uint_gt(p->line, 0);
        ck_assert_uint_gt(p->column, 0);
        ag_buf_printf(&b, "%s: %s\n", p->path, p->message);
    }
    return ag_buf_take(&b);
}

#endif
