/*
 * The guard: what is refused before any route, decided from the raw head of a request alone.
 * Pure functions without a server, so that every line can be tested by itself.
 */
#ifndef AG_HTTPD_GUARD_H
#define AG_HTTPD_GUARD_H

#include "base/error.h"

struct ag_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* One request as it came: nothing is decoded yet. */
struct ag_guard_head {
    const char *version;
    const char *target;
    size_t target_len;
    const struct ag_header *headers;
    size_t n_headers;
};

struct ag_guard_rules {
    uint16_t port;            /* that Host must name; 0: a UNIX socket, any port goes */
    const char *const *hosts; /* further names, NULL-terminated, or NULL */
    size_t body_max;
};

/* Every line of the contract's guard but those on the body's content. HAS_BODY tells whether one
 * was announced. Errors: ARGO_E_INVALID, ARGO_E_ORIGIN, ARGO_E_TOO_LARGE. */
int ag_guard_head(const struct ag_guard_head *head, const struct ag_guard_rules *rules,
                  bool *has_body, argo_error **err);

/* libmicrohttpd cuts the block [METHOD, METHOD + SIZE) up in place. Whether the pieces it reports
 * account for every byte: what does not is a NUL, a bare LF or CR, a folded line, a line without a
 * name or a blank before the colon, all of which it swallows silently. */
bool ag_guard_block(const char *method, size_t size, const char *url,
                    const struct ag_guard_head *head);

/* "application/json", with or without parameters. NULL is not. */
bool ag_guard_is_json(const char *content_type);

struct ag_pair {
    const char *name;
    const char *value;
};

/* A decoded target. PATH and the pairs' texts lie in one allocation, `text`. */
struct ag_target {
    char *text;
    const char *path;
    struct ag_pair *query;
    size_t n_query;
};

/* Splits and decodes: bad escapes, %00, %2f in the path, text that is not UTF-8, and anything
 * that does not begin with "/" are ARGO_E_INVALID (an absolute URI: ARGO_E_ORIGIN). */
int ag_target_parse(const char *raw, size_t len, struct ag_target *out, argo_error **err);
void ag_target_clear(struct ag_target *target);
const char *ag_target_query(const struct ag_target *target, const char *name);

#endif
