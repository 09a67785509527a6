/*
 * Asking a person: what user_ask and user_choose share. The question is durable in the daemon;
 * here is only the wait for its answer.
 */
#ifndef AG_EXEC_ASK_H
#define AG_EXEC_ASK_H

#include "exec/step.h"

/* The state of a step that asks, or its first member. */
struct ag_ask {
    struct ag_strand *strand;
    struct ag_question question; /* owned */
    int64_t round;               /* the question is asked again after an answer that will not do */
    ag_wall *deadline;
    /* VALUE is the answer, borrowed. Leads to ag_strand_done, ag_strand_fail or ag_ask_again. */
    void (*answered)(struct ag_ask *ask, const ag_value *value);
};

/* Fills in the question's id, path, prompt, default, secret and deadline from the step's fields. */
int ag_ask_prepare(struct ag_ask *ask, struct ag_strand *s, argo_error **err);
void ag_ask_send(struct ag_ask *ask);
/* Tells WHY the answer will not do and asks anew. */
void ag_ask_again(struct ag_ask *ask, const char *why);
void ag_ask_input(struct ag_strand *s, void *state, const struct ag_stream_record *record);
void ag_ask_free(void *state);

#endif
