/*
 * The checks of a template, every problem at once. A mistake is one problem: what follows from
 * it is not reported.
 */
#ifndef AG_TEMPLATE_CHECK_H
#define AG_TEMPLATE_CHECK_H

#include "template/outline.h"

/* More problems than these are counted, not listed. */
#define AG_MAX_PROBLEMS 1000

struct ag_found;

struct ag_check {
    const char *file; /* may be NULL */
    const ag_source *source;
    const struct ag_outline *outline;
    struct ag_found *found;
    size_t n_found, cap_found, not_listed;
    bool failed;              /* no memory */
    size_t step;              /* the step that is looked at, or AG_NO_STEP */
    bool own_sets;            /* what the step sets counts as set (`until`) */
    const ag_value *names;    /* the declared parameters, an object, or NULL */
    bool names_unknown;       /* there are some, but they cannot be told */
    const ag_value *personas; /* an object, or NULL */
    const ag_map *cis;        /* those that may be named; NULL: any */
};

/* Adds a problem at NODE. EXPECTED and NEAREST may be NULL; all texts are copied. */
void ag_check_problem(struct ag_check *c, const struct ag_node *node, const char *expected,
                      const char *nearest, const char *format, ...) ARGO_PRINTF(5, 6);
/* The same for a use of VARIABLE, which no step sets: a step that saves to a name that cannot
 * be told may explain it, then it is not reported. */
void ag_check_unknown_variable(struct ag_check *c, const struct ag_node *node,
                               const char *variable);
/* Hands what was found to *ERR, in the order of the text: ARGO_E_TEMPLATE, or 0 for nothing. */
int ag_check_finish(struct ag_check *c, argo_error **err);
void ag_check_clear(struct ag_check *c);

/* check.c: an object and its members against the tables. */
void ag_check_object(struct ag_check *c, const struct ag_node *node, struct ag_key_sets sets);
/* The steps of a list: names, types, members. */
void ag_check_steps(struct ag_check *c, const struct ag_node *list);
/* check_values.c: one member against its key. */
void ag_check_value(struct ag_check *c, const struct ag_node *node, const struct ag_key *key);
/* The value must be of TYPE; reports if not. */
bool ag_check_type(struct ag_check *c, const struct ag_node *node, enum argo_type type,
                   const char *expected);
/* check_text.c: the languages within texts. */
void ag_check_text(struct ag_check *c, const struct ag_node *node);
void ag_check_any(struct ag_check *c, const struct ag_node *node); /* every text in it */
void ag_check_expr(struct ag_check *c, const struct ag_node *node);
void ag_check_pattern(struct ag_check *c, const struct ag_node *node, const struct ag_key *key);
/* check_asking.c: schemas, and what the members of a step that asks say together. */
void ag_check_schema(struct ag_check *c, const struct ag_node *node, const struct ag_key *key);
void ag_check_asking(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets,
                     const struct ag_step_type *type);
/* check_around.c: parameters and personas. */
void ag_check_parameters(struct ag_check *c, const struct ag_node *node, const struct ag_key *key);
void ag_check_personas(struct ag_check *c, const struct ag_node *node, const struct ag_key *key);
void ag_check_persona(struct ag_check *c, const struct ag_node *node);
/* A CI that is named literally must be known. */
void ag_check_ci(struct ag_check *c, const struct ag_node *node);

/* "one of a, b, c" from the words. Caller frees; NULL without memory. */
char *ag_words_list(const char *const *words);
bool ag_words_have(const char *const *words, const char *word);
const char *ag_words_nearest(const char *const *words, const char *word);

#endif
