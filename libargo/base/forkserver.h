/*
 * A process that forks on request, for another that has no time to exec: its children begin with
 * all that it has loaded and prepared. They are children of the one that asks, which watches and
 * reaps them as if it had started them itself.
 *
 *     asker                            server                 child
 *     request: cwd, argv, env, an fd  ----> clone3 ---------> takes on what the request says
 *     hello: its pid and pidfd  <---------------------------- on that fd, which is its fd 3
 *
 * Each request has a socket pair of its own, and that tells everything: either there comes a hello,
 * or the other end is closed, and then there is no child that could say it. A child has to wait on its
 * fd until it is told to go on: one whose asker has given up, or has died, reads the end there.
 *
 * The server is started with one end of a SOCK_SEQPACKET pair as its fd 3, 0 to 2 being /dev/null.
 */
#ifndef AG_BASE_FORKSERVER_H
#define AG_BASE_FORKSERVER_H

#include <sys/types.h>

#include "base/error.h"

#define AG_FORK_FD 3 /* the server's socket; in a child the request's fd */

struct ag_fork_request {
    const char *cwd;
    const char *const *argv; /* NULL-terminated; only shown */
    const char *const *envp; /* NULL-terminated: the whole environment */
};

/* O_CLOEXEC. TYPE is SOCK_SEQPACKET for a server; SOCK_STREAM for a request, so that a spawned child
 * may be a shell that reads byte by byte. */
int ag_fork_pair(int type, int fds[2], argo_error **err);

/* ---- the asker: nothing here waits ----------------------------------------------------------- */

/* 1: the server at SOCKET takes requests from now on; 0: it has not said so yet; negative: it will
 * not. */
int ag_fork_ready(int socket);
/* Sends a request with FD, which stays the caller's, to be closed. Negative: not sent. */
int ag_fork_ask(int socket, const struct ag_fork_request *request, int fd, argo_error **err);
/* The child's hello on the asker's end of the request's pair: 1; 0: not yet; negative: there is no
 * child, or there was one that could not do what the request says. */
int ag_fork_hello(int fd, pid_t *out_pid, int *out_pidfd);

/* ---- the server ------------------------------------------------------------------------------ */

/* Serves until the asker has gone or has asked for nothing for IDLE_MS: 0. Returns 1 in each child,
 * when it has said its hello: directory, environment and what /proc shows of it are those of its
 * request, it leads a session, and has no fd but 0 to 3. Only for a process of one thread, whose
 * libraries bear a fork without being told of it (no pthread_atfork handler is called). */
int ag_fork_serve(int idle_ms, argo_error **err);

#endif
