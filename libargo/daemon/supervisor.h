/*
 * What supervisor.c, ending.c and launch_env.c share. Nobody else includes this.
 */
#ifndef AG_DAEMON_SUPERVISOR_H
#define AG_DAEMON_SUPERVISOR_H

#include "base/list.h"
#include "daemon/internal.h"

/* An executor that is being watched, until its process has ended. */
struct ag_executor {
    struct ag_list node;
    ag_supervisor *supervisor;
    int64_t rid;
    int64_t epoch;
    bool ending; /* its end is reported to nobody */
    ag_child *child;
};

struct ag_supervisor {
    struct argo_daemon *daemon;
    struct ag_list executors;
    struct ag_list endings; /* of ending.c */
    bool hurry;             /* no grace any more: the daemon is stopping */
    void (*settled)(void *user);
    void *settled_user;
};

/* run/RID.EPOCH.lock; NULL without memory. */
char *ag_executor_lock_path(const struct argo_daemon *daemon, int64_t rid, int64_t epoch);
/* Watches every process that holds a lock of RID, whatever its epoch. */
void ag_executor_adopt_all(ag_supervisor *s, int64_t rid);

/* The whole environment of an executor; free with ag_launch_env_free. NULL without memory. */
char **ag_launch_env_new(const struct argo_daemon *daemon, const struct ag_run *run,
                         const struct ag_run_spec *spec);
void ag_launch_env_free(char **env);

/* ending.c; the launch port's `end`. */
void ag_ending_start(ag_supervisor *s, int64_t rid, const char *nonce, void (*done)(void *user),
                     void *user);
void ag_endings_look(ag_supervisor *s, int64_t rid); /* an executor of RID has ended: look now */
void ag_endings_hurry(ag_supervisor *s);
void ag_endings_free(ag_supervisor *s); /* drops them; `done` is not called */

#endif
