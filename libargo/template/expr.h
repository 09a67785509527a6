/*
 * The condition language and the substitution of {{...}}, as docs/expressions.md describes them.
 * Total: no calls out, no loops; evaluation is bounded by the length of the text.
 */
#ifndef AG_TEMPLATE_EXPR_H
#define AG_TEMPLATE_EXPR_H

#include "wire/value.h"

typedef struct ag_expr ag_expr;

/* Where names are looked up: first the builtins (workflow_id, step, now ...), then the
 * variables. A leading "context." means the variables. Both are objects, or NULL. */
struct ag_scope {
    const ag_value *builtins;
    const ag_value *variables;
};

/* Errors are ARGO_E_INVALID with "at character N: ... expected ...". TEXT at most 8 KiB, nested
 * at most 64 deep. */
int ag_expr_compile(const char *text, ag_expr **out, argo_error **err);
void ag_expr_free(ag_expr *e);
/* Evaluates. A path that is not set is null. Type errors (1 + {}) and a regex limit that is
 * exceeded are ARGO_E_INVALID and say which operator and what it got. *OUT is a new reference. */
int ag_expr_eval(const ag_expr *e, const struct ag_scope *scope, ag_value **out, argo_error **err);
/* Truth: false, null, 0, "", "false", "no", "0", empty array and object are false. */
int ag_expr_test(const ag_expr *e, const struct ag_scope *scope, bool *out, argo_error **err);
/* Calls FN for each path used, without "context." and a last ".length" ("context.a.b" -> "a.b");
 * stops and returns what FN returns when that is not 0. */
int ag_expr_paths(const ag_expr *e, int (*fn)(const char *path, void *user), void *user);

/* Text with {{expr | filter | ...}} (and {name}, {a.b} of original templates, left as they are
 * when no such variable exists) replaced in one pass; values are never expanded again.
 * A {{path}} that is not set is an error unless a default(...) filter follows. Filters: json trim
 * lines default("x") length upper lower. At most AG_MAX_VALUE bytes result: ARGO_E_TOO_LARGE. */
int ag_subst_text(const char *text, const struct ag_scope *scope, char **out, argo_error **err);
/* Replaces in every string of V (not in keys). A string that is exactly one {{...}} becomes the
 * value itself, with its type. *OUT is a new value. */
int ag_subst_value(const ag_value *v, const struct ag_scope *scope, ag_value **out,
                   argo_error **err);
/* Syntax check without values; FN as in ag_expr_paths, for the {{...}} only; DEFAULTED tells
 * that a default filter follows. */
int ag_subst_check(const char *text, int (*fn)(const char *path, bool defaulted, void *user),
                   void *user, argo_error **err);

AG_DEFINE_AUTO(ag_expr, ag_expr_free)

#endif
