/*
 * The loop behind attach, start, and logs --follow: a long poll on everything that the run tells,
 * the keyboard, the questions that are open, and the line that says what the run is at. It ends the
 * watching, never the run.
 *
 * Callbacks of the client only keep the reply; the loop deals with it, so that a request made in
 * the middle of something never prints into it.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "printer.h"
#include "progress.h"
#include "prompt.h"
#include "signals.h"

enum { RETRY_MS = 500 };

struct watch {
    struct arc *arc;
    const struct arc_watch_options *options;
    struct arc_printer printer;
    struct arc_prompt *prompt; /* NULL: nobody can answer here */
    int signals;
    int64_t after;
    argo_client_request *request; /* for events, while one is under way */
    bool parked;                  /* it waits for more to come */
    bool replied;                 /* reply or error are to be dealt with */
    argo_value *reply;
    int error;          /* code of a request that failed, 0: none */
    int64_t away_since; /* 0: the daemon answers */
    int64_t retry_at;
    struct arc_desk desk;
    bool look;      /* a question may be open that we have not seen */
    bool looked;    /* one is, but not yet what was said before it */
    char shown[80]; /* id of the prompt printed last */
    bool on_top;    /* and nothing was asked below it since */
    struct arc_progress progress;
    char *told;     /* the last error that the run has printed, or NULL */
    char state[16]; /* of the run, as told last; "" at first */
    bool finished;
    int code;
};

static void finish(struct watch *w, int code)
{
    w->finished = true;
    w->code = code;
}

/* Takes away what stands at the bottom of the screen: for good. */
static void clear_bottom(struct watch *w)
{
    arc_desk_drop(&w->desk);
    if (w->prompt != NULL) {
        arc_prompt_close(w->prompt);
    }
    arc_progress_end(&w->progress);
    arc_printer_end_line(&w->printer);
}

static void fail(struct watch *w, const argo_error *err)
{
    clear_bottom(w);
    finish(w, arc_fail(w->arc, err));
}

static void detach(struct watch *w)
{
    clear_bottom(w);
    arc_putf(stderr, "Detached. arc attach %s brings you back.\n", w->options->workflow_id);
    finish(w, w->arc->terminal ? ARC_EXIT_OK : ARC_EXIT_FAILED); /* a script waited for the end */
}

/* Before something is printed, and after it. */
static void hide_bottom(struct watch *w)
{
    arc_progress_hide(&w->progress);
    arc_prompt_hide(w->prompt);
}

static void show_bottom(struct watch *w)
{
    if (arc_prompt_is_shown(w->prompt)) {
        arc_printer_end_line(&w->printer);
    }
    arc_prompt_show(w->prompt);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_events(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct watch *w = user;
    w->request = NULL;
    w->replied = true;
    w->error = err == NULL ? argo_value_parse(reply, len, &w->reply, NULL) : argo_error_code(err);
}

/* Errors are borrowed by the callback: what is not retried is asked for again, plainly, so that it
 * can be shown whole. */
static void explain_failure(struct watch *w)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path =
        argo_client_path("/api/workflow/{}/events?after=0&limit=1", w->options->workflow_id);
    if (arc_request_running(w->arc, "GET", path, NULL, 0, &reply, &err) == 0) {
        w->retry_at = arc_clock_ms() + RETRY_MS;
        return;
    }
    fail(w, err);
}

static void poll_events(struct watch *w)
{
    char after[24];
    char seconds[16];
    arc_auto_error argo_error *err = NULL;
    bool at_once = w->options->once || w->look || w->away_since != 0;
    int wait_s = at_once ? 0 : arc_poll_seconds(w->arc);
    snprintf(after, sizeof(after), "%lld", (long long)w->after);
    snprintf(seconds, sizeof(seconds), "%d", wait_s);
    arc_auto_free char *path = argo_client_path("/api/workflow/{}/events?after={}&timeout={}",
                                                w->options->workflow_id, after, seconds);
    if (argo_client_start(w->arc->client, "GET", path, NULL, 0, (wait_s + 10) * INT64_C(1000),
                          ARGO_CLIENT_LONG_POLL, on_events, w, &w->request, &err) < 0) {
        fail(w, err);
    }
    w->parked = wait_s > 0;
}

/* The run goes on without the daemon, and so do we, for a while. */
static void daemon_away(struct watch *w)
{
    int r = arc_wait_for_daemon(w->arc, w->error, &w->away_since);
    if (r > 0) {
        hide_bottom(w);
        arc_printer_end_line(&w->printer);
        fputs("The daemon does not answer. Waiting for it; the workflow goes on.\n", stderr);
        show_bottom(w);
    } else if (r < 0) {
        clear_bottom(w);
        arc_putf(stderr, "arc: No daemon\nThe workflow goes on: arc attach %s\n",
                 w->options->workflow_id);
        finish(w, ARC_EXIT_NO_DAEMON);
        return;
    }
    w->retry_at = arc_clock_ms() + RETRY_MS;
}

/* The last line, and the exit code. */
static void show_end(struct watch *w)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    const char *id = w->options->workflow_id;
    arc_auto_free char *path = argo_client_path("/api/workflow/status/{}", id);
    if (arc_request_running(w->arc, "GET", path, NULL, 0, &reply, &err) < 0) {
        fail(w, err);
        return;
    }
    const char *state = argo_value_text(reply.value, "status", "");
    const char *why = argo_value_text(reply.value, "data.error.message", NULL);
    clear_bottom(w);
    if (w->arc->terminal && why != NULL && w->told != NULL && strstr(w->told, why) != NULL) {
        why = NULL; /* it stands there already; elsewhere that went to standard output */
    }
    if (w->options->summary && w->arc->json) {
        arc_print_reply(&reply);
    } else if (w->options->summary) {
        arc_putf(stderr, "%s %s%s%s\n", id, state, why == NULL ? "" : ": ", why == NULL ? "" : why);
        if (strcmp(state, "failed") == 0) {
            arc_putf(stderr, "See what it did: arc steps %s, and its log: arc logs --log %s\n", id,
                     id);
        }
    }
    finish(w, strcmp(state, "done") == 0 ? ARC_EXIT_OK : ARC_EXIT_WORKFLOW);
}

/* A question is settled, here or elsewhere, or its time has come. */
static void question_settled(struct watch *w, const argo_value *event)
{
    const char *id = argo_value_text(event, "question_id", "");
    w->look = w->look || arc_desk_has(&w->desk, id);
    if (w->desk.asked != NULL &&
        strcmp(argo_value_text(w->desk.asking.question, "question_id", ""), id) == 0) {
        arc_printer_end_line(&w->printer);
        arc_prompt_show(w->prompt); /* so that it can be taken away */
        arc_desk_settled(&w->desk);
    }
}

/* Why nothing comes, what to do, and that it goes on. */
static void state_changed(struct watch *w, const argo_value *event)
{
    static const char *const told[][2] = {{"paused", "Let it go on: arc resume"},
                                          {"stalled", "Look at it: arc status"},
                                          {"interrupted", NULL}}; /* a question follows */
    const char *id = w->options->workflow_id;
    const char *from = argo_value_text(event, "data.from", "");
    const char *to = argo_value_text(event, "data.to", "");
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        bool now = strcmp(to, told[i][0]) == 0;
        if (now || strcmp(from, told[i][0]) == 0) {
            arc_printer_end_line(&w->printer);
            arc_putf(stderr, "%s is %s.", id, to);
            if (now && told[i][1] != NULL) {
                arc_putf(stderr, " %s %s", told[i][1], id);
            }
            fputc('\n', stderr);
            return;
        }
    }
}

/* What the run is at. */
static void note_step(struct watch *w, const argo_value *event, const char *kind)
{
    if (!w->options->summary || w->arc->json) {
        return;
    }
    if (strcmp(kind, "step_start") == 0) {
        if (!w->progress.redraws && w->arc->terminal) {
            arc_printer_end_line(&w->printer);
        }
        arc_progress_begin(&w->progress, event);
    } else if (strcmp(kind, "step_complete") == 0) {
        arc_progress_end(&w->progress);
    } else if (strcmp(kind, "state") == 0) {
        snprintf(w->state, sizeof(w->state), "%s", argo_value_text(event, "data.to", ""));
        state_changed(w, event);
    }
}

static void take_event(struct watch *w, const argo_value *event)
{
    const char *kind = argo_value_text(event, "kind", "");
    const char *stream = argo_value_text(event, "stream", "");
    if (strcmp(stream, "output") == 0) {
        arc_printer_record(&w->printer, event);
        if (strcmp(kind, "error") == 0) {
            free(w->told);
            w->told = strdup(argo_value_text(event, "text", ""));
        }
        if (strcmp(kind, "prompt") == 0) {
            snprintf(w->shown, sizeof(w->shown), "%s", argo_value_text(event, "question_id", ""));
            w->on_top = !arc_desk_is_busy(&w->desk);
        }
    } else if (strcmp(stream, "event") != 0) {
        return;
    } else if (strcmp(kind, "question") == 0) {
        w->look = w->options->questions;
    } else if (strcmp(kind, "answer") == 0 || strcmp(kind, "expired") == 0) {
        question_settled(w, event);
    } else {
        note_step(w, event, kind);
    }
}

static void take_events(struct watch *w, const argo_value *events)
{
    if (argo_value_size(events) == 0) {
        return;
    }
    hide_bottom(w);
    for (size_t i = 0; i < argo_value_size(events); i++) {
        take_event(w, argo_value_at(events, i));
    }
    if (fflush(stdout) != 0) {
        finish(w, ARC_EXIT_FAILED); /* nobody reads: arc logs -f ID | head */
        return;
    }
    show_bottom(w);
}

static void find_question(struct watch *w);

static void take_reply(struct watch *w)
{
    arc_auto_value argo_value *reply = w->reply;
    w->reply = NULL;
    w->replied = false;
    if (w->error != 0) {
        if (arc_is_away(w->error)) {
            daemon_away(w);
        } else {
            explain_failure(w);
        }
        return;
    }
    w->away_since = 0;
    const argo_value *events = argo_value_get(reply, "events");
    bool some = argo_value_size(events) > 0;
    w->after = argo_value_int(reply, "data.next_after", w->after);
    take_events(w, events);
    if (w->finished) {
        return;
    }
    if (argo_value_bool(reply, "data.ended", false)) {
        show_end(w);
    } else if (w->options->once && !some) {
        arc_printer_end_line(&w->printer);
        finish(w, ARC_EXIT_OK);
    } else if (!some && w->look) {
        find_question(w); /* only when all that came before has been shown */
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Nobody can answer here: how to do it elsewhere. */
static void leave_open(struct watch *w, const char *shown)
{
    size_t n = argo_value_size(w->desk.open);
    arc_progress_end(&w->progress);
    arc_printer_end_line(&w->printer);
    for (size_t i = 0; i < n; i++) {
        const argo_value *q = argo_value_at(w->desk.open, i);
        if (!w->arc->json) {
            arc_question_show(q, strcmp(shown, argo_value_text(q, "question_id", "")) != 0, false);
            fflush(stdout);
        }
        arc_question_how(q, n > 1);
    }
    finish(w, ARC_EXIT_ANSWER);
}

static void find_question(struct watch *w)
{
    arc_auto_error argo_error *err = NULL;
    w->look = false;
    if (!w->options->questions) {
        return;
    }
    arc_progress_hide(&w->progress);
    int n = arc_desk_look(&w->desk, &err);
    if (n < 0) {
        w->look = arc_is_away(n);
        if (w->look) {
            w->retry_at = arc_clock_ms() + RETRY_MS;
        } else {
            fail(w, err);
        }
        return;
    }
    if (n == 0 || arc_desk_is_busy(&w->desk)) {
        return;
    }
    bool shown = strcmp(w->shown, arc_desk_newest(&w->desk)) == 0;
    if (!shown && !w->looked) { /* asked just now: what leads to it comes first */
        w->look = w->looked = true;
        return;
    }
    w->looked = false;
    if (w->prompt == NULL) {
        leave_open(w, w->on_top ? w->shown : "");
        return;
    }
    arc_printer_end_line(&w->printer);
    arc_desk_ask(&w->desk, w->on_top ? w->shown : NULL);
    w->on_top = false;
}

static void answer(struct watch *w, const char *line)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    int r = arc_desk_line(&w->desk, line, &reply, &err);
    if (r < 0) {
        fail(w, err);
    }
    w->look = w->look || r == 0;
}

/* A line typed while nothing is asked is kept for the next question that takes one. */
static void type_ahead(struct watch *w, const char *line)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    arc_auto_free char *path = argo_client_path("/api/workflow/input/{}", w->options->workflow_id);
    if (*line == '\0' || argo_value_set_text(body, "input", line) < 0) {
        return;
    }
    if (arc_request_running(w->arc, "POST", path, body, 0, &reply, &err) < 0) {
        arc_putf(stderr, "Not taken: %s\n", argo_error_details(err));
    }
}

static void keyboard(struct watch *w)
{
    arc_auto_free char *line = NULL;
    arc_progress_hide(&w->progress);
    if (!arc_prompt_is_shown(w->prompt)) {
        arc_printer_end_line(&w->printer); /* what is typed gets a line of its own */
    }
    switch (arc_prompt_read(w->prompt, &line)) {
    case ARC_PROMPT_NOTHING:
        break;
    case ARC_PROMPT_LINE:
        if (arc_desk_is_busy(&w->desk) || w->desk.stale) {
            answer(w, line);
        } else {
            type_ahead(w, line);
        }
        break;
    case ARC_PROMPT_SKIP:
        arc_desk_skip(&w->desk);
        break;
    case ARC_PROMPT_END:
        detach(w);
        break;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void take_signal(struct watch *w)
{
    switch (arc_signals_take(w->signals)) {
    case ARC_SIGNAL_NONE:
        break;
    case ARC_SIGNAL_RESIZED:
        arc_progress_hide(&w->progress);
        arc_prompt_resized(w->prompt);
        break;
    case ARC_SIGNAL_STOP:
        arc_progress_hide(&w->progress);
        arc_printer_end_line(&w->printer);
        arc_prompt_suspend(w->prompt);
        arc_signals_stop();
        arc_desk_remind(&w->desk);
        arc_prompt_resumed(w->prompt);
        break;
    case ARC_SIGNAL_CONTINUED:
        arc_progress_hide(&w->progress);
        arc_prompt_resumed(w->prompt);
        break;
    case ARC_SIGNAL_LEAVE:
        detach(w);
        break;
    }
}

/* The line that says what the run is at, unless something else stands there. In how many ms it
 * changes, -1: not by itself. */
static int show_progress(struct watch *w)
{
    bool waits = strcmp(w->state, "waiting") == 0;
    bool moves = waits ? w->progress.timed : *w->state == '\0' || strcmp(w->state, "running") == 0;
    if (!moves || w->away_since != 0 || w->printer.open || w->look || w->replied ||
        arc_prompt_is_shown(w->prompt)) {
        arc_progress_hide(&w->progress);
        return -1;
    }
    return arc_progress_show(&w->progress);
}

static void wait_and_dispatch(struct watch *w)
{
    arc_auto_error argo_error *err = NULL;
    argo_client *client = w->arc->client;
    struct pollfd fds[] = {
        {.fd = argo_client_get_fd(client), .events = argo_client_get_events(client)},
        {.fd = w->signals, .events = POLLIN},
        {.fd = w->prompt == NULL ? -1 : STDIN_FILENO, .events = POLLIN},
    };
    int wait = argo_client_get_timeout(client);
    int tick = show_progress(w);
    wait = w->retry_at == 0 ? wait : arc_least_wait(wait, w->retry_at);
    wait = tick >= 0 && (wait < 0 || tick < wait) ? tick : wait;
    if (poll(fds, 3, wait) < 0 && errno != EINTR) {
        finish(w, arc_failed(w->arc, "poll: %s", strerror(errno)));
        return;
    }
    if (fds[1].revents != 0) {
        take_signal(w);
    }
    if (!w->finished && fds[2].revents != 0) {
        keyboard(w);
    }
    if (!w->finished && argo_client_dispatch(client, &err) < 0) {
        fail(w, err);
    }
}

static void run(struct watch *w)
{
    while (!w->finished) {
        if (w->retry_at != 0 && arc_clock_ms() >= w->retry_at) {
            w->retry_at = 0;
        }
        if (w->request != NULL && w->parked && w->look) {
            argo_client_cancel(w->request); /* first what there is, then the question */
            w->request = NULL;
        }
        if (w->request == NULL && !w->replied && w->retry_at == 0) {
            poll_events(w);
        }
        if (!w->finished && w->prompt != NULL && !arc_desk_is_busy(&w->desk)) {
            if (w->desk.stale) {
                arc_printer_end_line(&w->printer);
            }
            arc_desk_idle(&w->desk);
        }
        if (!w->finished) {
            wait_and_dispatch(w);
        }
        if (!w->finished && w->replied) {
            take_reply(w);
        }
    }
}

int arc_watch(struct arc *arc, const struct arc_watch_options *options)
{
    arc_auto_error argo_error *err = NULL;
    struct watch w = {
        .arc = arc,
        .options = options,
        .after = options->after,
        .look = options->questions,
        .printer = {.colour = arc->colour, .json = arc->json},
        .progress = {.redraws = arc->redraws, .colour = arc->colour},
        .desk = {.arc = arc, .workflow_id = options->workflow_id},
    };
    if (arc_connect(arc, &err) < 0) {
        return arc_fail(arc, err);
    }
    w.prompt =
        options->questions && arc->terminal && !arc->json ? arc_prompt_new(arc, stdout) : NULL;
    w.desk.prompt = w.prompt;
    w.signals = arc_signals_open(w.prompt != NULL);
    run(&w);
    arc_desk_clear(&w.desk);
    arc_progress_end(&w.progress);
    arc_prompt_free(w.prompt);
    argo_value_free(w.reply);
    free(w.told);
    argo_client_cancel(w.request);
    close(w.signals);
    return w.code;
}
