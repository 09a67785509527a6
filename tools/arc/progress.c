/*
 * The line is drawn when a step has taken half a second, and then once a second.
 */
#include "progress.h"

#include <string.h>
#include <time.h>

#include "terminal.h"
#include "width.h"

enum { SHOW_AFTER_MS = 500, TICK_MS = 1000, WIDTH_UNKNOWN = 80, TEXT_MIN = 12 };

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the step does, or until when it waits; "" when neither is known. */
static char *activity(const argo_value *event)
{
    char time[ARC_TIME_SIZE];
    const char *until = argo_value_text(event, "data.until", NULL);
    if (until == NULL) {
        return arc_format("%s", argo_value_text(event, "data.doing", ""));
    }
    arc_time_local(until, time);
    return arc_format("until %.*s", (int)strcspn(time, "("), time); /* how far away it is changes */
}

/* "[3/7] review (try 2): asking gpt" */
static char *describe(const argo_value *event)
{
    char place[64] = "";
    char attempt[32] = "";
    int64_t total = argo_value_int(event, "data.total_steps", 0);
    int64_t n = argo_value_int(event, "data.attempt", 1);
    arc_auto_free char *does = activity(event);
    if (total > 0) {
        snprintf(place, sizeof(place), "[%lld/%lld] ",
                 (long long)argo_value_int(event, "data.current_step", 0), (long long)total);
    }
    if (n > 1) {
        snprintf(attempt, sizeof(attempt), " (try %lld)", (long long)n);
    }
    arc_auto_free char *text =
        arc_format("%s%s%s%s%s", place, argo_value_text(event, "text", ""), attempt,
                   does != NULL && *does != '\0' ? ": " : "", does != NULL ? does : "");
    return arc_clean_text(text, 1);
}

void arc_progress_begin(struct arc_progress *p, const argo_value *event)
{
    arc_progress_end(p);
    p->text = describe(event);
    p->since = arc_time_ms(argo_value_text(event, "at", NULL));
    p->timed = argo_value_text(event, "data.until", NULL) != NULL;
    if (!p->redraws && p->text != NULL) {
        fflush(stdout);
        fprintf(stderr, "%s\n", p->text);
    }
}

void arc_progress_hide(struct arc_progress *p)
{
    size_t width = arc_terminal_width();
    if (p->columns == 0) {
        return;
    }
    /* The window may have become narrower, and the line longer than that. */
    size_t rows = width == 0 ? 0 : (p->columns - 1) / width;
    if (rows > 0) {
        printf("\033[%zuA", rows);
    }
    fputs("\r\033[J", stdout);
    fflush(stdout);
    p->columns = 0;
    free(p->drawn);
    p->drawn = NULL;
}

void arc_progress_end(struct arc_progress *p)
{
    arc_progress_hide(p);
    free(p->text);
    p->text = NULL;
}

static void draw(struct arc_progress *p, char *line)
{
    arc_progress_hide(p);
    printf("%s%s%s", p->colour ? "\033[2m" : "", line, p->colour ? "\033[0m" : "");
    fflush(stdout);
    p->columns = arc_text_width(line);
    p->drawn = line;
}

/* The text and the time, cut so that there is room for that; NULL without memory. */
static char *line_of(const struct arc_progress *p, int64_t taken)
{
    char span[ARC_TIME_SIZE] = "";
    size_t width = arc_terminal_width();
    size_t room = (width == 0 ? WIDTH_UNKNOWN : width) - 1;
    if (!p->timed && taken >= TICK_MS) {
        arc_time_span(taken, span);
    }
    const char *between = *span == '\0' ? "" : MB_CUR_MAX > 1 ? " \xe2\x80\xa6 " : " ... ";
    arc_auto_free char *end = arc_format("%s%s", between, span);
    if (end == NULL || arc_text_width(p->text) + arc_text_width(end) <= room) {
        return end == NULL ? NULL : arc_format("%s%s", p->text, end);
    }
    size_t last = *span == '\0' || strlen(span) + TEXT_MIN > room ? 0 : strlen(span) + 1;
    arc_auto_free char *text = arc_text_cut(p->text, room - last);
    return text == NULL ? NULL
                        : arc_format("%s%s%s", text, last > 0 ? " " : "", last > 0 ? span : "");
}

int arc_progress_show(struct arc_progress *p)
{
    if (!p->redraws || p->text == NULL) {
        return -1;
    }
    int64_t taken = wall_ms() - p->since;
    taken = taken < 0 ? 0 : taken;
    if (taken < SHOW_AFTER_MS) {
        return (int)(SHOW_AFTER_MS - taken);
    }
    char *line = line_of(p, taken);
    if (line != NULL && (p->drawn == NULL || strcmp(line, p->drawn) != 0)) {
        draw(p, line);
    } else {
        free(line);
    }
    return p->timed ? -1 : (int)(TICK_MS - taken % TICK_MS);
}
