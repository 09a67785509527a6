/*
 * One small file for each terminal session, run/switch/PID.START of its first process. Files of
 * sessions that have ended go when another one is written.
 */
#include "current.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "file.h"

#define DIRECTORY "run/switch"

enum { ID_MAX = 80 }; /* an id, with the ~N of an older run */

/* "PID.START" of a process, or NULL when there is none. */
static char *name_of_process(pid_t pid)
{
    unsigned long long start = 0;
    arc_auto_free char *path = arc_format("/proc/%d/stat", (int)pid);
    arc_auto_free char *stat = path == NULL ? NULL : arc_read_file(path, 4096);
    const char *after = stat == NULL ? NULL : strrchr(stat, ')');
    bool ok =
        after != NULL && sscanf(after,
                                ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                                "%*d %*d %*d %20llu",
                                &start) == 1;
    return ok ? arc_format("%d.%llu", (int)pid, start) : NULL;
}

char *arc_current(struct arc *arc)
{
    const char *given = getenv("ARGO_WORKFLOW");
    if (given != NULL && *given != '\0') {
        return strdup(given);
    }
    arc_auto_free char *name = name_of_process(getsid(0));
    arc_auto_free char *path =
        arc_format("%s/" DIRECTORY "/%s", argo_context_home(arc->ctx), name == NULL ? "" : name);
    char *id = name == NULL || path == NULL ? NULL : arc_read_file(path, ID_MAX);
    if (id != NULL) {
        id[strcspn(id, "\n")] = '\0';
    }
    return id;
}

static void forget_the_ended(const char *home)
{
    arc_auto_free char *path = arc_format("%s/" DIRECTORY, home);
    DIR *dir = path == NULL ? NULL : opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        arc_auto_free char *lives = pid > 0 ? name_of_process((pid_t)pid) : NULL;
        if (pid > 0 && (lives == NULL || strcmp(lives, entry->d_name) != 0)) {
            (void)arc_private_remove(home, DIRECTORY, entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

int arc_current_set(struct arc *arc, const char *id)
{
    const char *home = argo_context_home(arc->ctx);
    arc_auto_free char *name = name_of_process(getsid(0));
    if (name == NULL) {
        errno = ESRCH;
        return -1;
    }
    if (id == NULL) {
        return arc_private_remove(home, DIRECTORY, name) < 0 ? -1 : 0;
    }
    forget_the_ended(home);
    return arc_private_write(home, DIRECTORY, name, id);
}

int arc_current_fill(struct arc *arc, struct arc_list *words, size_t min)
{
    bool named = words->n > 0 && strcmp(words->items[0], ".") == 0;
    if (!named && words->n >= min) {
        return 0;
    }
    free(arc->current);
    arc->current = arc_current(arc);
    if (arc->current == NULL) {
        return arc_usage(arc, "%s: of which workflow? Give its ID, or choose one: arc switch ID",
                         arc->command->name);
    }
    if (!named) {
        arc_list_add(words, NULL);
        memmove(words->items + 1, words->items, (words->n - 1) * sizeof(*words->items));
    }
    words->items[0] = arc->current;
    arc_putf(stderr, "Workflow %s (arc switch)\n", arc->current);
    return 0;
}
