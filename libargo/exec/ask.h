/*
 * Asking a person: what the steps that ask share. The question is durable in the daemon, which checks
 * the answers; here is only the wait for one.
 */
#ifndef AG_EXEC_ASK_H
#define AG_EXEC_ASK_H

#include "exec/step.h"

/* The state of a step that asks, or its first member. */
struct ag_ask {
    struct ag_strand *strand;
    struct ag_question question; /* owned */
    ag_wall *deadline;
    int64_t sent_at; /* wall ms: the reply is at least as young */
    bool late;       /* nobody has answered in time: the default counts */
    /* VALUE is the answer, borrowed. Leads to ag_strand_done or ag_strand_fail. */
    void (*answered)(struct ag_ask *ask, const ag_value *value);
};

/* Fills in the question's id, path, prompt, default, secret and deadline from the step's fields.
 * What else the question is, the step adds before it sends it. */
int ag_ask_prepare(struct ag_ask *ask, struct ag_strand *s, argo_error **err);
void ag_ask_send(struct ag_ask *ask);
/* An `answered`: saves the answer as it is, and the step is done. */
void ag_ask_save(struct ag_ask *ask, const ag_value *value);
void ag_ask_input(struct ag_strand *s, void *state, const struct ag_stream_record *record);
void ag_ask_free(void *state);

#endif
