/*
 * Request paths: arguments are percent-encoded, so that none of them can end a segment or start
 * a query.
 */
#include <string.h>

#include "base/buf.h"
#include "client/client.h"

#define PATH_MAX_BYTES ((size_t)64 * 1024)

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static void add_encoded(struct ag_buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (unreserved(*p)) {
            ag_buf_add_char(out, *p);
        } else {
            ag_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
}

char *ag_client_path_v(const char *format, va_list ap)
{
    ag_auto_buf out = AG_BUF_INIT(PATH_MAX_BYTES);
    const char *p = format;
    for (const char *hole = strstr(p, "{}"); hole != NULL; hole = strstr(p, "{}")) {
        const char *argument = va_arg(ap, const char *);
        ag_buf_add(&out, p, (size_t)(hole - p));
        add_encoded(&out, argument != NULL ? argument : "");
        p = hole + 2;
    }
    ag_buf_add_text(&out, p);
    return ag_buf_take(&out);
}

char *ag_client_path(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *path = ag_client_path_v(format, ap);
    va_end(ap);
    return path;
}
