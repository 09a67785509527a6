/*
 * Questions: which one is open, showing it, turning what was typed into an answer.
 */
#ifndef ARC_QUESTION_H
#define ARC_QUESTION_H

#include "arc.h"
#include "form.h"
#include "prompt.h"

/* Those that are open, of a run or (NULL) of all, all of them or (not NULL) the one named
 * QUESTION_ID: an array of the caller's, the most urgent first. *AFTER (AFTER may be NULL) is the
 * number to wait for a change of questions with. Returns how many, or a code below 0. */
int arc_question_list(struct arc *arc, const char *workflow_id, const char *question_id,
                      int64_t *after, argo_value **out, argo_error **err);
/* The list as a table: NUMBERED to choose from it, else with the ids; OF_ALL: with the runs. */
void arc_question_table(const argo_value *list, bool numbered, bool of_all);
/* Prints the prompt (unless it is on the screen already), choices and what is expected; the fields
 * of a form unless they are asked HERE, one by one. */
void arc_question_show(const argo_value *question, bool with_prompt, bool here);
bool arc_question_is_form(const argo_value *question);
/* How the question was settled, "Answered by ann via arc: blue", the caller's; NULL: it is open, or
 * there is none. */
char *arc_question_told(struct arc *arc, const char *question_id);
/* Sends the line that was typed; as JSON when the question is a form. */
int arc_question_answer(struct arc *arc, const char *workflow_id, const argo_value *question,
                        const char *line, struct arc_reply *reply, argo_error **err);
/* Sends an answer in JSON. */
int arc_question_answer_json(struct arc *arc, const char *workflow_id, const char *question_id,
                             const char *json, struct arc_reply *reply, argo_error **err);

/* Asking a question on the terminal, which for a form takes several lines. */
struct arc_asking {
    const argo_value *question; /* outlives it */
    struct arc_form *form;      /* NULL: one line is the answer */
};

void arc_asking_begin(struct arc_asking *asking, const argo_value *question);
void arc_asking_end(struct arc_asking *asking);
/* Shows what is asked next and opens the prompt for it. */
void arc_asking_open(struct arc_asking *asking, struct arc_prompt *prompt);
/* Shows again what is asked next, while the prompt is away. */
void arc_asking_show(struct arc_asking *asking);
/* Takes a line. 1: another one is wanted, because there is more to ask, or the daemon does not take
 * the answer and it has been said why. Else what came of sending it: 0, or a code. */
int arc_asking_line(struct arc_asking *asking, struct arc *arc, const char *workflow_id,
                    const char *line, struct arc_reply *reply, argo_error **err);
/* How to answer it elsewhere, on stderr. */
void arc_question_how(const argo_value *question, bool one_of_several);

#endif
