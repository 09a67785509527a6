/*
 * A form on the terminal: asked field by field, a line for each; or answered in the first line by
 * one JSON object. The daemon makes values of the lines and checks them.
 */
#ifndef ARC_FORM_H
#define ARC_FORM_H

#include "arc.h"

struct arc_form;

/* Of a question that outlives it; NULL when it has no fields, or without memory. */
struct arc_form *arc_form_new(const argo_value *question);
/* All its fields, a line for each. */
void arc_form_describe(const argo_value *question);
/* What an answer looks like, {"name":...}: with what is required, or, when nothing is, with all. The
 * caller's; NULL without memory. */
char *arc_form_example(const argo_value *question);
void arc_form_free(struct arc_form *form);
/* Shows what the next field is. The prompt for it is the form's; *SECRET: type it unseen. */
const char *arc_form_show(struct arc_form *form, bool *secret);
/* Takes a line for that field. True when the form can be sent. */
bool arc_form_take(struct arc_form *form, const char *line);
/* The answer as JSON, the caller's; NULL without memory. */
char *arc_form_answer(const struct arc_form *form);
/* Says what the daemon does not take, and asks for that again; for everything when it does not say. */
void arc_form_again(struct arc_form *form, const argo_error *err);

#endif
