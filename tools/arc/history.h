/*
 * What has been typed at questions for text, for the arrow keys: kept over calls of arc in the
 * home's file `history`, mode 0600. Secrets never come here, nor what was typed at other questions.
 */
#ifndef ARC_HISTORY_H
#define ARC_HISTORY_H

#include <histedit.h>

enum { ARC_HISTORY_LINES = 500, ARC_HISTORY_BYTES = 4096 /* longer lines are not kept */ };

struct arc_history {
    History *lines; /* NULL without memory */
    char *path;
};

/* Reads what is there; a file that cannot be read or written only means that nothing is kept. */
void arc_history_open(struct arc_history *history, const char *home);
void arc_history_add(struct arc_history *history, const char *line);
void arc_history_close(struct arc_history *history);

#endif
