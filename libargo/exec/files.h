/*
 * What the file steps and commands share: paths that count from the run's directory.
 */
#ifndef AG_EXEC_FILES_H
#define AG_EXEC_FILES_H

#include "exec/step.h"

/* PATH below the run's directory, or as it is when absolute. Caller frees; NULL without memory. */
char *ag_strand_path(const struct ag_strand *s, const char *path);
/* How many bytes of TEXT (UTF-8) have a JSON text of at most AG_MAX_VALUE bytes. */
size_t ag_text_fits(const char *text, size_t len);

#endif
