/*
 * What supervisor.c, ending.c and launch_env.c share. Nobody else includes this.
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
    ag_map *by_run;           /* "RID.EPOCH" -> struct ag_executor */
    ag_map *by_pid;           /* decimal pid -> struct ag_executor */
    struct ag_list endings;   /* of ending.c */
    struct ag_list stoppings; /* of stopping.c */
    bool hurry;               /* no grace any more: the daemon is stopping */
    void (*settled)(void *user);
    void *settled_user;
};

/* run/RID.EPOCH.lock; NULL without memory. */
char *ag_executor_lock_path(const struct argo_daemon *daemon, int64_t rid, int64_t epoch);
/* Watches every process that holds a lock of RID, whatever its epoch. */
void ag_executor_adopt_all(ag_supervisor *s, int64_t rid);
/* Its next executor after AFTER (NULL: the first) whose pidfd says that the process is there. */
struct ag_executor *ag_executor_next(ag_supervisor *s, int64_t rid, struct ag_executor *after);

/* The whole environment of an executor; free with ag_launch_env_free. NULL without memory. */
char **ag_launch_env_new(const struct argo_daemon *daemon, const struct ag_run *run,
                         const struct ag_run_spec *spec);
void ag_launch_env_free(char **env);

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
