/*
 * Times on the wire: RFC 3339 to and from milliseconds since the epoch. It reads no clock.
 */
#include <string.h>
#include <time.h>

#include "base/text.h"

/* 0000-01-01 and the last millisecond of 9999: what four digits of year can say. */
#define TIME_MIN_MS (-62167219200000)
#define TIME_MAX_MS 253402300799999

/* Writes exactly DIGITS digits and the character AFTER; the end. */
static char *put_field(char *to, int digits, char after, int value)
{
    for (int i = digits; i-- > 0; value /= 10) {
        to[i] = (char)('0' + value % 10);
    }
    to[digits] = after;
    return to + digits + 1;
}

const char *ag_time_format(int64_t ms, char buf[AG_TIME_SIZE])
{
    ms = ms < TIME_MIN_MS ? TIME_MIN_MS : ms > TIME_MAX_MS ? TIME_MAX_MS : ms;
    int milli = (int)(ms % 1000);
    if (milli < 0) {
        milli += 1000;
    }
    time_t seconds = (time_t)((ms - milli) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char *to = put_field(buf, 4, '-', tm.tm_year + 1900);
    to = put_field(to, 2, '-', tm.tm_mon + 1);
    to = put_field(to, 2, 'T', tm.tm_mday);
    to = put_field(to, 2, ':', tm.tm_hour);
    to = put_field(to, 2, ':', tm.tm_min);
    to = put_field(to, 2, '.', tm.tm_sec);
    to = put_field(to, 3, 'Z', milli);
    *to = '\0';
    return buf;
}

/* Reads exactly DIGITS digits and the character AFTER ('\0': anything may follow). */
static bool read_field(const char **p, int digits, char after, int min, int max, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *p += digits;
    if (after != '\0' && *(*p)++ != after) {
        return false;
    }
    *out = value;
    return value >= min && value <= max;
}

/* ".123456": what is finer than a millisecond is cut off. */
static bool read_fraction(const char **p, int *milli)
{
    *milli = 0;
    if (**p != '.') {
        return true;
    }
    const char *digits = *p + 1;
    size_t n = strspn(digits, "0123456789");
    int scale = 100;
    for (size_t i = 0; i < n && scale > 0; i++) {
        *milli += (digits[i] - '0') * scale;
        scale /= 10;
    }
    *p = digits + n;
    return n > 0;
}

/* "Z" or "+hh:mm", up to the end of the text. */
static bool read_zone(const char *p, int *offset_minutes)
{
    *offset_minutes = 0;
    if ((*p == 'Z' || *p == 'z') && p[1] == '\0') {
        return true;
    }
    int sign = *p == '+' ? 1 : *p == '-' ? -1 : 0;
    int hours = 0;
    int minutes = 0;
    if (sign == 0) {
        return false;
    }
    p++;
    if (!read_field(&p, 2, ':', 0, 23, &hours) || !read_field(&p, 2, '\0', 0, 59, &minutes)) {
        return false;
    }
    *offset_minutes = sign * (hours * 60 + minutes);
    return *p == '\0';
}

static bool read_date(const char **p, struct tm *tm)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 0;
    int month = 0;
    if (!read_field(p, 4, '-', 0, 9999, &year) || !read_field(p, 2, '-', 1, 12, &month)) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int days = month_days[month - 1] + (month == 2 && leap ? 1 : 0);
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    return read_field(p, 2, '\0', 1, days, &tm->tm_mday);
}

static bool read_time(const char *p, int64_t *out_ms)
{
    struct tm tm = {0};
    int milli = 0;
    int offset_minutes = 0;
    if (!read_date(&p, &tm) || (*p != 'T' && *p != 't')) {
        return false;
    }
    p++;
    /* Second 60 is a leap second; it reads as the first of the next minute. */
    if (!read_field(&p, 2, ':', 0, 23, &tm.tm_hour) || !read_field(&p, 2, ':', 0, 59, &tm.tm_min) ||
        !read_field(&p, 2, '\0', 0, 60, &tm.tm_sec) || !read_fraction(&p, &milli) ||
        !read_zone(p, &offset_minutes)) {
        return false;
    }
    *out_ms = ((int64_t)timegm(&tm) - offset_minutes * 60) * 1000 + milli;
    return true;
}

int ag_time_parse(const char *text, const char *what, int64_t *out_ms, argo_error **err)
{
    int64_t ms = 0;
    if (!read_time(text, &ms)) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected a time such as 2026-01-31T12:00:00Z, not \"%.64s\"", what,
                            text);
    }
    *out_ms = ms;
    return 0;
}
