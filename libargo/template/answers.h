/*
 * Answers as steps describe them: the schema that `validate` of user_ask and `fields` of form stand
 * for, and the value that a text stands for. What asks and who answers is known elsewhere.
 */
#ifndef AG_TEMPLATE_ANSWERS_H
#define AG_TEMPLATE_ANSWERS_H

#include "template/schema.h"

/* RULES are those of `validate`, or NULL; *OUT is a new schema, or NULL when there are none. */
int ag_answer_schema(const ag_value *rules, ag_value **out, argo_error **err);
/* FIELDS as in a form; what they are named, they are as members of the answer. */
int ag_form_schema(const ag_value *fields, ag_value **out, argo_error **err);
/* Whether a member of the form is not to be shown (`writeOnly`). */
bool ag_form_is_secret(const ag_value *schema);
bool ag_form_name_valid(const char *name); /* [A-Za-z_][A-Za-z0-9_]*, at most 64 bytes */

/* What GIVEN stands for where SCHEMA (or NULL) wants something: a text may be a number, a truth, one
 * of an enumeration, or JSON, unless text itself is wanted. Everything else, and what stands for
 * nothing wanted, stays as it is. A new reference, NULL without memory. */
ag_value *ag_answer_typed(const ag_value *schema, const ag_value *given);
/* A form's answer as it counts: with the defaults of the members that are missing, and each as
 * ag_answer_typed has it. */
int ag_form_fill(const ag_value *schema, const ag_value *given, ag_value **out, argo_error **err);

#endif
