/*
 * Following a run: its output as it comes, its questions, its end.
 */
#ifndef ARC_WATCH_H
#define ARC_WATCH_H

#include "arc.h"

struct arc_watch_options {
    const char *workflow_id;
    int64_t after;  /* leave out what came up to this number */
    bool once;      /* print what there is and return */
    bool questions; /* ask them here; without a terminal say how to answer and return 5 */
    bool summary;   /* the end's one line; the exit code tells how it ended in any case */
};

/* Returns an exit code: of the run's end, 0 when detached, 5 for a question, or a failure. */
int arc_watch(struct arc *arc, const struct arc_watch_options *options);

#endif
