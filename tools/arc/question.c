/*
 * Questions over the API. The daemon checks answers; nothing is decided here.
 */
#include "question.h"

#include <string.h>

#include "table.h"
#include "terminal.h"

static const char *kind_of(const argo_value *question)
{
    return argo_value_text(question, "kind", "text");
}

bool arc_question_is_form(const argo_value *question)
{
    return strcmp(kind_of(question), "form") == 0;
}

static bool is_yes_no(const argo_value *question)
{
    const char *kind = kind_of(question);
    return strcmp(kind, "confirm") == 0 || strcmp(kind, "permission") == 0;
}

/* ---- which are open -------------------------------------------------------------------------- */

/* Those with a deadline first, the nearest one before all; then the oldest. Times on the wire are of
 * one length and one zone: their text sorts as they do. */
static int compare(const void *a, const void *b)
{
    static const char last[] = "~";
    const argo_value *const *p = a;
    const argo_value *const *q = b;
    int r = strcmp(argo_value_text(*p, "deadline", last), argo_value_text(*q, "deadline", last));
    return r != 0 ? r : strcmp(argo_value_text(*p, "asked", ""), argo_value_text(*q, "asked", ""));
}

static bool is_wanted(const argo_value *question, const char *workflow_id, const char *question_id)
{
    return (workflow_id == NULL ||
            strcmp(argo_value_text(question, "workflow_id", ""), workflow_id) == 0) &&
           (question_id == NULL ||
            strcmp(argo_value_text(question, "question_id", ""), question_id) == 0);
}

static argo_value *sorted(const argo_value *list, const char *workflow_id, const char *question_id)
{
    size_t n = 0;
    const argo_value **items = calloc(argo_value_size(list) + 1, sizeof(*items));
    argo_value *out = items == NULL ? NULL : argo_value_new_array();
    for (size_t i = 0; out != NULL && i < argo_value_size(list); i++) {
        const argo_value *q = argo_value_at(list, i);
        if (is_wanted(q, workflow_id, question_id)) {
            items[n++] = q;
        }
    }
    if (out != NULL) {
        qsort(items, n, sizeof(*items), compare);
    }
    for (size_t i = 0; i < n; i++) {
        (void)argo_value_set_value(out, NULL, items[i]);
    }
    free(items);
    return out;
}

int arc_question_list(struct arc *arc, const char *workflow_id, const char *question_id,
                      int64_t *after, argo_value **out, argo_error **err)
{
    arc_auto_reply struct arc_reply reply = {0};
    int r = arc_request_running(arc, "GET", "/api/questions?state=open", NULL, 0, &reply, err);
    if (r < 0) {
        return r;
    }
    if (after != NULL) {
        *after = argo_value_int(reply.value, "data.next_after", 0);
    }
    *out = sorted(argo_value_get(reply.value, "questions"), workflow_id, question_id);
    return (int)argo_value_size(*out);
}

static bool has_deadline(const argo_value *list)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        if (argo_value_text(argo_value_at(list, i), "deadline", NULL) != NULL) {
            return true;
        }
    }
    return false;
}

static void add_row(struct arc_table *table, const argo_value *q, size_t number, bool of_all,
                    bool until)
{
    char text[ARC_TIME_SIZE];
    if (number > 0) {
        snprintf(text, sizeof(text), "%zu", number);
        arc_table_add(table, text);
    }
    if (of_all) {
        arc_table_add(table, argo_value_text(q, "workflow_id", ""));
    }
    arc_table_add(table, argo_value_text(q, number > 0 ? "path" : "question_id", ""));
    arc_table_add(table, kind_of(q));
    arc_table_add(table, arc_time_ago(argo_value_text(q, "asked", NULL), text));
    if (until) {
        arc_table_add(table, arc_time_ago(argo_value_text(q, "deadline", NULL), text));
    }
    arc_table_add(table, argo_value_text(q, "prompt", ""));
}

void arc_question_table(const argo_value *list, bool numbered, bool of_all)
{
    struct arc_table table;
    const char *headers[ARC_TABLE_COLUMNS + 1] = {0};
    size_t n = 0;
    bool until = has_deadline(list);
    if (numbered) {
        headers[n++] = "NO";
    }
    if (of_all) {
        headers[n++] = "WORKFLOW";
    }
    headers[n++] = numbered ? "STEP" : "ID";
    headers[n++] = "KIND";
    headers[n++] = "ASKED";
    if (until) {
        headers[n++] = "UNTIL";
    }
    headers[n] = "QUESTION";
    arc_table_init(&table, headers);
    table.keep = numbered || of_all ? 2 : 1;
    for (size_t i = 0; i < argo_value_size(list); i++) {
        add_row(&table, argo_value_at(list, i), numbered ? i + 1 : 0, of_all, until);
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
}

/* ---- showing --------------------------------------------------------------------------------- */

static void show_choices(const argo_value *question)
{
    const argo_value *choices = argo_value_get(question, "choices");
    for (size_t i = 0; i < argo_value_size(choices); i++) {
        const argo_value *choice = argo_value_at(choices, i);
        arc_auto_free char *label =
            arc_clean_text(argo_value_text(choice, "label", argo_value_text(choice, NULL, "?")), 1);
        printf("  %zu) %s\n", i + 1, label != NULL ? label : "?");
    }
    if (argo_value_bool(question, "multiple", false)) {
        puts("(several, separated by commas)");
    }
}

static void show_default(const argo_value *question)
{
    const argo_value *standard = argo_value_get(question, "default");
    if (standard == NULL || argo_value_type(standard) == ARGO_TYPE_NULL ||
        arc_question_is_form(question)) {
        return;
    }
    arc_auto_free char *json = argo_value_print(standard, 0);
    arc_putf(stdout, "(Enter alone: %s)\n",
             is_yes_no(question) ? "no" : argo_value_text(standard, NULL, json));
}

void arc_question_show(const argo_value *question, bool with_prompt, bool here)
{
    char time[ARC_TIME_SIZE];
    const char *deadline = argo_value_text(question, "deadline", NULL);
    if (with_prompt) {
        arc_putf(stdout, "%s\n", argo_value_text(question, "prompt", ""));
    }
    show_choices(question);
    if (arc_question_is_form(question) && !here) {
        arc_form_describe(question);
    }
    if (is_yes_no(question)) {
        puts("(yes or no; with a reason: no, because ...)");
    }
    show_default(question);
    if (deadline != NULL) {
        printf("Until %s\n", arc_time_local(deadline, time));
    }
}

char *arc_question_told(struct arc *arc, const char *question_id)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/question/{}", question_id);
    if (arc_request_running(arc, "GET", path, NULL, 0, &reply, &err) < 0) {
        return NULL;
    }
    const char *state = argo_value_text(reply.value, "state", "");
    const char *by = argo_value_text(reply.value, "data.answered_by", "somebody");
    const char *via = argo_value_text(reply.value, "data.answered_via", "another way");
    const argo_value *answer = argo_value_get(reply.value, "data.answer"); /* none: a secret */
    if (strcmp(state, "open") == 0) {
        return NULL;
    }
    if (strcmp(state, "expired") == 0) {
        return strdup("Nobody has answered in time");
    }
    if (strcmp(state, "answered") != 0) {
        return arc_format("The question is closed (%s)", state);
    }
    arc_auto_free char *json = answer == NULL ? NULL : argo_value_print(answer, 0);
    return json == NULL ? arc_format("Answered by %s via %s", by, via)
                        : arc_format("Answered by %s via %s: %s", by, via,
                                     argo_value_text(answer, NULL, json));
}

static const char *prompt_of(const argo_value *question)
{
    if (argo_value_bool(question, "secret", false)) {
        return "(not shown) > ";
    }
    return is_yes_no(question) ? "[yes/no] > " : arc_question_is_form(question) ? "{...} > " : "> ";
}

static int post(struct arc *arc, const char *workflow_id, const argo_value *body,
                struct arc_reply *reply, argo_error **err)
{
    arc_auto_free char *path = argo_client_path("/api/workflow/input/{}", workflow_id);
    return arc_request_running(arc, "POST", path, body, 0, reply, err);
}

int arc_question_answer_json(struct arc *arc, const char *workflow_id, const char *question_id,
                             const char *json, struct arc_reply *reply, argo_error **err)
{
    arc_auto_value argo_value *answer = NULL;
    arc_auto_value argo_value *body = argo_value_new_object();
    int r = argo_value_parse(json, strlen(json), &answer, err);
    if (r < 0) {
        return r;
    }
    (void)argo_value_set_text(body, "question_id", question_id);
    (void)argo_value_set_value(body, "answer", answer);
    return post(arc, workflow_id, body, reply, err);
}

int arc_question_answer(struct arc *arc, const char *workflow_id, const argo_value *question,
                        const char *line, struct arc_reply *reply, argo_error **err)
{
    const char *id = argo_value_text(question, "question_id", "");
    if (arc_question_is_form(question)) {
        return arc_question_answer_json(arc, workflow_id, id, line, reply, err);
    }
    /* `input`, not `answer`: the text is then read as a person's, so that an empty line means the
     * default and "2" the second choice. */
    arc_auto_value argo_value *body = argo_value_new_object();
    (void)argo_value_set_text(body, "question_id", id);
    if (argo_value_set_text(body, "input", line) < 0) {
        (void)argo_value_set_text(body, "input", "");
    }
    return post(arc, workflow_id, body, reply, err);
}

/* ---- asking ---------------------------------------------------------------------------------- */

void arc_asking_begin(struct arc_asking *asking, const argo_value *question)
{
    arc_asking_end(asking);
    asking->question = question;
    asking->form = arc_question_is_form(question) ? arc_form_new(question) : NULL;
}

void arc_asking_end(struct arc_asking *asking)
{
    arc_form_free(asking->form);
    *asking = (struct arc_asking){0};
}

/* What stands before the prompt, and the prompt; whether it is SECRET. */
static const char *show_next(struct arc_asking *asking, bool *secret)
{
    *secret = argo_value_bool(asking->question, "secret", false);
    return asking->form != NULL ? arc_form_show(asking->form, secret) : prompt_of(asking->question);
}

void arc_asking_show(struct arc_asking *asking)
{
    bool secret;
    (void)show_next(asking, &secret);
}

void arc_asking_open(struct arc_asking *asking, struct arc_prompt *prompt)
{
    bool is_text = strcmp(kind_of(asking->question), "text") == 0;
    bool secret;
    const char *text = show_next(asking, &secret);
    arc_prompt_open(prompt, text,
                    secret    ? ARC_PROMPT_SECRET
                    : is_text ? ARC_PROMPT_TEXT
                              : ARC_PROMPT_PLAIN);
}

static int send_form(struct arc_asking *asking, struct arc *arc, const char *workflow_id,
                     struct arc_reply *reply, argo_error **err)
{
    const char *id = argo_value_text(asking->question, "question_id", "");
    arc_auto_free char *json = arc_form_answer(asking->form);
    return json == NULL ? ARGO_E_NOMEM
                        : arc_question_answer_json(arc, workflow_id, id, json, reply, err);
}

/* Enter alone is too easily pressed to be an answer by itself. */
static bool needs_text(const argo_value *question)
{
    const argo_value *standard = argo_value_get(question, "default");
    return strcmp(kind_of(question), "text") == 0 &&
           (standard == NULL || argo_value_type(standard) == ARGO_TYPE_NULL);
}

int arc_asking_line(struct arc_asking *asking, struct arc *arc, const char *workflow_id,
                    const char *line, struct arc_reply *reply, argo_error **err)
{
    arc_auto_error argo_error *why = NULL;
    if (asking->form != NULL && !arc_form_take(asking->form, line)) {
        return 1;
    }
    if (*line == '\0' && needs_text(asking->question)) {
        arc_putf(stdout, "Nothing was typed. To answer just that: arc answer %s ''\n", workflow_id);
        return 1;
    }
    int r = asking->form != NULL
                ? send_form(asking, arc, workflow_id, reply, &why)
                : arc_question_answer(arc, workflow_id, asking->question, line, reply, &why);
    bool refused = r == ARGO_E_ANSWER || r == ARGO_E_JSON;
    if (refused && asking->form != NULL) {
        arc_form_again(asking->form, why);
    } else if (refused) {
        arc_putf(stdout, "%s\n", argo_error_details(why));
    } else {
        *err = why;
        why = NULL;
    }
    return refused ? 1 : r;
}

void arc_question_how(const argo_value *question, bool one_of_several)
{
    const char *run = argo_value_text(question, "workflow_id", "");
    arc_auto_free char *form = arc_question_is_form(question) ? arc_form_example(question) : NULL;
    arc_putf(stderr, "%s waits for an answer (%s). Answer it: arc answer %s %s%s%s%s%s\n", run,
             kind_of(question), run, form != NULL ? "--json-answer '" : "ANSWER",
             form != NULL ? form : "", form != NULL ? "'" : "",
             one_of_several ? " --question " : "",
             one_of_several ? argo_value_text(question, "question_id", "") : "");
}
