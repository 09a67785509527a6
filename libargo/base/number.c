/*
 * Strict numbers and durations. Nothing here depends on the locale: a host program may have set
 * one whose decimal point is a comma.
 */
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "base/text.h"

#define DURATION_MAX_DAYS 36500 /* a century: larger ones are mistakes, and sums never overflow */

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

int ag_parse_i64(const char *text, const char *what, int64_t min, int64_t max, int64_t *out,
                 argo_error **err)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t n = count_digits(digits);
    errno = 0;
    long long value = n > 0 && digits[n] == '\0' ? strtoll(text, NULL, 10) : (errno = EINVAL, 0);
    if (errno != 0 || value < min || value > max) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected a whole number from %lld to %lld, not \"%.64s\"", what,
                            (long long)min, (long long)max, text);
    }
    *out = value;
    return 0;
}

int ag_parse_u16(const char *text, const char *what, uint16_t *out, argo_error **err)
{
    int64_t value = 0;
    int rc = ag_parse_i64(text, what, 0, UINT16_MAX, &value, err);
    if (rc == 0) {
        *out = (uint16_t)value;
    }
    return rc;
}

/* The length of the decimal number (JSON's form, no exponent) at the start of TEXT, 0 for none. */
static size_t decimal_length(const char *text)
{
    size_t sign = text[0] == '-' ? 1 : 0;
    size_t whole = count_digits(text + sign);
    size_t len = sign + whole;
    if (whole == 0) {
        return 0;
    }
    if (text[len] == '.') {
        size_t fraction = count_digits(text + len + 1);
        len = fraction > 0 ? len + 1 + fraction : 0;
    }
    return len;
}

static size_t exponent_length(const char *text)
{
    if (text[0] != 'e' && text[0] != 'E') {
        return 0;
    }
    size_t sign = text[1] == '+' || text[1] == '-' ? 1 : 0;
    size_t digits = count_digits(text + 1 + sign);
    return digits > 0 ? 1 + sign + digits : 0;
}

static int to_double(const char *text, double *out, argo_error **err)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return ag_error_nomem(err);
    }
    *out = strtod_l(text, NULL, c_locale); /* stops where the number ends */
    freelocale(c_locale);
    return 0;
}

int ag_parse_double(const char *text, const char *what, double min, double max, double *out,
                    argo_error **err)
{
    size_t len = decimal_length(text);
    double value = 0;
    if (len > 0) {
        len += exponent_length(text + len);
    }
    bool ok = len > 0 && text[len] == '\0';
    if (ok && to_double(text, &value, err) < 0) {
        return ARGO_E_NOMEM;
    }
    if (!ok || !(value >= min && value <= max)) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected a number from %g to %g, not \"%.64s\"", what, min, max,
                            text);
    }
    *out = value;
    return 0;
}

/* Seconds in the unit that SUFFIX names; 0: not a unit. */
static int unit_seconds(const char *suffix)
{
    static const struct {
        const char *name;
        int seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

    for (size_t i = 0; i < AG_ARRAY_SIZE(units); i++) {
        if (strcmp(suffix, units[i].name) == 0) {
            return units[i].seconds;
        }
    }
    return 0;
}

int ag_parse_duration_ms(const char *text, const char *what, int64_t *out, argo_error **err)
{
    size_t len = text[0] != '-' ? decimal_length(text) : 0;
    int unit = len > 0 ? unit_seconds(text + len) : 0;
    double value = 0;
    if (unit > 0 && to_double(text, &value, err) < 0) {
        return ARGO_E_NOMEM;
    }
    double seconds = value * unit;
    if (unit == 0 || seconds > DURATION_MAX_DAYS * 86400.0) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected seconds, or a number with s, m, h or d, of at most %d "
                            "days, not \"%.64s\"",
                            what, DURATION_MAX_DAYS, text);
    }
    *out = (int64_t)(seconds * 1000 + 0.5);
    return 0;
}
