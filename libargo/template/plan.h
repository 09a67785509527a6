/*
 * The plan: the steps of a template that has been found free of mistakes.
 */
#ifndef AG_TEMPLATE_PLAN_H
#define AG_TEMPLATE_PLAN_H

#include "template/outline.h"
#include "template/template.h"

/* One plan step for each of the outline's. */
int ag_plan_build(const struct ag_outline *o, struct ag_plan_step **out, argo_error **err);
void ag_plan_free(struct ag_plan_step *steps, size_t n);
#define AG_DURATION_MAX_MS (INT64_C(3650) * 24 * 3600 * 1000)

/* A checked duration in ms; FALLBACK when there is none. */
int64_t ag_plan_duration_ms(const ag_value *v, int64_t fallback);

#endif
