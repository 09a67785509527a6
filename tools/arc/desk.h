/*
 * The open questions of a run, or of all runs, in front of a person: which there are, which of them
 * is asked, what becomes of it. It reads no keyboard and waits for nothing.
 */
#ifndef ARC_DESK_H
#define ARC_DESK_H

#include "question.h"

struct arc_desk {
    struct arc *arc;
    struct arc_prompt *prompt;
    const char *workflow_id; /* NULL: of all runs */
    const char *question_id; /* NULL: any */
    bool lists;              /* the list comes first, also when there is only one */
    argo_value *open;        /* as of the last look */
    int64_t after;           /* the number of the last change of questions, as of then */
    argo_value *asked;       /* holds the one that is asked, or NULL */
    struct arc_asking asking;
    bool choosing; /* which one is asked for */
    bool stale;    /* what is typed, up to the next Enter, was meant for one that is settled */
    int settled;   /* how many have been answered, here or elsewhere, while they were asked */
};

void arc_desk_clear(struct arc_desk *desk);
/* Looks which are open. What has changed is said; arc_desk_ask then goes on. Returns how many there
 * are, or a code below 0. */
int arc_desk_look(struct arc_desk *desk, argo_error **err);
/* A question is asked, or which. */
bool arc_desk_is_busy(const struct arc_desk *desk);
/* The id of the newest one, "" when none is open. */
const char *arc_desk_newest(const struct arc_desk *desk);
bool arc_desk_has(const struct arc_desk *desk, const char *question_id);
/* Unless it is busy: asks the only one, or which. SHOWN (or NULL) is the id of the prompt that
 * stands on the screen already. */
void arc_desk_ask(struct arc_desk *desk, const char *shown);
/* The one that is asked has been settled elsewhere: says how. What is being typed is meant for it, so
 * all up to the next Enter is not sent. */
void arc_desk_settled(struct arc_desk *desk);
/* Nothing is asked: the prompt for what is typed meanwhile. */
void arc_desk_idle(struct arc_desk *desk);
/* What has been typed. 1: the desk is busy; 0: the question is settled, look again; or a code below
 * 0. REPLY is filled when the answer has been taken. */
int arc_desk_line(struct arc_desk *desk, const char *line, struct arc_reply *reply,
                  argo_error **err);
/* Says again what is asked, while its prompt is away: after Ctrl-Z the screen is another. */
void arc_desk_remind(struct arc_desk *desk);
/* Ctrl-G: back to the list. */
void arc_desk_skip(struct arc_desk *desk);
/* Asks nothing any more. */
void arc_desk_drop(struct arc_desk *desk);

#endif
