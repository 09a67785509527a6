/*
 * The file: a line each, oldest first, with \n and \\ for newline and backslash. Lines are appended
 * by one write, so several arcs may do so; one that finds twice as many as are kept rewrites it.
 */
#include "history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arc.h"

static char *encode(const char *line)
{
    char *out = malloc(2 * strlen(line) + 2);
    size_t n = 0;
    for (; out != NULL && *line != '\0'; line++) {
        if (*line == '\n' || *line == '\\') {
            out[n++] = '\\';
        }
        out[n++] = *line == '\n' ? 'n' : *line;
    }
    if (out != NULL) {
        out[n++] = '\n';
        out[n] = '\0';
    }
    return out;
}

static void decode(char *line)
{
    char *out = line;
    for (; *line != '\0' && *line != '\n'; line++) {
        bool escaped = line[0] == '\\' && line[1] != '\0' && line[1] != '\n';
        line += escaped ? 1 : 0;
        *out++ = escaped && *line == 'n' ? '\n' : *line;
    }
    *out = '\0';
}

static size_t load(struct arc_history *list)
{
    HistEvent event;
    char *line = NULL;
    size_t size = 0;
    size_t n = 0;
    int fd = open(list->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    while (file != NULL && getline(&line, &size, file) > 0) {
        decode(line);
        history(list->lines, &event, H_ENTER, line);
        n++;
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    return n;
}

static void append(const char *path, const char *line)
{
    arc_auto_free char *text = encode(line);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)fchmod(fd, 0600);
        (void)!write(fd, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
        close(fd);
    }
}

/* Only the newest, oldest first, by a file that takes the other's place. */
static void rewrite(const struct arc_history *list)
{
    HistEvent event;
    arc_auto_free char *temporary = arc_format("%s.%d", list->path, (int)getpid());
    if (temporary == NULL) {
        return;
    }
    (void)unlink(temporary);
    for (int r = history(list->lines, &event, H_LAST); r >= 0;
         r = history(list->lines, &event, H_PREV)) {
        append(temporary, event.str);
    }
    (void)rename(temporary, list->path);
}

void arc_history_open(struct arc_history *list, const char *home)
{
    HistEvent event;
    *list = (struct arc_history){.lines = history_init(), .path = arc_format("%s/history", home)};
    if (list->lines == NULL) {
        return;
    }
    history(list->lines, &event, H_SETSIZE, ARC_HISTORY_LINES);
    history(list->lines, &event, H_SETUNIQUE, 1);
    if (list->path != NULL && load(list) > 2 * ARC_HISTORY_LINES) {
        rewrite(list);
    }
}

void arc_history_add(struct arc_history *list, const char *line)
{
    HistEvent event;
    if (list->lines == NULL || line[strspn(line, " \t\n")] == '\0' ||
        strlen(line) > ARC_HISTORY_BYTES) {
        return;
    }
    bool again = history(list->lines, &event, H_FIRST) >= 0 && strcmp(event.str, line) == 0;
    if (!again && history(list->lines, &event, H_ENTER, line) >= 0 && list->path != NULL) {
        append(list->path, line);
    }
}

void arc_history_close(struct arc_history *list)
{
    if (list->lines != NULL) {
        history_end(list->lines);
    }
    free(list->path);
    *list = (struct arc_history){0};
}
