/*
 * Making errors. Every function takes `argo_error **err`, which may be NULL, and returns the
 * code, so that a failure is one line: return ag_error_set(err, ARGO_E_ID, "…", …).
 * An error that is already in *err is replaced (and freed).
 */
#ifndef AG_BASE_ERROR_H
#define AG_BASE_ERROR_H

#include <assert.h>

#include <argo/error.h>

#include "base/macros.h"

AG_DEFINE_AUTO(argo_error, argo_error_free)

int ag_error_set(argo_error **err, int code, const char *details, ...) ARGO_PRINTF(3, 4);
int ag_error_set_v(argo_error **err, int code, const char *details, va_list ap) ARGO_PRINTF(3, 0);

/* ARGO_E_SYSTEM with "details: strerror(errnum)". */
int ag_error_errno(argo_error **err, int errnum, const char *details, ...) ARGO_PRINTF(3, 4);

/* ARGO_E_NOMEM: a static, immutable object; allocates nothing. */
int ag_error_nomem(argo_error **err);

/* As ag_error_set, and names the field that is to blame. */
int ag_error_field(argo_error **err, int code, const char *field, const char *details, ...)
    ARGO_PRINTF(4, 5);

/* Lets the compiler and its analyser see at every call that a failure is never 0. */
static inline int ag_error_negative(int code)
{
    assert(code < 0);
    return code;
}

#define ag_error_set(...)   ag_error_negative(ag_error_set(__VA_ARGS__))
#define ag_error_errno(...) ag_error_negative(ag_error_errno(__VA_ARGS__))
#define ag_error_nomem(err) ag_error_negative(ag_error_nomem(err))
#define ag_error_field(...) ag_error_negative(ag_error_field(__VA_ARGS__))

/* Prefixes "context: " to the details; used where an error crosses a module. Returns its code. */
int ag_error_wrap(argo_error **err, const char *context, ...) ARGO_PRINTF(2, 3);

/* Rebuilds an error that came over the wire: CODE is looked up by its wire number. */
int ag_error_from_wire(argo_error **err, int wire_code, const char *details, const char *field);

/* Adds a problem (all strings are copied) to *ERR, which is created with CODE when it is NULL. */
int ag_error_add_problem(argo_error **err, int code, const struct argo_problem *problem);

/* Moves the error from SRC to DST (frees what DST held). SRC becomes NULL. */
void ag_error_move(argo_error **dst, argo_error **src);

/* A deep copy; the static out-of-memory object when there is no memory. NULL for NULL. */
argo_error *ag_error_copy(const argo_error *err);

/* "message: details", or "message" alone: one line for a log. Caller frees; NULL without memory. */
char *ag_error_text(const argo_error *err);

/* The symbol's name, e.g. "NO_WORKFLOW", for logs and tests. Static. */
const char *ag_code_name(int code);

#endif
