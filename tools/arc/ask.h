/*
 * Asking on the terminal without following a run: what `arc answer` and `arc inbox` do.
 */
#ifndef ARC_ASK_H
#define ARC_ASK_H

#include "desk.h"

/* Asks what the desk has (looked for already), until it is empty, MOST of them (0: all) are settled,
 * or the person leaves. DESK's prompt is made here. Returns an exit code: 5 when the person left and
 * nothing had been settled. */
int arc_ask(struct arc_desk *desk, int most);
/* A line that is typed unseen, TEXT shown on stderr; stdin is a terminal. NULL: the person left. The
 * caller's. */
char *arc_ask_unseen(const struct arc *arc, const char *text);

#endif
