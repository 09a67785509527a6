/*
 * The formats that are checked. A schema that names another one is refused.
 */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "template/schema_words.h"

static bool is_date_time(const char *text)
{
    int64_t ms = 0;
    return ag_time_parse(text, "time", &ms, NULL) == 0;
}

static bool is_date(const char *text)
{
    ag_auto_free char *midnight = ag_asprintf("%sT00:00:00Z", text);
    return midnight != NULL && strlen(text) == strlen("2026-01-31") && is_date_time(midnight);
}

/* Labels of letters, digits and inner hyphens, parted by dots. */
static bool is_host(const char *text)
{
    while (true) {
        size_t len = 0;
        while (isalnum((unsigned char)text[len]) || text[len] == '-') {
            len++;
        }
        if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-') {
            return false;
        }
        if (text[len] == '\0') {
            return true;
        }
        if (text[len] != '.') {
            return false;
        }
        text += len + 1;
    }
}

/* name@host; names in quotes and hosts as numbers are left out. */
static bool is_email(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-/=?^_`{|}~.";
    const char *at = strchr(text, '@');
    size_t len = at != NULL ? (size_t)(at - text) : 0;
    return len > 0 && len <= 64 && strspn(text, letters) == len && text[0] != '.' &&
           text[len - 1] != '.' && memmem(text, len, "..", 2) == NULL && is_host(at + 1);
}

/* With a scheme, of the characters of RFC 3986. */
static bool is_uri(const char *text)
{
    static const char others[] = "-._~:/?#[]@!$&'()*+,;=";
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (text[len] != '\0' && strchr("+-.", text[len]))) {
        len++;
    }
    if (!isalpha((unsigned char)text[0]) || text[len] != ':') {
        return false;
    }
    for (const char *p = text + len; *p != '\0'; p++) {
        bool escape = p[0] == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]);
        if (!escape && !isalnum((unsigned char)*p) && strchr(others, *p) == NULL) {
            return false;
        }
    }
    return true;
}

const struct ag_schema_format ag_schema_formats[] = {
    {"date", is_date, "a date such as 2026-01-31"},
    {"date-time", is_date_time, "a time such as 2026-01-31T12:00:00Z"},
    {"email", is_email, "an e-mail address"},
    {"uri", is_uri, "a URI with its scheme, such as https://example.org/"},
};
const size_t ag_schema_formats_count = AG_ARRAY_SIZE(ag_schema_formats);

const struct ag_schema_format *ag_schema_format_find(const char *name)
{
    for (size_t i = 0; i < ag_schema_formats_count; i++) {
        if (strcmp(ag_schema_formats[i].name, name) == 0) {
            return &ag_schema_formats[i];
        }
    }
    return NULL;
}
