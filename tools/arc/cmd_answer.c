/*
 * answer, inbox: answering without following a run.
 */
#include <string.h>

#include "arc.h"
#include "ask.h"
#include "commands.h"
#include "current.h"

enum { WAIT_S = 10, WAIT_MAX_S = 86400 };

struct answer {
    const char *question, *json, *wait;
};

/* There is none to answer; STATE is the run's. */
static int no_question(struct arc *arc, const struct arc_desk *desk, const char *state)
{
    const char *id = desk->workflow_id;
    if (desk->question_id != NULL) {
        arc_auto_free char *told = arc_question_told(arc, desk->question_id);
        if (told != NULL) {
            return arc_failed_with(arc, ARGO_E_ANSWERED, "%s", told);
        }
        arc_failed_with(arc, ARGO_E_NO_QUESTION, "%s has no open question %s", id,
                        desk->question_id);
    } else {
        arc_failed_with(arc, ARGO_E_STATE, "%s asks nothing: it is %s", id, state);
    }
    if (!arc->json) {
        arc_putf(stderr, "See its state: arc status %s\n", id);
    }
    return desk->question_id != NULL ? ARC_EXIT_NOT_FOUND : ARC_EXIT_FAILED;
}

/* Sends what the command line says. */
static int give(struct arc *arc, const char *id, const argo_value *question, const char *text,
                const char *json)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    const char *question_id = argo_value_text(question, "question_id", "");
    if (json == NULL && arc_question_is_form(question) && text[strspn(text, " \t")] != '{') {
        arc_failed_with(arc, ARGO_E_ANSWER, "%s asks for a form, which a word does not answer", id);
        if (!arc->json) {
            arc_question_show(question, true, false);
            fflush(stdout);
            arc_question_how(question, false);
        }
        return ARC_EXIT_FAILED;
    }
    int r = json != NULL ? arc_question_answer_json(arc, id, question_id, json, &reply, &err)
                         : arc_question_answer(arc, id, question, text, &reply, &err);
    arc_auto_free char *told = r == ARGO_E_ANSWERED ? arc_question_told(arc, question_id) : NULL;
    if (told != NULL) {
        return arc_failed_with(arc, r, "%s", told);
    }
    if (r < 0) {
        return arc_fail(arc, err);
    }
    return arc->json ? arc_print_reply(&reply) : ARC_EXIT_OK;
}

/* Without a terminal: what is asked, and how to answer it. */
static int show(const struct arc *arc, const argo_value *list)
{
    size_t n = argo_value_size(list);
    if (arc->json) {
        arc_auto_value argo_value *reply = argo_value_new_object();
        (void)argo_value_set_value(reply, "questions", list);
        arc_auto_free char *text = argo_value_print(reply, 0);
        arc_print_json(text);
        return ARC_EXIT_ANSWER;
    }
    for (size_t i = 0; i < n; i++) {
        const argo_value *q = argo_value_at(list, i);
        arc_question_show(q, true, false);
        fflush(stdout);
        arc_question_how(q, n > 1);
    }
    return ARC_EXIT_ANSWER;
}

static int get_run(struct arc *arc, const char *id, struct arc_reply *reply, argo_error **err)
{
    arc_auto_free char *path = argo_client_path("/api/workflow/status/{}", id);
    return arc_request(arc, "GET", path, NULL, 0, reply, err);
}

/* Whether it may ask something by itself. */
static bool goes_on(const char *state)
{
    static const char *const still[] = {"paused", "done", "failed", "abandoned"};
    for (size_t i = 0; i < sizeof(still) / sizeof(still[0]); i++) {
        if (strcmp(state, still[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* Until the run tells more than what came up to *AFTER, or LEFT_MS are over. */
static int wait_for_event(struct arc *arc, const char *id, int64_t left_ms, int64_t *after,
                          argo_error **err)
{
    char from[24];
    char seconds[16];
    arc_auto_reply struct arc_reply reply = {0};
    snprintf(from, sizeof(from), "%lld", (long long)*after);
    snprintf(seconds, sizeof(seconds), "%d", (int)((left_ms + 999) / 1000));
    arc_auto_free char *path =
        argo_client_path("/api/workflow/{}/events?after={}&timeout={}", id, from, seconds);
    int r = arc_request_running(arc, "GET", path, NULL, left_ms + 10000, &reply, err);
    if (r == 0) {
        *after = argo_value_int(reply.value, "data.next_after", *after);
    }
    return r;
}

/* Looks what is open; while the run goes on and asks nothing, waits for that, WAIT_S at most. RUN is
 * its status then. How many questions, or a code below 0. */
static int await(struct arc *arc, struct arc_desk *desk, long wait_s, struct arc_reply *run,
                 argo_error **err)
{
    const char *id = desk->workflow_id;
    int64_t until = arc_clock_ms() + wait_s * 1000;
    int64_t after = -1;
    for (;;) {
        int r = get_run(arc, id, run, err);
        r = r < 0 ? r : arc_desk_look(desk, err);
        int64_t left = until - arc_clock_ms();
        if (r != 0 || left <= 0 || !goes_on(argo_value_text(run->value, "status", ""))) {
            return r;
        }
        after = after < 0 ? argo_value_int(run->value, "data.seq", 0) : after;
        left = left < arc_poll_seconds(arc) * INT64_C(1000) ? left : arc_poll_seconds(arc) * 1000;
        r = wait_for_event(arc, id, left, &after, err);
        if (r < 0) {
            return r;
        }
    }
}

static int answer(struct arc *arc, struct arc_desk *desk, const char *text, const char *json,
                  long wait_s)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply run = {0};
    const char *id = desk->workflow_id;
    if (desk->question_id != NULL) { /* it is there, or it is not */
        wait_s = 0;
    }
    int n = await(arc, desk, wait_s, &run, &err);
    if (n < 0) {
        return arc_fail(arc, err);
    }
    if (n == 0) {
        return no_question(arc, desk, argo_value_text(run.value, "status", ""));
    }
    if (text == NULL && json == NULL) {
        return arc->terminal ? arc_ask(desk, n) : show(arc, desk->open);
    }
    if (n > 1 && arc->json) {
        return show(arc, desk->open);
    }
    if (n > 1) {
        arc_failed(arc, "%s asks %d questions: say which one with --question QID", id, n);
        arc_question_table(desk->open, false, false);
        return ARC_EXIT_ANSWER;
    }
    return give(arc, id, argo_value_at(desk->open, 0), text, json);
}

/* Without an ID: the current workflow, else the only one that asks something. */
static bool find_run(struct arc *arc, struct arc_list *words, int *code)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *current = arc_current(arc);
    if (words->n > 0 || current != NULL) {
        *code = arc_current_fill(arc, words, 1);
        return *code == 0;
    }
    int r = arc_request(arc, "GET", "/api/questions?state=open", NULL, 0, &reply, &err);
    const argo_value *list = argo_value_get(reply.value, "questions");
    size_t n = argo_value_size(list);
    if (r < 0) {
        *code = arc_fail(arc, err);
    } else if (n == 0) {
        *code = arc_failed_with(arc, ARGO_E_STATE, "nothing waits for an answer");
    } else if (n > 1) {
        *code =
            arc_usage(arc, "answer: %zu questions wait (arc inbox): give the ID of a workflow", n);
    } else {
        arc->current = strdup(argo_value_text(argo_value_at(list, 0), "workflow_id", ""));
        arc_list_add(words, arc->current);
        arc_putf(stderr, "Workflow %s (nothing else waits)\n", arc->current);
        return arc->current != NULL;
    }
    return false;
}

static const struct arc_option answer_options[] = {
    {"question", 'q', ARC_OPTION_TEXT, offsetof(struct answer, question), "QID",
     "which one, when several are open", ARC_WORDS_QUESTION},
    {"json-answer", 0, ARC_OPTION_TEXT, offsetof(struct answer, json), "JSON",
     "the answer as JSON, for forms", ARC_WORDS_NONE},
    {"wait", 0, ARC_OPTION_TEXT, offsetof(struct answer, wait), "S",
     "seconds to wait for a question, while it goes on and asks none; default 10", ARC_WORDS_NONE},
    {0},
};

static int run_answer(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct answer given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code) || !find_run(arc, &words, &code)) {
        return code;
    }
    long wait_s = given.wait == NULL ? WAIT_S : arc_parse_number(given.wait, 0, WAIT_MAX_S);
    if (wait_s < 0) {
        return arc_usage(arc, "--wait '%s': expected a number of seconds", given.wait);
    }
    if (given.json != NULL && words.n == 2) {
        return arc_usage(arc, "answer: ANSWER and --json-answer exclude each other");
    }
    struct arc_desk desk = {
        .arc = arc, .workflow_id = words.items[0], .question_id = given.question};
    code = answer(arc, &desk, words.n == 2 ? words.items[1] : NULL, given.json, wait_s);
    arc_desk_clear(&desk);
    return code;
}

const struct arc_command arc_command_answer = {
    .name = "answer",
    .arguments = "[ID] [ANSWER]",
    .brief = "Answer a question",
    .help =
        "Without ANSWER, on a terminal, the question is shown and asked here. Without ID it is that\n"
        "of the current workflow (arc switch), or the only one that waits.\n",
    .run = run_answer,
    .options = answer_options,
    .max = 2,
    .words = {ARC_WORDS_WORKFLOW},
    .workflow = true,
};

/* ---- inbox ----------------------------------------------------------------------------------- */

static int list(struct arc *arc)
{
    int code = 0;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    arc_auto_value argo_value *open = NULL;
    if (!arc_fetch(arc, "/api/questions?state=open", &reply, &code)) {
        return code != ARC_EXIT_OK || argo_value_size(argo_value_get(reply.value, "questions")) == 0
                   ? code
                   : ARC_EXIT_ANSWER;
    }
    int n = arc_question_list(arc, NULL, NULL, NULL, &open, &err);
    if (n < 0) {
        return arc_fail(arc, err);
    }
    if (n == 0) {
        fputs("Nothing waits for you.\n", stderr);
        return ARC_EXIT_OK;
    }
    arc_question_table(open, false, true);
    fflush(stdout);
    fputs("Answer one: arc answer WORKFLOW --question ID\n", stderr);
    return ARC_EXIT_ANSWER;
}

/* On the terminal: the list, and what is chosen from it. */
static int answer_all(struct arc *arc)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    struct arc_desk desk = {.arc = arc, .lists = true};
    int n = arc_request(arc, "GET", "/api/health", NULL, 0, &reply, &err); /* starts the daemon */
    n = n < 0 ? n : arc_desk_look(&desk, &err);
    int code = n < 0 ? arc_fail(arc, err) : ARC_EXIT_OK;
    if (n > 0) {
        code = arc_ask(&desk, 0);
    }
    if (code == ARC_EXIT_OK && argo_value_size(desk.open) == 0) {
        fputs("Nothing waits for you.\n", stderr);
    }
    arc_desk_clear(&desk);
    return code;
}

struct inbox {
    int quiet;
};

static const struct arc_option inbox_options[] = {
    {"quiet", 'q', ARC_OPTION_FLAG, offsetof(struct inbox, quiet), NULL,
     "only list, also on a terminal", ARC_WORDS_NONE},
    {0},
};

static int inbox(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct inbox given = {0};
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, &given, argc, argv, &none, &code)) {
        return code;
    }
    return given.quiet || !arc->terminal || arc->json ? list(arc) : answer_all(arc);
}

const struct arc_command arc_command_inbox = {
    .name = "inbox",
    .brief = "Show what waits for you, and answer it",
    .help =
        "Lists the open questions of all workflows, the most urgent first. On a terminal one is\n"
        "chosen and asked, then the next; Ctrl-G goes back to the list, Ctrl-D leaves. Elsewhere\n"
        "the exit code is 5 when something waits.\n",
    .run = inbox,
    .options = inbox_options,
    .workflow = true,
};
