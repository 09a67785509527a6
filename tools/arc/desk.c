/*
 * Choosing and asking. All that it prints goes to stdout while the prompt is away.
 */
#include "desk.h"

#include <string.h>

static const char *id_of(const argo_value *question)
{
    return argo_value_text(question, "question_id", "");
}

static const argo_value *find(const argo_value *list, const char *id)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *q = argo_value_at(list, i);
        if (strcmp(id_of(q), id) == 0) {
            return q;
        }
    }
    return NULL;
}

/* Whether the one list has a question that the other has not. */
static bool has_more(const argo_value *list, const argo_value *other)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        if (find(other, id_of(argo_value_at(list, i))) == NULL) {
            return true;
        }
    }
    return false;
}

void arc_desk_drop(struct arc_desk *desk)
{
    if (desk->prompt != NULL && (arc_desk_is_busy(desk) || desk->stale)) {
        arc_prompt_close(desk->prompt);
    }
    arc_asking_end(&desk->asking);
    argo_value_free(desk->asked);
    desk->asked = NULL;
    desk->choosing = false;
}

void arc_desk_clear(struct arc_desk *desk)
{
    arc_desk_drop(desk);
    argo_value_free(desk->open);
    desk->open = NULL;
}

bool arc_desk_is_busy(const struct arc_desk *desk)
{
    return desk->asked != NULL || desk->choosing;
}

bool arc_desk_has(const struct arc_desk *desk, const char *question_id)
{
    return find(desk->open, question_id) != NULL;
}

const char *arc_desk_newest(const struct arc_desk *desk)
{
    const argo_value *newest = NULL;
    for (size_t i = 0; i < argo_value_size(desk->open); i++) {
        const argo_value *q = argo_value_at(desk->open, i);
        if (newest == NULL ||
            strcmp(argo_value_text(q, "asked", ""), argo_value_text(newest, "asked", "")) > 0) {
            newest = q;
        }
    }
    return newest == NULL ? "" : id_of(newest);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* How the one that is asked has been settled. */
static void explain(const struct arc_desk *desk)
{
    arc_auto_free char *told = arc_question_told(desk->arc, id_of(desk->asking.question));
    arc_putf(stdout, "%s\n", told != NULL ? told : "The question is closed");
    fflush(stdout);
}

void arc_desk_settled(struct arc_desk *desk)
{
    if (desk->prompt != NULL) {
        arc_prompt_close(desk->prompt);
    }
    explain(desk);
    arc_desk_drop(desk);
    desk->settled++;
    desk->stale = true;
}

static void list(struct arc_desk *desk);

int arc_desk_look(struct arc_desk *desk, argo_error **err)
{
    arc_auto_value argo_value *before = NULL;
    argo_value *now = NULL;
    int n =
        arc_question_list(desk->arc, desk->workflow_id, desk->question_id, &desk->after, &now, err);
    if (n < 0) {
        return n;
    }
    before = desk->open;
    desk->open = now;
    bool more = has_more(now, before);
    if (desk->asked != NULL && find(now, id_of(desk->asking.question)) == NULL) {
        arc_desk_settled(desk);
    } else if (desk->asked != NULL && before != NULL && more) {
        arc_prompt_hide(desk->prompt);
        fputs("Another question is open. Ctrl-G: choose which to answer.\n", stdout);
        arc_prompt_show(desk->prompt);
    } else if (desk->choosing && (more || has_more(before, now))) {
        list(desk); /* it is another */
    }
    return n;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Nothing of what is typed for another question may be seen, as that may have been a secret. */
static void open_stale(struct arc_desk *desk)
{
    arc_prompt_open(desk->prompt, "(What you were typing is not sent. Enter: go on) > ",
                    ARC_PROMPT_SECRET);
}

void arc_desk_idle(struct arc_desk *desk)
{
    if (!desk->stale) {
        arc_prompt_ahead(desk->prompt);
    } else if (!arc_prompt_is_shown(desk->prompt)) {
        open_stale(desk);
    }
}

static void open_prompt(struct arc_desk *desk)
{
    char text[64];
    size_t n = argo_value_size(desk->open);
    if (desk->stale) {
        open_stale(desk);
    } else if (desk->choosing) {
        snprintf(text, sizeof(text),
                 n == 1 ? "Answer it (Enter) > " : "Which (1 to %zu, Enter: 1) > ", n);
        arc_prompt_open(desk->prompt, text, ARC_PROMPT_PLAIN);
    } else {
        arc_asking_open(&desk->asking, desk->prompt);
    }
}

static void begin(struct arc_desk *desk, size_t i, const char *shown)
{
    argo_value *copy = argo_value_new_array();
    const argo_value *q = argo_value_at(desk->open, i);
    arc_desk_drop(desk);
    (void)argo_value_set_value(copy, NULL, q);
    desk->asked = copy;
    q = argo_value_at(copy, 0);
    arc_question_show(q, shown == NULL || strcmp(shown, id_of(q)) != 0, true);
    arc_asking_begin(&desk->asking, q);
    open_prompt(desk);
}

static void show_list(const struct arc_desk *desk)
{
    if (desk->workflow_id != NULL) {
        arc_putf(stdout, "%s asks %zu questions:\n", desk->workflow_id,
                 argo_value_size(desk->open));
    }
    arc_question_table(desk->open, true, desk->workflow_id == NULL);
}

static void list(struct arc_desk *desk)
{
    arc_desk_drop(desk);
    if (argo_value_size(desk->open) == 0) {
        return;
    }
    fputs(desk->settled > 0 ? "\n" : "", stdout);
    desk->choosing = true;
    show_list(desk);
    open_prompt(desk);
}

void arc_desk_ask(struct arc_desk *desk, const char *shown)
{
    size_t n = argo_value_size(desk->open);
    if (arc_desk_is_busy(desk) || n == 0) {
        return;
    }
    if (n == 1 && !desk->lists) {
        begin(desk, 0, shown);
    } else {
        list(desk);
    }
}

void arc_desk_remind(struct arc_desk *desk)
{
    if (desk->choosing) {
        show_list(desk);
    } else if (desk->asked != NULL) {
        arc_question_show(desk->asking.question, true, true);
    }
    if (desk->asked != NULL && !desk->stale) {
        arc_asking_show(&desk->asking);
    }
}

void arc_desk_skip(struct arc_desk *desk)
{
    if (arc_desk_is_busy(desk)) {
        arc_desk_drop(desk);
        arc_desk_ask(desk, NULL);
    }
}

/* A number of the list, or a run that has one question in it. */
static long chosen(const struct arc_desk *desk, const char *line)
{
    size_t n = argo_value_size(desk->open);
    long found = -1;
    line += strspn(line, " ");
    if (*line == '\0') {
        return 1;
    }
    long number = arc_parse_number(line, 1, (long)n);
    for (size_t i = 0; number < 0 && i < n; i++) {
        const argo_value *q = argo_value_at(desk->open, i);
        if (strcmp(argo_value_text(q, "workflow_id", ""), line) == 0 ||
            strcmp(argo_value_text(q, "path", ""), line) == 0) {
            found = found == -1 ? (long)i + 1 : -2;
        }
    }
    return number > 0 ? number : found;
}

static int choose(struct arc_desk *desk, const char *line)
{
    long i = chosen(desk, line);
    if (i > 0) {
        begin(desk, (size_t)i - 1, NULL);
    } else {
        arc_putf(stdout, "'%s' is none of them\n", line);
        list(desk);
    }
    return 1;
}

int arc_desk_line(struct arc_desk *desk, const char *line, struct arc_reply *reply,
                  argo_error **err)
{
    arc_auto_error argo_error *why = NULL;
    if (desk->stale) {
        desk->stale = false;
        if (arc_desk_is_busy(desk)) {
            open_prompt(desk);
        }
        return 1;
    }
    if (desk->choosing) {
        return choose(desk, line);
    }
    const char *run = argo_value_text(desk->asking.question, "workflow_id", "");
    int r = arc_asking_line(&desk->asking, desk->arc, run, line, reply, &why);
    if (r < 0 && arc_is_away(r)) {
        arc_putf(stdout, "%s: the answer has not been taken. Again:\n", argo_error_message(why));
        r = 1;
    }
    if (r == 1) {
        arc_asking_open(&desk->asking, desk->prompt);
        return 1;
    }
    if (r == ARGO_E_ANSWERED || r == ARGO_E_NO_QUESTION) {
        explain(desk);
        r = 0;
    } else if (r == ARGO_E_STATE) {
        arc_putf(stdout, "%s\n", argo_error_details(why));
        r = 0;
    }
    if (r < 0) {
        *err = why;
        why = NULL;
        return r;
    }
    desk->settled++;
    arc_desk_drop(desk);
    return 0;
}
