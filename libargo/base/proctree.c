/*
 * Facts about processes from /proc, and signalling of whole process trees. A pid is only a name:
 * before a signal goes out its start time is compared through a pidfd, so that a process which
 * took over the number is never hit.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/process.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

struct proc {
    pid_t pid;
    pid_t parent;
    int64_t start; /* clock ticks since boot */
    bool dead;     /* a zombie: only its status is left */
    bool stopped;  /* by a signal or a tracer */
    bool asleep;   /* where no signal reaches it */
    size_t depth;  /* distance to the top of the tree */
};

struct procs {
    struct proc *list; /* by pid */
    size_t n;
    size_t cap;
};

static bool parse_stat(const char *text, struct proc *out)
{
    /* The name in parentheses may hold anything, parentheses too. */
    const char *rest = strrchr(text, ')');
    char state;
    int threads, parent;
    if (rest == NULL ||
        sscanf(rest + 1,
               " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d %*s %" SCNd64,
               &state, &parent, &threads, &out->start) != 4) {
        return false;
    }
    out->parent = parent;
    /* While threads run on after the first has ended, the process lives. */
    out->dead = state == 'X' || (state == 'Z' && threads <= 1);
    out->stopped = state == 'T' || state == 't';
    out->asleep = state == 'D';
    return true;
}

static bool read_proc(pid_t pid, struct proc *out)
{
    char path[32], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    ag_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, text, sizeof(text) - 1);
    if (len <= 0) {
        return false;
    }
    text[len] = '\0';
    *out = (struct proc){.pid = pid};
    return parse_stat(text, out);
}

pid_t ag_proc_parent(pid_t pid)
{
    struct proc proc;
    return read_proc(pid, &proc) ? proc.parent : -1;
}

int64_t ag_proc_start_time(pid_t pid)
{
    struct proc proc;
    return read_proc(pid, &proc) ? proc.start : -1;
}

bool ag_proc_descends_from(pid_t pid, pid_t ancestor)
{
    while ((pid = ag_proc_parent(pid)) > 0) {
        if (pid == ancestor) {
            return true;
        }
    }
    return false;
}

bool ag_proc_has_env(pid_t pid, const char *name, const char *value)
{
    char path[32];
    size_t name_len = strlen(name), cap = 0;
    ag_auto_free char *entry = NULL;
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    while (!found && getdelim(&entry, &cap, '\0', file) > 0) {
        found = strncmp(entry, name, name_len) == 0 && entry[name_len] == '=' &&
                strcmp(entry + name_len + 1, value) == 0;
    }
    fclose(file);
    return found;
}

int ag_boot_id(char out[40], argo_error **err)
{
    char text[40] = "";
    ag_auto_close int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
        return ag_error_errno(err, errno, BOOT_ID_FILE);
    }
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0') {
        return ag_error_set(err, ARGO_E_SYSTEM, BOOT_ID_FILE ": is empty");
    }
    memcpy(out, text, sizeof(text));
    return 0;
}

static bool procs_add(struct procs *procs, const struct proc *proc)
{
    if (procs->n == procs->cap) {
        size_t cap = procs->cap == 0 ? 256 : procs->cap * 2;
        struct proc *list = reallocarray(procs->list, cap, sizeof(*list));
        if (list == NULL) {
            return false;
        }
        procs->list = list;
        procs->cap = cap;
    }
    procs->list[procs->n++] = *proc;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct proc *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int deepest_first(const void *a, const void *b)
{
    const struct proc *x = a, *y = b;
    return (x->depth < y->depth) - (x->depth > y->depth);
}

static bool read_all(struct procs *procs)
{
    struct dirent *entry;
    bool ok = true;
    DIR *dir = opendir("/proc");
    if (dir == NULL) {
        return false;
    }
    while (ok && (entry = readdir(dir)) != NULL) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        struct proc proc;
        if (pid > 0 && *end == '\0' && read_proc((pid_t)pid, &proc)) {
            ok = procs_add(procs, &proc);
        }
    }
    closedir(dir);
    if (procs->n > 0) {
        qsort(procs->list, procs->n, sizeof(*procs->list), by_pid);
    }
    return ok;
}

/* Whether PROC descends from ROOT; also notes how deep it is. The entries were not read at the
 * same instant, so the steps are bounded: reused pids could form a ring. */
static bool place_in_tree(const struct procs *procs, struct proc *proc, pid_t root)
{
    const struct proc *at = proc;
    bool below = false;
    while (at != NULL && proc->depth < procs->n) {
        struct proc key = {.pid = at->parent};
        proc->depth++;
        below = below || (root > 0 && at->parent == root);
        at = bsearch(&key, procs->list, procs->n, sizeof(key), by_pid);
    }
    return below;
}

/* The pidfd pins the number: what /proc tells after it was opened is about the same process. 1: it
 * got the signal, 0: it is gone, -1: it cannot be signalled. */
static int signal_same(const struct proc *proc, int signo)
{
    struct proc again;
    ag_auto_close int pidfd = pidfd_open(proc->pid, 0);
    if (pidfd < 0 || !read_proc(proc->pid, &again) || again.start != proc->start || again.dead) {
        return 0;
    }
    return pidfd_send_signal(pidfd, signo, NULL, 0) == 0 ? 1 : errno == ESRCH ? 0 : -1;
}

/* Free chosen->list. */
static void choose(pid_t root, bool include_root, const char *name, const char *value,
                   struct procs *chosen)
{
    struct procs all = {0};
    pid_t self = getpid();
    bool ok = read_all(&all);
    for (size_t i = 0; ok && i < all.n; i++) {
        struct proc *proc = &all.list[i];
        bool below = place_in_tree(&all, proc, root);
        if (proc->dead || proc->pid == self) {
            continue;
        }
        if (proc->pid == root
                ? include_root
                : below || (name != NULL && ag_proc_has_env(proc->pid, name, value))) {
            ok = procs_add(chosen, proc);
        }
    }
    if (chosen->n > 0) {
        qsort(chosen->list, chosen->n, sizeof(*chosen->list), deepest_first);
    }
    free(all.list);
}

size_t ag_proctree_signal(pid_t root, bool include_root, const char *name, const char *value,
                          int signo)
{
    struct procs chosen = {0};
    size_t count = 0;
    choose(root, include_root, name, value, &chosen);
    for (size_t i = 0; i < chosen.n; i++) {
        count += signal_same(&chosen.list[i], signo) > 0 ? 1 : 0;
    }
    free(chosen.list);
    return count;
}

/* One that waits in the kernel, as a parent does until its vfork child has begun its program, stops
 * before its next instruction when it has been told to. */
static bool stop_is_pending(pid_t pid)
{
    char path[32];
    ag_auto_free char *line = NULL;
    size_t cap = 0;
    uint64_t pending = 0;
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && getline(&line, &cap, file) > 0) {
        found = sscanf(line, "ShdPnd: %" SCNx64, &pending) == 1;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (pending & (UINT64_C(1) << (SIGSTOP - 1))) != 0;
}

/* Parents first: who stands still makes no children that would have to be found. */
size_t ag_proctree_stop(pid_t root, bool include_root, const char *name, const char *value,
                        pid_t *refused)
{
    struct procs chosen = {0};
    size_t count = 0;
    *refused = 0;
    choose(root, include_root, name, value, &chosen);
    for (size_t i = chosen.n; i-- > 0;) {
        const struct proc *proc = &chosen.list[i];
        if (proc->stopped || (proc->asleep && stop_is_pending(proc->pid))) {
            continue;
        }
        int r = signal_same(proc, SIGSTOP);
        count += r != 0 ? 1 : 0;
        *refused = r < 0 ? proc->pid : *refused;
    }
    free(chosen.list);
    return count;
}
