/*
 * Questions: which one is open, showing it, turning what was typed into an answer.
 */
#ifndef ARC_QUESTION_H
#define ARC_QUESTION_H

#include "arc.h"

/* The first open question of the run, or the one named QUESTION_ID (may be NULL), as a value of
 * its own in *OUT; NULL: none is open. Returns how many there are, or a code below 0. */
int arc_question_find(struct arc *arc, const char *workflow_id, const char *question_id,
                      argo_value **out, argo_error **err);
/* Prints the prompt (unless it is on the screen already), choices and what is expected. */
void arc_question_show(const argo_value *question, bool with_prompt);
/* What stands before the answer: "[yes/no] > ". */
const char *arc_question_prompt(const argo_value *question);
/* Sends the line that was typed; as JSON when the question is a form. */
int arc_question_answer(struct arc *arc, const char *workflow_id, const argo_value *question,
                        const char *line, struct arc_reply *reply, argo_error **err);
/* Sends an answer in JSON. */
int arc_question_answer_json(struct arc *arc, const char *workflow_id, const char *question_id,
                             const char *json, struct arc_reply *reply, argo_error **err);
/* How to answer it elsewhere, on stderr. */
void arc_question_how(const char *workflow_id, const argo_value *question);

#endif
