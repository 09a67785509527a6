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

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The largest unit that gives at least one. */
static void in_one_unit(int64_t seconds, char *buf)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

    size_t i = 0;
    while (i < 3 && seconds < units[i].seconds) {
        i++;
    }
    snprintf(buf, ARC_TIME_SIZE, "%lld %s", (long long)(seconds / units[i].seconds), units[i].name);
}

const char *arc_time_ago(const char *text, char buf[ARC_TIME_SIZE])
{
    int64_t then = arc_time_ms(text);
    buf[0] = '\0';
    if (then >= 0) {
        int64_t ago = (now_ms() - then) / 1000;
        in_one_unit(ago < 0 ? 0 : ago, buf);
        strcat(buf, " ago");
    }
    return buf;
}

const char *arc_time_local(const char *text, char buf[ARC_TIME_SIZE])
{
    int64_t then = arc_time_ms(text);
    buf[0] = '\0';
    if (then >= 0) {
        struct tm tm;
        char ago[ARC_TIME_SIZE];
        time_t seconds = then / 1000;
        localtime_r(&seconds, &tm);
        size_t n = strftime(buf, ARC_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
        if (then > now_ms()) {
            return buf;
        }
        snprintf(buf + n, ARC_TIME_SIZE - n, " (%.32s)", arc_time_ago(text, ago));
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
    int64_t ms = end - start;
    if (ms < 60000) {
        snprintf(buf, ARC_TIME_SIZE, "%.*f s", ms < 10000 ? 1 : 0, (double)ms / 1000);
    } else if (ms < 3600000) {
        snprintf(buf, ARC_TIME_SIZE, "%d min %d s", (int)(ms / 60000), (int)(ms / 1000 % 60));
    } else {
        snprintf(buf, ARC_TIME_SIZE, "%lld h %d min", (long long)(ms / 3600000),
                 (int)(ms / 60000 % 60));
    }
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
