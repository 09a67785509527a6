/*
 * One output pipe of a command: what comes is streamed as records, complete lines at once, unless it
 * is quiet, and kept if that is wanted.
 */
#ifndef AG_EXEC_CAPTURE_H
#define AG_EXEC_CAPTURE_H

#include "base/buf.h"
#include "exec/step.h"

struct ag_capture {
    struct ag_strand *strand;
    const char *kind; /* "stdout" or "stderr" */
    int fd;           /* ours, -1 when closed */
    ag_io *io;
    ag_timer *flush;    /* a line without its end is shown when nothing follows for a moment */
    struct ag_buf line; /* not shown yet */
    bool quiet;
    bool keep;
    bool truncated;
    struct ag_buf kept;
    void (*changed)(struct ag_capture *c, bool choked); /* at EOF; or there is too much output */
};

/* Opens the pipe; *OUT_FD is the writer's end. C is zero but for what the caller has set:
 * strand, kind, quiet, keep, changed. */
int ag_capture_open(struct ag_capture *c, int *out_fd, argo_error **err);
/* Stops reading, or goes on. */
void ag_capture_pause(struct ag_capture *c, bool pause);
/* The process has ended: takes what is in the pipe, and closes it, whoever else holds it. */
void ag_capture_finish(struct ag_capture *c);
/* Shows the beginning of what was kept. */
void ag_capture_show(struct ag_capture *c);
void ag_capture_free(struct ag_capture *c);
/* What was kept, as text that fits into a variable; CHOP: without the last newline. */
ag_value *ag_capture_value(const struct ag_capture *c, bool chop);

#endif
