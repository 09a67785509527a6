/*
 * Errors: one object, one table of codes.
 *
 * Every fallible function returns 0 or a documented positive outcome on success and one of
 * `enum argo_code` (negative) on failure; its last parameter, which may be NULL, receives the
 * details. The caller owns the object and frees it with argo_error_free().
 *
 * Thread-safety: an argo_error belongs to one thread at a time. Nothing here is global.
 */
#ifndef ARGO_ERROR_H
#define ARGO_ERROR_H

#include <argo/macros.h>

ARGO_BEGIN_DECLS

typedef struct argo_error argo_error;

/* Codes never change their number. The wire code and HTTP status of each: docs/errors.md. */
enum argo_code {
    ARGO_OK = 0,
    ARGO_E_INVALID = -1,      /* 1001 */
    ARGO_E_JSON = -2,         /* 1002 */
    ARGO_E_ID = -3,           /* 1003 */
    ARGO_E_NO_TEMPLATE = -4,  /* 1004 */
    ARGO_E_NO_WORKFLOW = -5,  /* 1005 */
    ARGO_E_NO_CI = -6,        /* 1006 */
    ARGO_E_EXISTS = -7,       /* 1007 */
    ARGO_E_STATE = -8,        /* 1008 */
    ARGO_E_TEMPLATE = -9,     /* 1009 */
    ARGO_E_FENCED = -10,      /* 1010 */
    ARGO_E_ANSWERED = -11,    /* 1011 */
    ARGO_E_KEY_REUSED = -12,  /* 1012 */
    ARGO_E_ANSWER = -13,      /* 1013 */
    ARGO_E_UNTRUSTED = -14,   /* 1014 */
    ARGO_E_NO_KEY = -15,      /* 1015 */
    ARGO_E_NO_QUESTION = -16, /* 1016 */
    ARGO_E_NO_SESSION = -17,  /* 1017 */
    ARGO_E_NO_TOKEN = -18,    /* 1101 */
    ARGO_E_DENIED = -19,      /* 1102 */
    ARGO_E_ORIGIN = -20,      /* 1103 */
    ARGO_E_TOO_LARGE = -21,   /* 1201 */
    ARGO_E_MEDIA_TYPE = -22,  /* 1202 */
    ARGO_E_WAITERS = -23,     /* 1203 */
    ARGO_E_QUOTA = -24,       /* 1204 */
    ARGO_E_NO_ROUTE = -25,    /* 1205 */
    ARGO_E_METHOD = -26,      /* 1206 */
    ARGO_E_SPAWN = -27,       /* 1301 */
    ARGO_E_SIGNAL = -28,      /* 1302 */
    ARGO_E_STORE = -29,       /* 1303 */
    ARGO_E_SHUTDOWN = -30,    /* 1304 */
    ARGO_E_INTERNAL = -31,    /* 1399 */
    /* Local to a process; a daemon that meets one of these replies 1399. */
    ARGO_E_NOMEM = -40,
    ARGO_E_SYSTEM = -41,
    ARGO_E_TIMEOUT = -42,
    ARGO_E_CANCELLED = -43,
    ARGO_E_NO_DAEMON = -44,
    ARGO_E_PROTOCOL = -45,
    ARGO_E_LOCKED = -46,
    ARGO_E_CORRUPT = -47,
    ARGO_E_PROVIDER = -48,
    ARGO_E_WOULDBLOCK = -49
};

/* One of several things that are wrong with an input, each with its place. Strings are owned by
 * the error object and may be NULL; line and column are 0 when unknown. */
struct argo_problem {
    const char *file;
    const char *path;
    unsigned line;
    unsigned column;
    const char *message;
    const char *expected;
    const char *nearest;
};

/* Frees ERR; NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_error_free(argo_error *err);

/* The code, one of `enum argo_code`; ARGO_OK for NULL. Since: 0.1 */
ARGO_PUBLIC int argo_error_code(const argo_error *err);

/* The number on the wire (1001...), and the HTTP status. Since: 0.1 */
ARGO_PUBLIC int argo_error_wire_code(const argo_error *err);
ARGO_PUBLIC int argo_error_http_status(const argo_error *err);

/* The table's short text, and what happened this time. Owned by ERR, never NULL; details may be
 * the empty string. Since: 0.1 */
ARGO_PUBLIC const char *argo_error_message(const argo_error *err);
ARGO_PUBLIC const char *argo_error_details(const argo_error *err);

/* The field to blame, or NULL. Owned by ERR. Since: 0.1 */
ARGO_PUBLIC const char *argo_error_field(const argo_error *err);

/* The problems of an input that was checked as a whole (templates). Since: 0.1 */
ARGO_PUBLIC size_t argo_error_problem_count(const argo_error *err);
ARGO_PUBLIC const struct argo_problem *argo_error_problem(const argo_error *err, size_t index);

/* The table's text, wire code and HTTP status for a code. Static; never NULL. Since: 0.1 */
ARGO_PUBLIC const char *argo_code_message(int code);
ARGO_PUBLIC int argo_code_wire(int code);
ARGO_PUBLIC int argo_code_http_status(int code);

ARGO_END_DECLS

#endif
