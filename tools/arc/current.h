/*
 * The workflow that commands without an ID are about: ARGO_WORKFLOW, else what `arc switch` has
 * chosen in this terminal session.
 */
#ifndef ARC_CURRENT_H
#define ARC_CURRENT_H

#include "arc.h"

/* NULL: none. The caller frees it. */
char *arc_current(struct arc *arc);
/* ID NULL: none from now on. -1 with errno. */
int arc_current_set(struct arc *arc, const char *id);
/* Puts it first in WORDS, where an ID is missing or is "."; says on stderr which it is. 0, or an
 * exit code. */
int arc_current_fill(struct arc *arc, struct arc_list *words, size_t min);

#endif
