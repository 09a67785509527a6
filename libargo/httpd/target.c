/*
 * The target of a request: split into path and query, and decoded by our own rules, because
 * libmicrohttpd's would turn "%00" into an end and "%2f" into a separator.
 */
#include <string.h>

#include "base/text.h"
#include "httpd/guard.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes TEXT in place; it never grows. */
static int decode(char *text, bool is_path, argo_error **err)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        int c = (unsigned char)*from;
        if (c == '+' && !is_path) {
            c = ' ';
        } else if (c == '%') {
            int high = hex_digit(from[1]);
            int low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0) {
                return ag_error_set(err, ARGO_E_INVALID, "the target has a bad percent escape");
            }
            c = high * 16 + low;
            from += 2;
            if (c == 0 || (is_path && (c == '/' || c < 0x20 || c == 0x7f))) {
                return ag_error_set(err, ARGO_E_INVALID, "the target has a forbidden escape");
            }
        }
        *to++ = (char)c;
    }
    *to = '\0';
    if (!ag_utf8_valid(text, (size_t)(to - text))) {
        return ag_error_set(err, ARGO_E_INVALID, "the target is not UTF-8");
    }
    return 0;
}

static int parse_query(char *query, struct ag_target *out, argo_error **err)
{
    size_t n = 1;
    for (const char *p = query; (p = strchr(p, '&')) != NULL; p++) {
        n++;
    }
    out->query = calloc(n, sizeof(*out->query));
    if (out->query == NULL) {
        return ag_error_nomem(err);
    }
    for (char *part; (part = strsep(&query, "&")) != NULL;) {
        char *name = strsep(&part, "=");
        char *value = part != NULL ? part : name + strlen(name);
        int rc = decode(name, false, err);
        if (rc == 0) {
            rc = decode(value, false, err);
        }
        if (rc < 0) {
            return rc;
        }
        if (*name != '\0') {
            out->query[out->n_query++] = (struct ag_pair){name, value};
        }
    }
    return 0;
}

int ag_target_parse(const char *raw, size_t len, struct ag_target *out, argo_error **err)
{
    *out = (struct ag_target){0};
    if (len == 0 || raw[0] != '/') {
        bool absolute = len > 0 && memmem(raw, len, "://", 3) != NULL;
        return ag_error_set(err, absolute ? ARGO_E_ORIGIN : ARGO_E_INVALID,
                            "the target must be a path that begins with /");
    }
    out->text = ag_strndup(raw, len);
    if (out->text == NULL) {
        return ag_error_nomem(err);
    }
    char *query = out->text;
    out->path = strsep(&query, "?");
    int rc = decode(out->text, true, err);
    if (rc == 0 && query != NULL) {
        rc = parse_query(query, out, err);
    }
    if (rc < 0) {
        ag_target_clear(out);
    }
    return rc;
}

void ag_target_clear(struct ag_target *target)
{
    free(target->text);
    free(target->query);
    *target = (struct ag_target){0};
}

const char *ag_target_query(const struct ag_target *target, const char *name)
{
    for (size_t i = 0; i < target->n_query; i++) {
        if (ag_streq(target->query[i].name, name)) {
            return target->query[i].value;
        }
    }
    return NULL;
}
