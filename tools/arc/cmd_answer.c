/*
 * answer, inbox: answering without following a run.
 */
#include "arc.h"
#include "ask.h"
#include "commands.h"

static int no_question(struct arc *arc, const char *id, const char *question_id)
{
    arc_auto_free char *told = question_id != NULL ? arc_question_told(arc, question_id) : NULL;
    if (told != NULL) {
        return arc_failed_with(arc, ARGO_E_ANSWERED, "%s", told);
    }
    arc_auto_free char *details = question_id != NULL
                                      ? arc_format("%s has no open question %s", id, question_id)
                                      : arc_format("%s asks nothing now", id);
    arc_failed_with(arc, ARGO_E_NO_QUESTION, "%s", details);
    if (!arc->json) {
        arc_putf(stderr, "See its state: arc status %s\n", id);
    }
    return ARC_EXIT_NOT_FOUND;
}

/* Sends what the command line says. */
static int give(struct arc *arc, const char *id, const argo_value *question, const char *text,
                const char *json)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    const char *question_id = argo_value_text(question, "question_id", "");
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
        arc_putf(stdout, "%s\n", argo_value_text(q, "prompt", ""));
        fflush(stdout);
        arc_question_how(q, n > 1);
    }
    return ARC_EXIT_ANSWER;
}

static int check_run(struct arc *arc, const char *id, argo_error **err)
{
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/workflow/status/{}", id);
    return arc_request(arc, "GET", path, NULL, 0, &reply, err);
}

static int answer(struct arc *arc, struct arc_desk *desk, const char *text, const char *json)
{
    arc_auto_error argo_error *err = NULL;
    const char *id = desk->workflow_id;
    int n = check_run(arc, id, &err);
    n = n < 0 ? n : arc_desk_look(desk, &err);
    if (n < 0) {
        return arc_fail(arc, err);
    }
    if (n == 0) {
        return no_question(arc, id, desk->question_id);
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

struct answer {
    const char *question, *json;
};

static const struct arc_option answer_options[] = {
    {"question", 'q', ARC_OPTION_TEXT, offsetof(struct answer, question), "QID",
     "which one, when several are open", ARC_WORDS_QUESTION},
    {"json-answer", 0, ARC_OPTION_TEXT, offsetof(struct answer, json), "JSON",
     "the answer as JSON, for forms", ARC_WORDS_NONE},
    {0},
};

static int run_answer(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct answer given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    if (given.json != NULL && words.n == 2) {
        return arc_usage(arc, "answer: ANSWER and --json-answer exclude each other");
    }
    struct arc_desk desk = {
        .arc = arc, .workflow_id = words.items[0], .question_id = given.question};
    code = answer(arc, &desk, words.n == 2 ? words.items[1] : NULL, given.json);
    arc_desk_clear(&desk);
    return code;
}

const struct arc_command arc_command_answer = {
    .name = "answer",
    .arguments = "[ID] [ANSWER]",
    .brief = "Answer a question",
    .help = "Without ANSWER, on a terminal, the question is shown and asked here.\n",
    .run = run_answer,
    .options = answer_options,
    .min = 1,
    .max = 2,
    .words = {ARC_WORDS_WORKFLOW},
    .current = true,
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
