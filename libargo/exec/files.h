/*
 * What steps that touch files or start programs share: paths that count from the run's directory,
 * and environments.
 */
#ifndef AG_EXEC_FILES_H
#define AG_EXEC_FILES_H

#include "exec/step.h"

/* PATH below the run's directory, or as it is when absolute. Caller frees; NULL without memory. */
char *ag_strand_path(const struct ag_strand *s, const char *path);
/* The environment of what the step starts, an object of texts: the run's, with the step's `env` over
 * it, and ARGO_WORKFLOW_ID and the like (environ.c). */
int ag_strand_environment(struct ag_strand *s, ag_value **out, argo_error **err);
/* How many bytes of TEXT (UTF-8) have a JSON text of at most AG_MAX_VALUE bytes. */
size_t ag_text_fits(const char *text, size_t len);

#endif
