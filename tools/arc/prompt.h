/*
 * Reads lines from the terminal without blocking the loop: with editing and history (libedit), or
 * unseen for secrets. Between questions nothing is shown until somebody types.
 */
#ifndef ARC_PROMPT_H
#define ARC_PROMPT_H

#include <stdbool.h>

#include "arc.h"

struct arc_prompt; /* one per process: the terminal's */

enum arc_prompt_kind {
    ARC_PROMPT_PLAIN,
    ARC_PROMPT_TEXT,  /* with the history, and into it */
    ARC_PROMPT_SECRET /* what is typed is not shown */
};

enum arc_prompt_event {
    ARC_PROMPT_NOTHING, /* the line goes on */
    ARC_PROMPT_LINE,
    ARC_PROMPT_SKIP, /* Ctrl-G */
    ARC_PROMPT_END   /* Ctrl-D on an empty line, or the terminal has gone */
};

/* It is shown on OUT, the terminal. NULL without memory. */
struct arc_prompt *arc_prompt_new(const struct arc *arc, FILE *out);
/* The terminal is as it was before. */
void arc_prompt_free(struct arc_prompt *prompt);

/* Shows TEXT (copied) and reads from now on. What has been typed ahead and not sent stays, unless it
 * is for a secret. */
void arc_prompt_open(struct arc_prompt *prompt, const char *text, enum arc_prompt_kind kind);
/* Nothing is asked: lines are typed ahead, and shown from the first key on. NULL is allowed. */
void arc_prompt_ahead(struct arc_prompt *prompt);
/* Takes the prompt and what has been typed away. */
void arc_prompt_close(struct arc_prompt *prompt);
/* Whether it stands on the screen: a question's, or what is typed ahead. NULL is allowed, here and
 * below. */
bool arc_prompt_is_shown(const struct arc_prompt *prompt);
/* Around other output: away, and back with what has been typed so far. */
void arc_prompt_hide(struct arc_prompt *prompt);
void arc_prompt_show(struct arc_prompt *prompt);
void arc_prompt_resized(struct arc_prompt *prompt);
/* Before we stop, so that the shell gets its terminal; and after that, or when somebody else has
 * stopped us, because the shell has changed it meanwhile. */
void arc_prompt_suspend(struct arc_prompt *prompt);
void arc_prompt_resumed(struct arc_prompt *prompt);

/* stdin is readable. With ARC_PROMPT_LINE and _SKIP the prompt is closed; *LINE is the caller's,
 * without its newline. */
enum arc_prompt_event arc_prompt_read(struct arc_prompt *prompt, char **line);

#endif
