/*
 * What supervisor.c, launching.c, warm.c, ending.c, stopping.c and launch_env.c share. Nobody else
 * includes this.
 */
#ifndef AG_DAEMON_SUPERVISOR_H
#define AG_DAEMON_SUPERVISOR_H

#include "base/list.h"
#include "base/map.h"
#include "daemon/internal.h"

/* An executor that is being watched, until its process has ended. */
struct ag_executor {
    struct ag_list node;
    ag_supervisor *supervisor;
    int64_t rid;
    int64_t epoch;
    pid_t pid;
    bool ending; /* its end is reported to nobody */
    ag_child *child;
};

struct ag_supervisor {
    struct argo_daemon *daemon;
    struct ag_list executors;
    ag_map *by_run;            /* "RID.EPOCH" -> struct ag_executor */
    ag_map *by_pid;            /* decimal pid -> struct ag_executor */
    struct ag_list endings;    /* of ending.c */
    struct ag_list stoppings;  /* of stopping.c */
    struct ag_list launchings; /* of launching.c */
    struct ag_warm *warm;
    bool hurry; /* no grace any more: the daemon is stopping */
    void (*settled)(void *user);
    void *settled_user;
};

/* run/RID.EPOCH.lock; NULL without memory. */
char *ag_executor_lock_path(const struct argo_daemon *daemon, int64_t rid, int64_t epoch);
/* Watches PID as the executor of RID and EPOCH; takes over PIDFD, unless it fails: NULL. */
struct ag_executor *ag_executor_watch(ag_supervisor *s, int64_t rid, int64_t epoch, pid_t pid,
                                      int pidfd, argo_error **err);
/* Watches every process that holds a lock of RID, whatever its epoch. */
void ag_executor_adopt_all(ag_supervisor *s, int64_t rid);
/* Its next executor after AFTER (NULL: the first) whose pidfd says that the process is there. */
struct ag_executor *ag_executor_next(ag_supervisor *s, int64_t rid, struct ag_executor *after);

/* The whole environment of an executor; free with ag_launch_env_free. NULL without memory. */
char **ag_launch_env_new(const struct argo_daemon *daemon, const struct ag_run *run,
                         const struct ag_run_spec *spec);
void ag_launch_env_free(char **env);

/* launching.c; the launch port's `launch`. */
void ag_launching_start(ag_supervisor *s, const struct ag_run *run, const struct ag_run_spec *spec,
                        const char *token, ag_launched_fn fn, void *user);
bool ag_launching_under_way(const ag_supervisor *s, int64_t rid);
/* The program of executors, with FD as its AG_FORK_FD and nothing else of ours. */
struct ag_fork_request;
int ag_launching_spawn(const struct argo_daemon *daemon, const struct ag_fork_request *what, int fd,
                       pid_t *out_pid, int *out_pidfd, argo_error **err);

/* warm.c: the process that executors are forked from. It is started when it is first asked for,
 * again when its program has changed, and leaves when nobody has asked for long. */
struct ag_warm *ag_warm_new(struct argo_daemon *daemon); /* NULL without memory */
void ag_warm_free(struct ag_warm *w);
/* Hands REQUEST and FD over (base/forkserver.h). 0: there is none that could take it now. Else the
 * number of the process that has taken it. */
unsigned ag_warm_fork(struct ag_warm *w, const struct ag_fork_request *request, int fd);
/* What it was asked for has come; and how long it is ago (ms) that something has. */
void ag_warm_heard(struct ag_warm *w, unsigned number);
int64_t ag_warm_silence(struct ag_warm *w, unsigned number);
/* A request to it has failed: it gets no other one. STUCK: nor does it finish those it has. */
void ag_warm_distrust(struct ag_warm *w, unsigned number, bool stuck);

/* stopping.c; the launch port's `stop` and `cont`. */
void ag_stopping_start(ag_supervisor *s, int64_t rid, const char *nonce,
                       void (*done)(const argo_error *err, void *user), void *user);
void ag_stopping_continue(ag_supervisor *s, int64_t rid, const char *nonce, int64_t paused_ms);
void ag_stoppings_cut(ag_supervisor *s, int64_t rid); /* ends them; `done` is called */
void ag_stoppings_free(ag_supervisor *s);

/* How the processes of a run are known: by descent from an executor, and by this in the
 * environment, so that what has left the tree is found too. */
#define AG_NONCE_NAME "ARGO_RUN_NONCE"
/* ending.c; the launch port's `end`. */
void ag_ending_start(ag_supervisor *s, int64_t rid, const char *nonce, void (*done)(void *user),
                     void *user);
bool ag_ending_under_way(const ag_supervisor *s, int64_t rid);
void ag_endings_look(ag_supervisor *s, int64_t rid); /* an executor of RID has ended: look now */
void ag_endings_hurry(ag_supervisor *s);
void ag_endings_free(ag_supervisor *s); /* drops them; `done` is not called */

#endif
