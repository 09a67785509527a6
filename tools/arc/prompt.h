/*
 * Reads one line from the terminal without blocking the loop: with editing (libedit), or unseen
 * for secrets. Between prompts lines can be typed ahead, as the terminal itself edits them.
 */
#ifndef ARC_PROMPT_H
#define ARC_PROMPT_H

#include <stdbool.h>

struct arc_prompt; /* one per process: the terminal's */

enum arc_prompt_event {
    ARC_PROMPT_NOTHING, /* the line goes on */
    ARC_PROMPT_LINE,
    ARC_PROMPT_END /* Ctrl-D on an empty line, or the terminal has gone */
};

/* NULL without memory. */
struct arc_prompt *arc_prompt_new(void);
/* The terminal is as it was before. */
void arc_prompt_free(struct arc_prompt *prompt);

/* Shows TEXT (copied) and reads from now on; SECRET: what is typed is not shown. */
void arc_prompt_open(struct arc_prompt *prompt, const char *text, bool secret);
/* Takes the prompt and what has been typed away. */
void arc_prompt_close(struct arc_prompt *prompt);
bool arc_prompt_is_open(const struct arc_prompt *prompt);
/* Around other output while it is open: away, and back with what has been typed so far. */
void arc_prompt_hide(struct arc_prompt *prompt);
void arc_prompt_show(struct arc_prompt *prompt);
void arc_prompt_resized(struct arc_prompt *prompt);
/* After Ctrl-Z and fg: the shell has changed the terminal meanwhile. */
void arc_prompt_resumed(struct arc_prompt *prompt);

/* stdin is readable. With ARC_PROMPT_LINE *LINE is the caller's, without its newline, and the
 * prompt is closed. */
enum arc_prompt_event arc_prompt_read(struct arc_prompt *prompt, char **line);

#endif
