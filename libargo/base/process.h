/*
 * Starting and ending processes. posix_spawn only; never fork.
 */
#ifndef AG_BASE_PROCESS_H
#define AG_BASE_PROCESS_H

#include <sys/types.h>

#include "base/error.h"

struct ag_spawn_fd {
    int from; /* ours, O_CLOEXEC */
    int to;   /* the child's number, at least 3; consecutive from 3 */
};

struct ag_spawn {
    const char *file;        /* looked up in the envp's PATH when it has no slash */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated: the whole environment */
    const char *cwd;         /* NULL: ours */
    int fds[3];              /* stdin, stdout, stderr of the child; -1: /dev/null */
    const struct ag_spawn_fd *inherit;
    size_t n_inherit;
    bool new_session; /* setsid; else new_group */
    bool new_group;   /* setpgid(0, 0) */
};

/* Starts a process with an empty signal mask, default dispositions and no other fd open.
 * *OUT_PIDFD (may be NULL) is O_CLOEXEC. Failures carry the errno's text: ARGO_E_SPAWN. */
int ag_spawn(const struct ag_spawn *spec, pid_t *out_pid, int *out_pidfd, argo_error **err);

/* Ends a process, and reaps it if it is ours: that takes the kernel a moment. */
void ag_pidfd_kill(int pidfd);

/* Nonblocking O_CLOEXEC pipe: fds[0] reads. The write end is left blocking for children. */
int ag_pipe(int fds[2], argo_error **err);

/* Facts from /proc. Start time is in clock ticks since boot; -1 when the process is gone. */
pid_t ag_proc_parent(pid_t pid);
int64_t ag_proc_start_time(pid_t pid);
bool ag_proc_descends_from(pid_t pid, pid_t ancestor);
bool ag_proc_has_env(pid_t pid, const char *name, const char *value);
int ag_boot_id(char out[40], argo_error **err);

/* Sends SIGNO to every living process (zombies do not count) that descends from ROOT or whose
 * environment has NAME=VALUE, leaves first, each through a pidfd that was checked again after
 * opening; ROOT itself is included if INCLUDE_ROOT. The caller's own process never is. Returns
 * how many were signalled, or would have been for signo 0. */
size_t ag_proctree_signal(pid_t root, bool include_root, const char *name, const char *value,
                          int signo);

/* SIGSTOP to the same processes. Returns how many of them were running when it looked: 0 says that
 * all stand still. *REFUSED gets one that could not be signalled, else 0. */
size_t ag_proctree_stop(pid_t root, bool include_root, const char *name, const char *value,
                        pid_t *refused);

#endif
