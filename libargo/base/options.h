/*
 * Option structs of the public API: they begin with their size, which tells how much of one a
 * program knew when it was compiled. What an older one did not know keeps its default; what a newer
 * one knows beyond us is left alone.
 */
#ifndef AG_BASE_OPTIONS_H
#define AG_BASE_OPTIONS_H

#include <string.h>

#include "base/error.h"

/* Copies GIVEN (NULL: nothing) over OWN, which has SIZE bytes and the defaults. ARGO_E_INVALID when
 * GIVEN was not begun with its _INIT; the details name WHAT. */
static inline int ag_options_take(void *own, size_t size, const void *given, const char *what,
                                  argo_error **err)
{
    size_t known = 0;
    if (given == NULL) {
        return 0;
    }
    memcpy(&known, given, sizeof(known));
    if (known < sizeof(known)) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: expected them to begin as their _INIT", what);
    }
    memcpy(own, given, known < size ? known : size);
    return 0;
}

#endif
