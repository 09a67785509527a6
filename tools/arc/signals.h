/*
 * The signals of a command that holds the terminal, as events of its loop: whatever ends or stops
 * it, the terminal is put in order first.
 */
#ifndef ARC_SIGNALS_H
#define ARC_SIGNALS_H

#include <stdbool.h>

enum arc_signal {
    ARC_SIGNAL_NONE,
    ARC_SIGNAL_RESIZED,
    ARC_SIGNAL_STOP,      /* Ctrl-Z: put the terminal in order, then arc_signals_stop */
    ARC_SIGNAL_CONTINUED, /* somebody else had stopped us */
    ARC_SIGNAL_LEAVE      /* Ctrl-C, TERM, HUP */
};

/* Blocks them; the fd to poll. TERMINAL: Ctrl-Z is ours, too. */
int arc_signals_open(bool terminal);
/* They do again what they do by default: for a command that goes on to other things. */
void arc_signals_close(int fd);
enum arc_signal arc_signals_take(int fd);
/* Stops as Ctrl-Z does; returns when the shell lets us go on, at once where no shell would. */
void arc_signals_stop(void);

#endif
