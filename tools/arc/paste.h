/*
 * Pasted text: a terminal marks it (bracketed paste), so that its newlines become part of the answer
 * instead of sending it line by line.
 */
#ifndef ARC_PASTE_H
#define ARC_PASTE_H

#include <histedit.h>

#define ARC_PASTE_ON  "\033[?2004h" /* asks the terminal to mark it */
#define ARC_PASTE_OFF "\033[?2004l"

void arc_paste_set_up(EditLine *el);

#endif
