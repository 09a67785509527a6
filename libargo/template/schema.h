/*
 * JSON Schemas of answers: a subset of JSON Schema, draft 2020-12 (docs/answers.md has its words).
 * What it does not know is refused when the schema is checked, never passed over. Knows nothing of
 * questions.
 *
 * No message repeats a part of the value that was checked: it may be a secret. Names of its members
 * are in the paths, unless the check is told that they are secret too.
 */
#ifndef AG_TEMPLATE_SCHEMA_H
#define AG_TEMPLATE_SCHEMA_H

#include "template/source.h"

enum {
    AG_SCHEMA_DEPTH = 64,          /* schemas within schemas */
    AG_SCHEMA_MAX = 64 * 1024,     /* bytes of a schema, printed */
    AG_SCHEMA_STEPS = 1000 * 1000, /* of checking one value; about 0.1 s. Patterns have their own */
    AG_SCHEMA_PROBLEMS = 100       /* more are not listed */
};

/* Told of everything that is wrong. WHERE is a member that may be missing; EXPECTED and NEAREST may
 * be NULL; all are borrowed. */
typedef void (*ag_schema_problem_fn)(const struct ag_node *where, const char *message,
                                     const char *expected, const char *nearest, void *user);

/* Whether the value of NODE is a schema: 0, 1 when FN has been told why not, or ARGO_E_NOMEM. */
int ag_schema_check_node(const struct ag_node *node, ag_schema_problem_fn fn, void *user,
                         argo_error **err);
/* The same, all problems in one ARGO_E_INVALID; its field, and the first part of every path, is
 * NAME. */
int ag_schema_check(const char *name, const ag_value *schema, argo_error **err);

/* Whether VALUE fits SCHEMA, which has been checked. Everything that does not is in one ARGO_E_ANSWER,
 * with NAME as above. SECRET: names that the schema does not know are not told either. */
int ag_schema_validate(const ag_value *schema, const char *name, const ag_value *value, bool secret,
                       argo_error **err);

/* The types that SCHEMA allows, by its `type`, else by its `enum` or `const`, as bits
 * 1 << enum argo_type; 0 when it does not say. A number is AG_SCHEMA_NUMBER, an integer alone
 * 1 << ARGO_TYPE_INT. */
#define AG_SCHEMA_NUMBER (1U << ARGO_TYPE_REAL | 1U << ARGO_TYPE_INT)
unsigned ag_schema_types(const ag_value *schema);

#endif
