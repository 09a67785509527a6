/*
 * Times as people read them, and text built by printf.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "arc.h"

int64_t arc_time_ms(const char *text)
{
    struct tm tm = {0};
    const char *rest = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL) {
        return -1;
    }
    int64_t ms = 0;
    if (*rest == '.') {
        ms = (int64_t)(strtod(rest, NULL) * 1000);
    }
    return (int64_t)timegm(&tm) * 1000 + ms;
}

enum { DAY_S = 24 * 60 * 60 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The largest unit that gives at least one; ROUNDED to the nearest, else down. */
static void in_one_unit(int64_t seconds, bool rounded, char *buf)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{3600, "h"}, {60, "min"}, {1, "s"}};

    size_t i = 0;
    while (i < 2 && seconds < units[i].seconds) {
        i++;
    }
    snprintf(buf, ARC_TIME_SIZE, "%lld %s",
             (long long)((seconds + (rounded ? units[i].seconds / 2 : 0)) / units[i].seconds),
             units[i].name);
}

static void local_date(int64_t ms, char buf[ARC_TIME_SIZE])
{
    struct tm tm;
    time_t seconds = ms / 1000;
    localtime_r(&seconds, &tm);
    strftime(buf, ARC_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
}

const char *arc_time_ago(const char *text, char buf[ARC_TIME_SIZE])
{
    char span[ARC_TIME_SIZE];
    int64_t then = arc_time_ms(text);
    int64_t ago = (now_ms() - then) / 1000;
    buf[0] = '\0';
    if (then < 0) {
        return buf;
    }
    if (ago >= DAY_S || ago <= -DAY_S) {
        local_date(then, buf);
        *strrchr(buf, ':') = '\0';
    } else {
        in_one_unit(ago < 0 ? -ago : ago, ago < 0, span);
        snprintf(buf, ARC_TIME_SIZE, ago < 0 ? "in %.32s" : "%.32s ago", span);
    }
    return buf;
}

const char *arc_time_local(const char *text, char buf[ARC_TIME_SIZE])
{
    char ago[ARC_TIME_SIZE];
    int64_t then = arc_time_ms(text);
    buf[0] = '\0';
    if (then < 0) {
        return buf;
    }
    local_date(then, buf);
    arc_time_ago(text, ago);
    if (strncmp(buf, ago, strlen(ago)) != 0) { /* within a day: it adds something */
        size_t n = strlen(buf);
        snprintf(buf + n, ARC_TIME_SIZE - n, " (%.32s)", ago);
    }
    return buf;
}

const char *arc_time_span(int64_t ms, char buf[ARC_TIME_SIZE])
{
    if (ms < 60000) {
        snprintf(buf, ARC_TIME_SIZE, "%d s", (int)(ms / 1000));
    } else if (ms < 3600000) {
        snprintf(buf, ARC_TIME_SIZE, "%d min %d s", (int)(ms / 60000), (int)(ms / 1000 % 60));
    } else {
        snprintf(buf, ARC_TIME_SIZE, "%lld h %d min", (long long)(ms / 3600000),
                 (int)(ms / 60000 % 60));
    }
    return buf;
}

const char *arc_time_between(const char *from, const char *to, char buf[ARC_TIME_SIZE])
{
    int64_t start = arc_time_ms(from);
    int64_t end = arc_time_ms(to);
    buf[0] = '\0';
    if (start < 0 || end < start) {
        return buf;
    }
    if (end - start >= 10000) {
        return arc_time_span(end - start, buf);
    }
    snprintf(buf, ARC_TIME_SIZE, "%.1f s", (double)(end - start) / 1000);
    return buf;
}

size_t arc_terminal_width(void)
{
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

char *arc_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    return n < 0 ? NULL : text;
}
