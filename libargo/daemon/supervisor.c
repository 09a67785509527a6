/*
 * The supervisor: watches executors by pidfd, takes over those that outlived an earlier daemon, and
 * knows which run a process belongs to. How they are started and ended is launching.c's, ending.c's
 * and stopping.c's. It decides nothing about a run: what a death means is the domain's.
 */
#include "daemon/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

char *ag_executor_lock_path(const struct argo_daemon *daemon, int64_t rid, int64_t epoch)
{
    return ag_asprintf("%s/%" PRId64 ".%" PRId64 ".lock", daemon->home.run_dir, rid, epoch);
}

static void remove_lock(const struct argo_daemon *daemon, int64_t rid, int64_t epoch)
{
    ag_auto_free char *path = ag_executor_lock_path(daemon, rid, epoch);
    if (path != NULL) {
        unlink(path);
    }
}

/* ---- the table ------------------------------------------------------------------------------- */

struct key {
    char text[48];
};

static struct key run_key(int64_t rid, int64_t epoch)
{
    struct key key;
    snprintf(key.text, sizeof(key.text), "%" PRId64 ".%" PRId64, rid, epoch);
    return key;
}

static struct key pid_key(pid_t pid)
{
    struct key key;
    snprintf(key.text, sizeof(key.text), "%ld", (long)pid);
    return key;
}

static struct ag_executor *find(const ag_supervisor *s, int64_t rid, int64_t epoch)
{
    return ag_map_get(s->by_run, run_key(rid, epoch).text);
}

/* From a map only what is E's: a number may have gone to another process already. */
static void forget(ag_map *map, struct key key, const struct ag_executor *e)
{
    if (ag_map_get(map, key.text) == e) {
        ag_map_remove(map, key.text);
    }
}

static void executor_free(struct ag_executor *e)
{
    ag_list_remove(&e->node);
    forget(e->supervisor->by_run, run_key(e->rid, e->epoch), e);
    forget(e->supervisor->by_pid, pid_key(e->pid), e);
    ag_child_free(e->child);
    free(e);
}

static void executor_ended(ag_child *child, pid_t pid, int status, void *user)
{
    struct ag_executor *e = user;
    ag_supervisor *s = e->supervisor;
    int64_t rid = e->rid;
    bool silent = e->ending;
    remove_lock(s->daemon, rid, e->epoch);
    executor_free(e);
    ag_endings_look(s, rid);
    if (!silent) {
        ag_domain_executor_ended(s->daemon->domain, rid, pid, status);
    }
}

struct ag_executor *ag_executor_watch(ag_supervisor *s, int64_t rid, int64_t epoch, pid_t pid,
                                      int pidfd, argo_error **err)
{
    struct ag_executor *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        ag_error_nomem(err);
        return NULL;
    }
    *e = (struct ag_executor){.supervisor = s, .rid = rid, .epoch = epoch, .pid = pid};
    ag_list_init(&e->node);
    int r = ag_map_put(s->by_run, run_key(e->rid, e->epoch).text, e);
    if (r == 0) {
        r = ag_map_put(s->by_pid, pid_key(pid).text, e);
    }
    r = r < 0 ? ag_error_nomem(err)
              : ag_child_new(s->daemon->loop, pid, pidfd, executor_ended, e, &e->child, err);
    if (r < 0) {
        executor_free(e);
        return NULL;
    }
    ag_list_append(&s->executors, &e->node);
    return e;
}

/* ---- adopt ----------------------------------------------------------------------------------- */

/* Who holds the lock before and after the pidfd was opened is the process behind it: a number
 * that was reused in between would not hold the lock. */
static bool adopt(ag_supervisor *s, const struct ag_run *run, pid_t *out_pid, argo_error **err)
{
    pid_t pid = 0, again = 0;
    ag_auto_free char *path = ag_executor_lock_path(s->daemon, run->rid, run->epoch);
    if (path == NULL || ag_lock_holder(path, &pid, err) < 0 || pid == 0) {
        return false;
    }
    ag_auto_close int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0 || ag_lock_holder(path, &again, err) < 0 || again != pid ||
        ag_executor_watch(s, run->rid, run->epoch, pid, pidfd, err) == NULL) {
        return false;
    }
    ag_take_fd(&pidfd);
    *out_pid = pid;
    return true;
}

/* One that was started when the daemon died has perhaps not taken its lock yet. The pidfd pins the
 * number, and no other process began then with what only this one was given. */
static bool adopt_newborn(ag_supervisor *s, const struct ag_run *run, const char *nonce,
                          pid_t *out_pid, argo_error **err)
{
    char epoch[24];
    pid_t pid = (pid_t)run->pid;
    snprintf(epoch, sizeof(epoch), "%" PRId64, run->epoch);
    ag_auto_close int pidfd = nonce != NULL && pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pidfd < 0 || ag_proc_start_time(pid) != run->pid_start ||
        !ag_proc_has_env(pid, "ARGO_RUN_NONCE", nonce) ||
        !ag_proc_has_env(pid, "ARGO_EPOCH", epoch) ||
        ag_executor_watch(s, run->rid, run->epoch, pid, pidfd, err) == NULL) {
        return false;
    }
    ag_take_fd(&pidfd);
    *out_pid = pid;
    return true;
}

static bool port_adopt(void *user, const struct ag_run *run, const char *nonce, int64_t *out_pid)
{
    ag_supervisor *s = user;
    struct ag_executor *known = find(s, run->rid, run->epoch);
    AG_AUTO(argo_error) err = NULL;
    pid_t pid = 0;
    if (known != NULL) {
        *out_pid = ag_child_pid(known->child);
        return true;
    }
    if (adopt(s, run, &pid, &err) || adopt_newborn(s, run, nonce, &pid, &err)) {
        *out_pid = pid;
        return true;
    }
    if (err != NULL) {
        ag_log_warning(s->daemon->ctx, "daemon", "%s: not adopted: %s", run->workflow_id,
                       argo_error_details(err));
    }
    return false;
}

/* Calls FN for every executor's lock in run/. */
static void each_lock(ag_supervisor *s,
                      void (*fn)(ag_supervisor *s, int64_t rid, int64_t epoch, int64_t wanted),
                      int64_t wanted)
{
    struct dirent *entry;
    DIR *dir = opendir(s->daemon->home.run_dir);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int64_t rid = 0, epoch = 0;
        int end = 0;
        if (sscanf(entry->d_name, "%18" SCNd64 ".%18" SCNd64 ".lock%n", &rid, &epoch, &end) == 2 &&
            end > 0 && entry->d_name[end] == '\0') {
            fn(s, rid, epoch, wanted);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

struct ag_executor *ag_executor_next(ag_supervisor *s, int64_t rid, struct ag_executor *after)
{
    struct ag_list *node = after == NULL ? &s->executors : &after->node;
    while ((node = node->next) != &s->executors) {
        struct ag_executor *e = AG_CONTAINER_OF(node, struct ag_executor, node);
        if (e->rid == rid && ag_child_signal(e->child, 0) == 0) {
            return e;
        }
    }
    return NULL;
}

static void adopt_one(ag_supervisor *s, int64_t rid, int64_t epoch, int64_t wanted)
{
    struct ag_run run = {.rid = rid, .epoch = epoch};
    pid_t pid = 0;
    if (rid == wanted && find(s, rid, epoch) == NULL) {
        (void)adopt(s, &run, &pid, NULL);
    }
}

void ag_executor_adopt_all(ag_supervisor *s, int64_t rid)
{
    each_lock(s, adopt_one, rid);
}

/* A file that nobody holds is of an executor that ended while no daemon looked; one that is just
 * about to lock it notices that it is gone and makes it again. */
static void sweep_one(ag_supervisor *s, int64_t rid, int64_t epoch, int64_t wanted)
{
    pid_t holder = 0;
    ag_auto_free char *path = ag_executor_lock_path(s->daemon, rid, epoch);
    if (path != NULL && ag_lock_holder(path, &holder, NULL) == 0 && holder == 0) {
        unlink(path);
    }
}

/* ---- whose process --------------------------------------------------------------------------- */

static int64_t run_of_executor(const ag_supervisor *s, pid_t pid)
{
    const struct ag_executor *e = ag_map_get(s->by_pid, pid_key(pid).text);
    return e != NULL ? e->rid : 0;
}

int64_t ag_supervisor_run_of_process(ag_supervisor *s, pid_t pid)
{
    pid_t first = pid;
    if (pid <= 0) {
        return -1;
    }
    while (pid > 0) {
        int64_t rid = run_of_executor(s, pid);
        if (rid != 0) {
            return rid;
        }
        pid_t parent = ag_proc_parent(pid);
        if (parent < 0) {
            /* An ancestor ended meanwhile, its children have another parent now. */
            parent = pid == first || ag_proc_parent(first) < 0 ? -1 : first;
        }
        pid = parent;
    }
    return pid;
}

/* ---- the object ------------------------------------------------------------------------------ */

static void port_launch(void *user, const struct ag_run *run, const struct ag_run_spec *spec,
                        const char *token, ag_launched_fn fn, void *fn_user)
{
    ag_launching_start(user, run, spec, token, fn, fn_user);
}

static void port_end(void *user, const struct ag_run *run, const char *nonce,
                     void (*done)(void *user), void *done_user)
{
    ag_ending_start(user, run->rid, nonce, done, done_user);
}

static void port_stop(void *user, int64_t rid, const char *nonce,
                      void (*done)(const argo_error *err, void *user), void *done_user)
{
    ag_stopping_start(user, rid, nonce, done, done_user);
}

static void port_cont(void *user, int64_t rid, const char *nonce, int64_t paused_ms)
{
    ag_stopping_continue(user, rid, nonce, paused_ms);
}

struct ag_launch_port ag_supervisor_port(ag_supervisor *s)
{
    return (struct ag_launch_port){.launch = port_launch,
                                   .adopt = port_adopt,
                                   .end = port_end,
                                   .stop = port_stop,
                                   .cont = port_cont,
                                   .user = s};
}

int ag_supervisor_new(struct argo_daemon *daemon, ag_supervisor **out, argo_error **err)
{
    ag_supervisor *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ag_error_nomem(err);
    }
    s->daemon = daemon;
    ag_list_init(&s->executors);
    ag_list_init(&s->endings);
    ag_list_init(&s->stoppings);
    ag_list_init(&s->launchings);
    s->by_run = ag_map_new(NULL);
    s->by_pid = ag_map_new(NULL);
    s->warm = ag_warm_new(daemon);
    if (s->by_run == NULL || s->by_pid == NULL || s->warm == NULL) {
        ag_supervisor_free(s);
        return ag_error_nomem(err);
    }
    each_lock(s, sweep_one, 0);
    *out = s;
    return 0;
}

void ag_supervisor_hurry(ag_supervisor *s, void (*settled)(void *user), void *user)
{
    s->hurry = true;
    s->settled = settled;
    s->settled_user = user;
    ag_supervisor_launch_none(s);
    ag_endings_hurry(s);
}

bool ag_supervisor_busy(const ag_supervisor *s)
{
    return !ag_list_empty(&s->endings);
}

void ag_supervisor_free(ag_supervisor *s)
{
    struct ag_list *node, *next;
    if (s == NULL) {
        return;
    }
    ag_supervisor_launch_none(s);
    ag_endings_free(s);
    ag_stoppings_free(s);
    ag_warm_free(s->warm);
    ag_list_each(node, next, &s->executors)
    {
        executor_free(AG_CONTAINER_OF(node, struct ag_executor, node));
    }
    ag_map_free(s->by_run);
    ag_map_free(s->by_pid);
    free(s);
}
