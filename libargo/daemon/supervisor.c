/*
 * The supervisor: starts executors, watches them by pidfd, takes over those that outlived an
 * earlier daemon, and knows which run a process belongs to. It decides nothing about a run: what
 * a death means is the domain's.
 */
#include "daemon/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

#define TOKEN_FD 3

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

/* Takes over PIDFD, unless it fails. */
static int watch(ag_supervisor *s, const struct ag_run *run, pid_t pid, int pidfd, argo_error **err)
{
    struct ag_executor *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return ag_error_nomem(err);
    }
    *e = (struct ag_executor){.supervisor = s, .rid = run->rid, .epoch = run->epoch, .pid = pid};
    ag_list_init(&e->node);
    int r = ag_map_put(s->by_run, run_key(e->rid, e->epoch).text, e);
    if (r == 0) {
        r = ag_map_put(s->by_pid, pid_key(pid).text, e);
    }
    r = r < 0 ? ag_error_nomem(err)
              : ag_child_new(s->daemon->loop, pid, pidfd, executor_ended, e, &e->child, err);
    if (r < 0) {
        executor_free(e);
        return r;
    }
    ag_list_append(&s->executors, &e->node);
    return 0;
}

/* ---- launch ---------------------------------------------------------------------------------- */

/* A pipe that holds the token and then ends; the read end is *OUT_FD. */
static int token_pipe(const char *token, int *out_fd, argo_error **err)
{
    int fds[2];
    int r = ag_pipe(fds, err);
    if (r < 0) {
        return r;
    }
    size_t len = strlen(token);
    errno = EIO;
    bool written = write(fds[1], token, len) == (ssize_t)len; /* a pipe holds more than that */
    int errnum = errno;
    close(fds[1]);
    if (!written) {
        close(fds[0]);
        return ag_error_errno(err, errnum, "pass the token");
    }
    *out_fd = fds[0];
    return 0;
}

/* In time: an executor opens and runs nothing before we have answered it. */
static void limit_files(const struct argo_daemon *daemon, pid_t pid)
{
    struct rlimit files;
    if (daemon->options.files > 0 && prlimit(pid, RLIMIT_NOFILE, NULL, &files) == 0) {
        files.rlim_cur = (rlim_t)daemon->options.files;
        (void)prlimit(pid, RLIMIT_NOFILE, &files, NULL);
    }
}

static int spawn(const struct argo_daemon *daemon, const struct ag_run *run,
                 const struct ag_run_spec *spec, const char *token, pid_t *pid, int *pidfd,
                 argo_error **err)
{
    const char *const argv[] = {"argo_workflow_executor", run->workflow_id, NULL};
    ag_auto_close int token_fd = -1;
    char **env = ag_launch_env_new(daemon, run, spec);
    if (env == NULL) {
        return ag_error_nomem(err);
    }
    int r = token_pipe(token, &token_fd, err);
    if (r == 0) {
        struct ag_spawn_fd inherit = {.from = token_fd, .to = TOKEN_FD};
        struct ag_spawn how = {.file = daemon->executor,
                               .argv = argv,
                               .envp = (const char *const *)env,
                               .cwd = spec->cwd,
                               .fds = {-1, -1, -1},
                               .inherit = &inherit,
                               .n_inherit = 1,
                               .new_session = true};
        r = ag_spawn(&how, pid, pidfd, err);
    }
    ag_launch_env_free(env);
    return r;
}

static int port_launch(void *user, const struct ag_run *run, const struct ag_run_spec *spec,
                       const char *token, int64_t *out_pid, int64_t *out_start, argo_error **err)
{
    ag_supervisor *s = user;
    ag_auto_close int pidfd = -1;
    pid_t pid = 0;
    AG_AUTO(argo_error) why = NULL;
    int r = spawn(s->daemon, run, spec, token, &pid, &pidfd, &why);
    if (r == 0) {
        limit_files(s->daemon, pid);
        /* Read before it is watched: until it is reaped the number is its own. */
        *out_start = ag_proc_start_time(pid);
        r = watch(s, run, pid, pidfd, &why);
        if (r < 0) {
            (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
            (void)waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED);
        }
    }
    if (r < 0) {
        return ag_error_set(err, ARGO_E_SPAWN, "%s", argo_error_details(why));
    }
    ag_take_fd(&pidfd);
    *out_pid = pid;
    return 0;
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
        watch(s, run, pid, pidfd, err) < 0) {
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
        !ag_proc_has_env(pid, "ARGO_EPOCH", epoch) || watch(s, run, pid, pidfd, err) < 0) {
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
    pid_t parent = ag_proc_parent(pid);
    if (pid <= 0 || parent < 0) {
        return -1;
    }
    while (pid > 0) {
        int64_t rid = run_of_executor(s, pid);
        if (rid != 0) {
            return rid;
        }
        parent = ag_proc_parent(pid);
        if (parent < 0) {
            /* An ancestor ended meanwhile, its children have another parent now. */
            parent = ag_proc_parent(first) < 0 ? -1 : first;
        }
        pid = parent;
    }
    return pid;
}

/* ---- the object ------------------------------------------------------------------------------ */

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
    s->by_run = ag_map_new(NULL);
    s->by_pid = ag_map_new(NULL);
    if (s->by_run == NULL || s->by_pid == NULL) {
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
    ag_endings_free(s);
    ag_stoppings_free(s);
    ag_list_each(node, next, &s->executors)
    {
        executor_free(AG_CONTAINER_OF(node, struct ag_executor, node));
    }
    ag_map_free(s->by_run);
    ag_map_free(s->by_pid);
    free(s);
}
