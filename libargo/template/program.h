/*
 * A compiled expression: operations in postfix order for a stack machine, so that neither
 * evaluation nor release recurses, however long the text is. Internal to template/expr*.c.
 */
#ifndef AG_TEMPLATE_PROGRAM_H
#define AG_TEMPLATE_PROGRAM_H

#include "template/expr.h"
#include "template/lexer.h"
#include "template/regex.h"

struct ag_op {
    enum ag_op_code code;
    bool required;   /* PATH: not set is an error, not null */
    size_t offset;   /* in the text, for messages */
    size_t skip;     /* OR, AND: where to go on when the left side decides */
    ag_value *value; /* LITERAL, DEFAULT */
    char *path;      /* PATH */
    ag_regex *regex; /* MATCHES with a literal pattern: the right side is not on the stack */
};

struct ag_expr {
    const char *text; /* OWN_TEXT, or borrowed by a hole while its text lives */
    char *own_text;
    struct ag_op *ops;
    size_t n_ops, capacity;
    bool defaulted; /* a hole with a default filter */
};

/* Compiles the {{...}} whose expression begins at OFFSET of TEXT, which must outlive it.
 * *END is behind the closing braces. */
int ag_expr_compile_hole(const char *text, size_t offset, ag_expr **out, size_t *end,
                         argo_error **err);

/* As ag_expr_eval; STEPS as in ag_regex_test. */
int ag_expr_run(const ag_expr *e, const struct ag_scope *scope, int64_t *steps, ag_value **out,
                argo_error **err);

/* The value of PATH, `.length` included, or NULL (and 0) when it is not set. */
int ag_scope_lookup(const struct ag_scope *scope, const char *path, ag_value **out,
                    argo_error **err);
bool ag_value_truth(const ag_value *v);

/* One operation on values; messages without the position. B is NULL for a literal pattern. */
int ag_expr_binary(const struct ag_op *op, const ag_value *a, const ag_value *b, int64_t *steps,
                   ag_value **out, argo_error **err);
int ag_expr_negate(const ag_value *v, ag_value **out, argo_error **err);
int ag_expr_filter(const struct ag_op *op, const ag_value *v, ag_value **out, argo_error **err);
int ag_expr_length(const ag_value *v, ag_value **out, argo_error **err);

/* The code for a filter's name, AG_OP_LITERAL when there is none. */
enum ag_op_code ag_filter_find(const char *name, size_t len);
const char *ag_filter_names(void);
/* 0 and *OUT, or ARGO_E_NOMEM when V is NULL. */
int ag_expr_result(ag_value *v, ag_value **out, argo_error **err);

#endif
