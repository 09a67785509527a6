/*
 * Workflow templates: from text to a checked, read-only plan. Runs nothing.
 *
 * Parsing keeps a position (line, column) for every JSON path, in JSON and in YAML. Loading
 * reports every problem at once: *err is ARGO_E_TEMPLATE with one problem each (file, JSON path,
 * line, column, message, expected, nearest).
 */
#ifndef AG_TEMPLATE_TEMPLATE_H
#define AG_TEMPLATE_TEMPLATE_H

#include "base/map.h"
#include "template/expr.h"
#include "template/step_table.h"
#include "wire/value.h"

typedef struct ag_template ag_template;

enum ag_on_error {
    AG_ON_ERROR_FAIL,
    AG_ON_ERROR_SKIP,
    AG_ON_ERROR_GOTO,
    AG_ON_ERROR_RETRY /* the retries of `retry`, or 3 when there are none; then fail */
};

enum ag_backoff { AG_BACKOFF_FIXED, AG_BACKOFF_LINEAR, AG_BACKOFF_EXPONENTIAL };

struct ag_retry {
    int64_t max_retries; /* 0: none */
    int64_t delay_ms, max_delay_ms;
    enum ag_backoff backoff;
    ag_value *on; /* array of error words (timeout, exit_code, ci, io ...), NULL: all */
};

/* A step of the plan. Owned by the template. */
struct ag_plan_step {
    const char *name; /* unique text; numeric ids are their decimal form */
    size_t number;    /* 1-based place */
    const struct ag_step_type *type;
    const ag_value *fields; /* the step's own members, aliases of keys replaced by the canonical */
    const char *next;       /* a step's name or "EXIT"; never NULL */
    const ag_expr *when, *until; /* or NULL */
    struct ag_retry retry;
    int64_t timeout_ms; /* 0: none */
    enum ag_on_error on_error;
    const char *on_error_target; /* for AG_ON_ERROR_GOTO */
    int64_t max_iterations;
    bool repeat_never;
};

/* TEXT is JSON when its first character that is not blank is `{`, else YAML. FILE is used in
 * messages and may be NULL. */
int ag_template_load(const char *file, const char *text, size_t len, ag_template **out,
                     argo_error **err);
/* The same where it is known which CIs there are: a step may name none but the keys of CIS. */
int ag_template_load_for(const char *file, const char *text, size_t len, const ag_map *cis,
                         ag_template **out, argo_error **err);
void ag_template_free(ag_template *t);

const char *ag_template_name(const ag_template *t);        /* workflow_name, as it was written */
const char *ag_template_description(const ag_template *t); /* or "" */
size_t ag_template_step_count(const ag_template *t);
const struct ag_plan_step *ag_template_step(const ag_template *t, size_t index);
const struct ag_plan_step *ag_template_find(const ag_template *t, const char *name);
int64_t ag_template_max_steps(const ag_template *t);  /* limits.max_steps */
int64_t ag_template_timeout_ms(const ag_template *t); /* limits.timeout, 0: none */
const ag_value *ag_template_limit(const ag_template *t, const char *key); /* limits.KEY or NULL */
/* Defaults of CI steps: "provider", "model", "persona", or NULL; and a persona as an object
 * {name, role, style, greeting, system} (NULL NAME: the default one), or NULL. */
const char *ag_template_default(const ag_template *t, const char *key);
const ag_value *ag_template_persona(const ag_template *t, const char *name);
/* The milliseconds of a duration that a step has made by itself: a number of seconds, or text
 * like "5m", up to 3650 days. WHAT names it in the message. */
int ag_template_span_ms(const ag_value *v, const char *what, int64_t *out, argo_error **err);
/* The declared parameters as an object, for listings; never NULL. */
const ag_value *ag_template_parameters(const ag_template *t);

/* Checks GIVEN (object or NULL) against the declared parameters and fills in the defaults. Text
 * is accepted for numbers and booleans ("-p n=3"). All problems at once: ARGO_E_INVALID with
 * problems. *OUT is a new object. */
int ag_template_resolve_parameters(const ag_template *t, const ag_value *given, ag_value **out,
                                   argo_error **err);

AG_DEFINE_AUTO(ag_template, ag_template_free)

#endif
