/*
 * Asking a CI: what the steps that ask one share. They differ in the prompt that they make, and in what
 * they do with the reply.
 */
#ifndef AG_EXEC_CI_H
#define AG_EXEC_CI_H

#include "exec/ask.h"
#include "provider/provider.h"

/* The state of a step that asks a CI, or its first member. */
struct ag_asking {
    struct ag_ask ask; /* the strand; and the question to a person, where there is one */
    ag_ci_call *call;
    char *system, *model;
    ag_value *messages; /* what is asked; a reply that will not do, and why, are added */
    ag_value *schema, *environment;
    ag_value *usage; /* of all calls so far */
    bool quiet;      /* what it says is not shown */
    bool again;      /* it has been told what was wrong with its reply */
    bool labelled;   /* the label of a replayed reply has been shown */
    bool open_line;  /* what was shown last did not end in a newline */
    /* VALUE is the reply, taken over. Leads to ag_strand_done or ag_strand_fail. NULL: it is saved,
     * and the step is done. */
    void (*replied)(struct ag_asking *a, ag_value *value);
};

/* Takes the fields that all such steps have, and PROMPT: model, persona, system, schema. EXTRA is
 * added to the system text, or NULL. */
int ag_asking_prepare(struct ag_asking *a, struct ag_strand *s, const char *prompt,
                      const char *extra, argo_error **err);
/* Finds the CI and asks it. A reply that does not fit the schema is asked for once more. */
void ag_asking_send(struct ag_asking *a);
void ag_asking_free(void *state);
/* A `doing`. */
char *ag_asking_doing(struct ag_strand *s, const struct ag_visit *v);

/* A part of a prompt: TITLE, then the value of field KEY, if there is one. A list of texts is put line
 * by line, other values are put as JSON. */
struct ag_asking_part {
    const char *key, *title;
};

/* A `start`: asks with a prompt that is made of fields, and saves the reply. RULES are added to the
 * system text. */
void ag_asking_start(struct ag_strand *s, void *state, const struct ag_asking_part *parts, size_t n,
                     const char *rules);

#endif
