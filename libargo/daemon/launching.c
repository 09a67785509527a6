/*
 * Starting an executor: forked from the warm process, else spawned. Either way it waits on its fd 3
 * for the run's token and begins nothing without it. It gets it when it is being watched and the
 * domain still wants it; who asks too late, or twice, finds the other end closed and leaves. So
 * whenever a launch has not come so far it can be given up, and made again, with the same epoch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/forkserver.h"
#include "base/process.h"
#include "daemon/supervisor.h"

#define PATIENCE_MS     2000 /* with a warm process that does nothing: a fork takes less than one */
#define PATIENCE_ALL_MS 30000 /* with one that forks others meanwhile, but not this one */

struct launching {
    struct ag_list node;
    ag_supervisor *supervisor;
    int64_t rid, epoch;
    char token[65];
    int fd;          /* our end */
    unsigned number; /* of the warm process that was asked */
    ag_io *io;
    ag_timer *patience;
    int64_t asked; /* the loop's time */
    ag_launched_fn fn;
    void *user;
};

static void launching_free(struct launching *l)
{
    ag_list_remove(&l->node);
    ag_io_free(l->io);
    ag_timer_free(l->patience);
    if (l->fd >= 0) {
        close(l->fd);
    }
    explicit_bzero(l->token, sizeof(l->token));
    free(l);
}

/* There is no process, or none that will learn the token. */
static void fail(struct launching *l, const argo_error *err)
{
    ag_supervisor *s = l->supervisor;
    int64_t rid = l->rid;
    ag_launched_fn fn = l->fn;
    void *user = l->user;
    launching_free(l);
    (void)fn(user, 0, 0, err);
    ag_endings_look(s, rid);
}

static void cancel(struct launching *l)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_set(&err, ARGO_E_CANCELLED, "the launch was given up");
    fail(l, err);
}

/* ---- the process is there -------------------------------------------------------------------- */

static void limit_files(const struct argo_daemon *daemon, pid_t pid)
{
    struct rlimit files;
    if (daemon->options.files > 0 && prlimit(pid, RLIMIT_NOFILE, NULL, &files) == 0) {
        files.rlim_cur = (rlim_t)daemon->options.files;
        (void)prlimit(pid, RLIMIT_NOFILE, &files, NULL);
    }
}

/* Takes over PIDFD. */
static void begin(struct launching *l, pid_t pid, int pidfd)
{
    ag_supervisor *s = l->supervisor;
    AG_AUTO(argo_error) err = NULL;
    limit_files(s->daemon, pid);
    int64_t start = ag_proc_start_time(pid);
    struct ag_executor *e = ag_executor_watch(s, l->rid, l->epoch, pid, pidfd, &err);
    if (e == NULL) {
        ag_pidfd_kill(pidfd);
        close(pidfd);
        fail(l, err);
        return;
    }
    if (l->fn(l->user, pid, start, NULL)) {
        (void)send(l->fd, l->token, strlen(l->token), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        e->ending = true;
    }
    launching_free(l);
}

/* ---- forked ---------------------------------------------------------------------------------- */

static void on_hello(ag_io *io, int fd, uint32_t events, void *user)
{
    struct launching *l = user;
    pid_t pid = 0;
    int pidfd = -1;
    int r = ag_fork_hello(fd, &pid, &pidfd);
    if (r > 0) {
        ag_warm_heard(l->supervisor->warm, l->number);
        begin(l, pid, pidfd);
    } else if (r < 0) {
        ag_warm_distrust(l->supervisor->warm, l->number, false);
        cancel(l);
    }
}

/* Many are asked for at once, and forked one by one: the last of them waits for all others. */
static void on_impatience(ag_timer *timer, void *user)
{
    struct launching *l = user;
    ag_supervisor *s = l->supervisor;
    int64_t silence = ag_warm_silence(s->warm, l->number);
    if (silence < PATIENCE_MS && ag_loop_now(s->daemon->loop) - l->asked < PATIENCE_ALL_MS) {
        ag_timer_arm(timer, PATIENCE_MS - silence);
        return;
    }
    ag_warm_distrust(l->supervisor->warm, l->number, true);
    cancel(l);
}

/* 1: forked, on_hello comes; 0: it cannot be forked now. */
static int fork_it(struct launching *l, const struct ag_fork_request *request, int theirs,
                   argo_error **err)
{
    ag_loop *loop = l->supervisor->daemon->loop;
    int r = ag_io_new(loop, l->fd, EPOLLIN, on_hello, l, &l->io, err);
    r = r < 0 ? r : ag_timer_new(loop, on_impatience, l, &l->patience, err);
    if (r == 0) {
        l->number = ag_warm_fork(l->supervisor->warm, request, theirs);
        l->asked = ag_loop_now(loop);
        ag_timer_arm(l->patience, PATIENCE_MS);
        r = l->number != 0 ? 1 : 0;
    }
    return r;
}

/* ---- spawned --------------------------------------------------------------------------------- */

int ag_launching_spawn(const struct argo_daemon *daemon, const struct ag_fork_request *what, int fd,
                       pid_t *out_pid, int *out_pidfd, argo_error **err)
{
    const struct ag_spawn_fd inherit = {.from = fd, .to = AG_FORK_FD};
    const struct ag_spawn how = {.file = daemon->executor,
                                 .argv = what->argv,
                                 .envp = what->envp,
                                 .cwd = what->cwd,
                                 .fds = {-1, -1, -1},
                                 .inherit = &inherit,
                                 .n_inherit = 1,
                                 .new_session = true};
    return ag_spawn(&how, out_pid, out_pidfd, err);
}

static int spawn_it(struct launching *l, const struct ag_fork_request *request, int theirs,
                    argo_error **err)
{
    pid_t pid = 0;
    int pidfd = -1;
    int r = ag_launching_spawn(l->supervisor->daemon, request, theirs, &pid, &pidfd, err);
    if (r == 0) {
        begin(l, pid, pidfd);
    }
    return r;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int launch(struct launching *l, const struct ag_run *run, const struct ag_run_spec *spec,
                  argo_error **err)
{
    const char *const argv[] = {"argo_workflow_executor", run->workflow_id, NULL};
    int fds[2];
    char **env = ag_launch_env_new(l->supervisor->daemon, run, spec);
    int r = env == NULL ? ag_error_nomem(err) : ag_fork_pair(SOCK_STREAM, fds, err);
    if (r == 0) {
        ag_auto_close int theirs = fds[1];
        l->fd = fds[0];
        struct ag_fork_request request = {spec->cwd, argv, (const char *const *)env};
        r = fork_it(l, &request, theirs, err);
        r = r == 0 ? spawn_it(l, &request, theirs, err) : r;
    }
    ag_launch_env_free(env);
    return r < 0 ? r : 0;
}

void ag_launching_start(ag_supervisor *s, const struct ag_run *run, const struct ag_run_spec *spec,
                        const char *token, ag_launched_fn fn, void *user)
{
    AG_AUTO(argo_error) why = NULL;
    AG_AUTO(argo_error) err = NULL;
    struct launching *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        ag_error_nomem(&err);
        (void)fn(user, 0, 0, err);
        return;
    }
    *l = (struct launching){
        .supervisor = s, .rid = run->rid, .epoch = run->epoch, .fd = -1, .fn = fn, .user = user};
    snprintf(l->token, sizeof(l->token), "%s", token);
    ag_list_append(&s->launchings, &l->node);
    if (launch(l, run, spec, &why) < 0) {
        ag_error_set(&err, ARGO_E_SPAWN, "%s", argo_error_details(why));
        fail(l, err);
    }
}

bool ag_launching_under_way(const ag_supervisor *s, int64_t rid)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->launchings)
    {
        if (AG_CONTAINER_OF(node, struct launching, node)->rid == rid) {
            return true;
        }
    }
    return false;
}

void ag_supervisor_launch_none(ag_supervisor *s)
{
    struct launching *l;
    while ((l = ag_list_first(&s->launchings, struct launching, node)) != NULL) {
        cancel(l);
    }
}
