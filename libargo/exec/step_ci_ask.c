/*
 * ci_ask: asks a CI and keeps its reply; or has it word a question, which a person answers.
 */
#include <string.h>

#include "base/text.h"
#include "exec/ci.h"

static const char wording[] =
    "Word what is to be asked of a person, as one question to that person. Reply with the question "
    "and with nothing else.";

/* An original template says so by having prompt_template and no CI. What fits a schema no person
 * is asked for here: he answers with text. */
static bool asks_person(const struct ag_strand *s)
{
    const ag_value *said = ag_strand_field(s, "ask_user");
    return said != NULL
               ? ag_value_as_bool(said)
               : ag_strand_field(s, "prompt_template") != NULL &&
                     ag_strand_field(s, "ci") == NULL && ag_strand_field(s, "provider") == NULL &&
                     ag_strand_field(s, "schema") == NULL;
}

static int make_prompt(struct ag_strand *s, char **out, argo_error **err)
{
    int r = ag_strand_text(s, "prompt", out, err);
    return r < 0 || *out != NULL ? r : ag_strand_text(s, "prompt_template", out, err);
}

/* ---- a question to a person ------------------------------------------------------------------- */

static void put(struct ag_asking *a, const char *prompt)
{
    struct ag_question *q = &a->ask.question;
    free(q->prompt);
    q->prompt = ag_strdup(prompt);
    q->lookup = false;
    if (q->prompt == NULL) {
        ag_strand_fail(a->ask.strand, AG_FAIL_INPUT, "out of memory");
        return;
    }
    ag_ask_send(&a->ask);
}

static void worded(struct ag_asking *a, ag_value *value)
{
    AG_AUTO(ag_value) reply = value;
    const char *text = ag_value_as_text(reply);
    size_t len = strlen(text);
    while (len > 0 && strchr(" \r\n\t", text[len - 1]) != NULL) {
        len--;
    }
    len = len > AG_MAX_TEXT ? ag_utf8_complete(text, AG_MAX_TEXT) : len;
    ag_auto_free char *prompt = ag_strndup(text, len);
    if (len == 0 || prompt == NULL) {
        ag_strand_fail(a->ask.strand, AG_FAIL_CI, "the CI has worded no question");
        return;
    }
    a->ask.question.usage = ag_value_ref(a->usage);
    put(a, prompt);
}

/* An attempt before this one, which died or was parked, may have asked. */
static void looked_up(struct ag_strand *s, void *state, const struct ag_question *q,
                      const argo_error *err)
{
    struct ag_asking *a = state;
    if (argo_error_code(err) == ARGO_E_NO_QUESTION) {
        ag_asking_send(a);
    } else if (err != NULL) {
        ag_strand_fail_error(s, AG_FAIL_INPUT, err);
    } else {
        ag_strand_set_usage(s, q->usage);
        put(a, q->prompt);
    }
}

static int prepare_question(struct ag_asking *a, struct ag_strand *s, const char *prompt,
                            argo_error **err)
{
    struct ag_question *q = &a->ask.question;
    int r = ag_ask_prepare(&a->ask, s, err);
    if (r == 0 && q->prompt == NULL) {
        q->prompt = ag_strdup(prompt);
    }
    q->kind = AG_QUESTION_TEXT;
    q->lookup = true;
    a->ask.answered = ag_ask_save;
    a->replied = worded;
    a->quiet = true;
    return r;
}

/* ---- the step --------------------------------------------------------------------------------- */

static void start(struct ag_strand *s, void *state)
{
    struct ag_asking *a = state;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *prompt = NULL;
    bool person = asks_person(s);
    int r = make_prompt(s, &prompt, &err);
    if (r == 0) {
        r = ag_asking_prepare(a, s, prompt, person ? wording : NULL, &err);
    }
    if (r == 0 && person) {
        r = prepare_question(a, s, prompt, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
    } else if (person && s->now.attempt > s->now.failures + 1) {
        ag_strand_question(s, &a->ask.question, looked_up);
    } else {
        ag_asking_send(a);
    }
}

const struct ag_step_ops ag_step_ci_ask = {
    .name = "ci_ask",
    .start_row = true,
    .state_size = sizeof(struct ag_asking),
    .start = start,
    .input = ag_ask_input,
    .doing = ag_asking_doing,
    .free = ag_asking_free,
};
