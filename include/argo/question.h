/*
 * Questions of runs to people: find them, answer them.
 *
 * A question is open until one valid answer has been given, its deadline has passed or its run has
 * ended. The calls are typed calls: HOW says whether they block, see struct argo_call_options. For
 * what a snapshot gives the same holds as for those of <argo/workflow.h>.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_QUESTION_H
#define ARGO_QUESTION_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

typedef struct argo_question argo_question;
typedef struct argo_questions argo_questions;

enum argo_question_kind {
    ARGO_QUESTION_TEXT = 0,
    ARGO_QUESTION_CHOICE = 1,
    ARGO_QUESTION_CONFIRM = 2,
    ARGO_QUESTION_FORM = 3,
    ARGO_QUESTION_PERMISSION = 4
};

enum argo_question_state {
    ARGO_QUESTION_OPEN = 0,
    ARGO_QUESTION_ANSWERED = 1,
    ARGO_QUESTION_EXPIRED = 2,
    ARGO_QUESTION_CANCELLED = 3
};

struct argo_question_list_options {
    size_t size;   /* set by ARGO_QUESTION_LIST_OPTIONS_INIT */
    int state;     /* one of enum argo_question_state; -1: any. As initialised: the open ones */
    int64_t limit; /* of a page, at most 1,000; 0: all of them */
    const char *cursor; /* argo_questions_next_cursor of the page before; NULL: the first */
    int64_t after;      /* argo_questions_next_after of a list before; 0: none */
    /* wait for a change since then, at most so long (10 minutes, 30 s over TCP); 0: do not wait */
    int64_t wait_ms;
};

#define ARGO_QUESTION_LIST_OPTIONS_INIT                             \
    {                                                               \
        sizeof(struct argo_question_list_options), 0, 0, NULL, 0, 0 \
    }

/* The questions of all runs, in the order in which they were asked; OPTIONS may be NULL. With `after`
 * and `wait_ms` it waits until a question has been asked, answered or closed since that list, and
 * gives them as they are then. Errors: ARGO_E_INVALID, ARGO_E_WAITERS. Since: 0.1 */
ARGO_PUBLIC int argo_question_list(argo_client *client,
                                   const struct argo_question_list_options *options,
                                   const struct argo_call_options *how, argo_questions **out,
                                   argo_error **err);

/* The questions of a list, each valid until the list is freed (NULL beyond the last), where the next
 * page begins: NULL after the last one, and the `after` of who waits for a change of it.
 * argo_questions_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_questions_count(const argo_questions *list);
ARGO_PUBLIC const argo_question *argo_questions_at(const argo_questions *list, size_t index);
ARGO_PUBLIC const char *argo_questions_next_cursor(const argo_questions *list);
ARGO_PUBLIC int64_t argo_questions_next_after(const argo_questions *list);
ARGO_PUBLIC void argo_questions_free(argo_questions *list);

/* The question ID. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_QUESTION. Since: 0.1 */
ARGO_PUBLIC int argo_question_get(argo_client *client, const char *id,
                                  const struct argo_call_options *how, argo_question **out,
                                  argo_error **err);

/* Frees a question of argo_question_get; not one of a list. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_question_free(argo_question *question);

/* Answers the question ID of the run WORKFLOW_ID with what a person typed: for a choice a number,
 * label or value, for a confirmation yes or no; "" takes the default. It succeeds when the answer
 * is committed. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_NO_QUESTION,
 * ARGO_E_ANSWER (the question stays open; the problems say what does not fit), ARGO_E_ANSWERED
 * (another answer was first; the details say whose), ARGO_E_STATE (it is not open any more).
 * Since: 0.1 */
ARGO_PUBLIC int argo_question_answer_text(argo_client *client, const char *workflow_id,
                                          const char *id, const char *text,
                                          const struct argo_call_options *how, argo_error **err);

/* The same with a JSON value of LEN bytes (0: up to its NUL), at most 256 KiB: what
 * argo_question_schema describes. Errors: as argo_question_answer_text, and ARGO_E_JSON. Since: 0.1 */
ARGO_PUBLIC int argo_question_answer(argo_client *client, const char *workflow_id, const char *id,
                                     const char *answer, size_t len,
                                     const struct argo_call_options *how, argo_error **err);

/* Texts of a question: itself, its run, the path of the step that asks, the words to show; what
 * happens at its deadline ("default" or "fail"); who answered and with which program. Since: 0.1 */
ARGO_PUBLIC const char *argo_question_id(const argo_question *question);
ARGO_PUBLIC const char *argo_question_workflow_id(const argo_question *question);
ARGO_PUBLIC const char *argo_question_path(const argo_question *question);
ARGO_PUBLIC const char *argo_question_prompt(const argo_question *question);
ARGO_PUBLIC const char *argo_question_on_deadline(const argo_question *question);
ARGO_PUBLIC const char *argo_question_answered_by(const argo_question *question);
ARGO_PUBLIC const char *argo_question_answered_via(const argo_question *question);

/* Its kind and state, of enum argo_question_kind and argo_question_state; whether a choice takes
 * several, and whether the answer is not to be seen while it is typed. Since: 0.1 */
ARGO_PUBLIC int argo_question_kind(const argo_question *question);
ARGO_PUBLIC int argo_question_state(const argo_question *question);
ARGO_PUBLIC bool argo_question_multiple(const argo_question *question);
ARGO_PUBLIC bool argo_question_secret(const argo_question *question);

/* Its times: asked, to be answered by, answered. Since: 0.1 */
ARGO_PUBLIC int64_t argo_question_asked_ms(const argo_question *question);
ARGO_PUBLIC int64_t argo_question_deadline_ms(const argo_question *question);
ARGO_PUBLIC int64_t argo_question_answered_ms(const argo_question *question);

/* Its JSON: the schema of an answer; the choices, an array of {"label","value"}; the default; the
 * answer that was given, unless it is secret. Since: 0.1 */
ARGO_PUBLIC const char *argo_question_schema(const argo_question *question, size_t *len);
ARGO_PUBLIC const char *argo_question_choices(const argo_question *question, size_t *len);
ARGO_PUBLIC const char *argo_question_default(const argo_question *question, size_t *len);
ARGO_PUBLIC const char *argo_question_given(const argo_question *question, size_t *len);

ARGO_END_DECLS

#endif
