/*
 * What a run is at, as one line at the bottom of the terminal that is redrawn and leaves nothing
 * behind; where nothing can be redrawn a line per step on stderr.
 */
#ifndef ARC_PROGRESS_H
#define ARC_PROGRESS_H

#include "arc.h"

struct arc_progress {
    bool redraws, colour;
    char *text;     /* "[3/7] review: asking gpt"; NULL: no step is under way */
    int64_t since;  /* when it began, ms since the epoch */
    bool timed;     /* it waits for a time: the text says which */
    size_t columns; /* of what stands on the screen; 0: nothing does */
    char *drawn;
};

/* From a run's event `step_start`. */
void arc_progress_begin(struct arc_progress *progress, const argo_value *event);
void arc_progress_end(struct arc_progress *progress);
/* Takes it off the screen: before anything else is written there. */
void arc_progress_hide(struct arc_progress *progress);
/* Draws it where the cursor is, at the beginning of a line. Returns in how many ms it will look
 * different, -1: it will not. */
int arc_progress_show(struct arc_progress *progress);

#endif
