/*
 * The loop behind attach, start, and logs --follow: a long poll on everything that the run tells,
 * the keyboard, and the prompt of an open question. It ends the watching, never the run.
 *
 * Callbacks of the client only keep the reply; the loop deals with it, so that a request made in
 * the middle of something never prints into it.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "printer.h"
#include "prompt.h"
#include "question.h"

enum { RETRY_MS = 500, AWAY_MAX_MS = 60 * 1000 };

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
    argo_value *question; /* the one that is asked, or NULL */
    struct arc_asking asking;
    bool look;      /* a question may be open that we have not seen */
    bool looked;    /* one is, but not yet what was said before it */
    char shown[80]; /* id of the prompt printed last */
    bool finished;
    int code;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void finish(struct watch *w, int code)
{
    w->finished = true;
    w->code = code;
}

static void drop_question(struct watch *w)
{
    if (w->prompt != NULL) {
        arc_prompt_close(w->prompt);
    }
    arc_asking_end(&w->asking);
    argo_value_free(w->question);
    w->question = NULL;
}

static void fail(struct watch *w, const argo_error *err)
{
    drop_question(w);
    arc_printer_end_line(&w->printer);
    finish(w, arc_fail(w->arc, err));
}

static void detach(struct watch *w)
{
    drop_question(w);
    arc_printer_end_line(&w->printer);
    arc_putf(stderr, "\nDetached. arc attach %s brings you back.\n", w->options->workflow_id);
    finish(w, w->arc->terminal ? ARC_EXIT_OK : ARC_EXIT_FAILED); /* a script waited for the end */
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
        w->retry_at = now_ms() + RETRY_MS;
        return;
    }
    fail(w, err);
}

static void poll_events(struct watch *w)
{
    char after[24];
    char seconds[16];
    arc_auto_error argo_error *err = NULL;
    int wait_s = w->options->once || w->look ? 0 : arc_poll_seconds(w->arc);
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

static bool is_away(int code)
{
    return code == ARGO_E_NO_DAEMON || code == ARGO_E_SHUTDOWN || code == ARGO_E_STORE ||
           code == ARGO_E_TIMEOUT || code == ARGO_E_WAITERS || code == ARGO_E_PROTOCOL;
}

/* The run goes on without the daemon, and so do we, for a while. */
static void daemon_away(struct watch *w)
{
    int64_t now = now_ms();
    if (w->away_since == 0) {
        w->away_since = now;
        arc_prompt_hide(w->prompt);
        arc_printer_end_line(&w->printer);
        fputs("The daemon does not answer. Waiting for it; the workflow goes on.\n", stderr);
        arc_prompt_show(w->prompt);
    }
    if (now - w->away_since > AWAY_MAX_MS) {
        drop_question(w);
        fputs("arc: No daemon\nStart it: arc daemon start\n", stderr);
        finish(w, ARC_EXIT_NO_DAEMON);
        return;
    }
    w->retry_at = now + RETRY_MS;
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
    drop_question(w);
    arc_printer_end_line(&w->printer);
    if (w->options->summary && w->arc->json) {
        arc_print_reply(&reply);
    } else if (w->options->summary) {
        arc_putf(stderr, "%s %s%s%s\n", id, state, why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
    finish(w, strcmp(state, "done") == 0 ? ARC_EXIT_OK : ARC_EXIT_WORKFLOW);
}

/* The question that is asked here is settled: by somebody else, or its time has come. */
static void closed_elsewhere(struct watch *w, const argo_value *event)
{
    const char *by = argo_value_text(event, "data.answered_by", NULL);
    arc_printer_end_line(&w->printer);
    arc_prompt_show(w->prompt); /* so that it can be taken away */
    drop_question(w);
    if (by != NULL) {
        arc_putf(stdout, "Answered by %s via %s.\n", by,
                 argo_value_text(event, "data.answered_via", "another way"));
    } else {
        arc_putf(stdout, "The question is closed (%s).\n", argo_value_text(event, "kind", ""));
    }
    w->look = true;
}

/* Why nothing comes, and that it goes on. */
static void state_changed(struct watch *w, const argo_value *event)
{
    static const char *const told[] = {"paused", "stalled", "interrupted"};
    const char *from = argo_value_text(event, "data.from", "");
    const char *to = argo_value_text(event, "data.to", "");
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        if (strcmp(to, told[i]) == 0 || strcmp(from, told[i]) == 0) {
            arc_printer_end_line(&w->printer);
            arc_putf(stderr, "%s is %s.\n", w->options->workflow_id, to);
            return;
        }
    }
}

static void take_event(struct watch *w, const argo_value *event)
{
    const char *kind = argo_value_text(event, "kind", "");
    const char *id = argo_value_text(event, "question_id", "");
    if (strcmp(argo_value_text(event, "stream", ""), "output") == 0) {
        arc_printer_record(&w->printer, event);
        if (strcmp(kind, "prompt") == 0) {
            snprintf(w->shown, sizeof(w->shown), "%s", id);
        }
    } else if (strcmp(kind, "state") == 0 && w->options->summary && !w->arc->json) {
        state_changed(w, event);
    } else if (strcmp(kind, "question") == 0) {
        w->look = w->options->questions;
    } else if ((strcmp(kind, "answer") == 0 || strcmp(kind, "expired") == 0) &&
               strcmp(argo_value_text(event, "stream", ""), "event") == 0 && w->question != NULL &&
               strcmp(argo_value_text(w->question, "question_id", ""), id) == 0) {
        closed_elsewhere(w, event);
    }
}

static void take_events(struct watch *w, const argo_value *events)
{
    if (argo_value_size(events) == 0) {
        return;
    }
    arc_prompt_hide(w->prompt);
    for (size_t i = 0; i < argo_value_size(events); i++) {
        take_event(w, argo_value_at(events, i));
    }
    if (arc_prompt_is_open(w->prompt)) {
        arc_printer_end_line(&w->printer);
    }
    if (fflush(stdout) != 0) {
        finish(w, ARC_EXIT_FAILED); /* nobody reads: arc logs -f ID | head */
        return;
    }
    arc_prompt_show(w->prompt);
}

static void find_question(struct watch *w);

static void take_reply(struct watch *w)
{
    arc_auto_value argo_value *reply = w->reply;
    w->reply = NULL;
    w->replied = false;
    if (w->error != 0) {
        if (is_away(w->error)) {
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

static void ask(struct watch *w)
{
    arc_printer_end_line(&w->printer);
    arc_asking_open(&w->asking, w->prompt);
}

static void find_question(struct watch *w)
{
    arc_auto_error argo_error *err = NULL;
    w->look = false;
    if (!w->options->questions || w->question != NULL) {
        return;
    }
    int r = arc_question_find(w->arc, w->options->workflow_id, NULL, &w->question, &err);
    if (r < 0) {
        w->look = is_away(r);
        if (!w->look) {
            fail(w, err);
        }
        return;
    }
    if (w->question == NULL) {
        return;
    }
    const char *id = argo_value_text(w->question, "question_id", "");
    bool shown = strcmp(w->shown, id) == 0;
    if (!shown && !w->looked) { /* asked just now: what leads to it comes first */
        drop_question(w);
        w->look = w->looked = true;
        return;
    }
    w->looked = false;
    if (w->prompt == NULL) {
        arc_printer_end_line(&w->printer);
        if (!w->arc->json) {
            arc_question_show(w->question, !shown, false);
            fflush(stdout);
        }
        arc_question_how(w->options->workflow_id, w->question);
        finish(w, ARC_EXIT_ANSWER);
        return;
    }
    arc_printer_end_line(&w->printer);
    arc_question_show(w->question, !shown, true);
    snprintf(w->shown, sizeof(w->shown), "%s", id);
    arc_asking_begin(&w->asking, w->question);
    ask(w);
}

static void answer(struct watch *w, const char *line)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    int r = arc_asking_line(&w->asking, w->arc, w->options->workflow_id, line, &reply, &err);
    if (r == 1) {
        ask(w);
        return;
    }
    if (r < 0 && is_away(r)) {
        arc_putf(stdout, "%s: the answer has not been taken. Again:\n", argo_error_message(err));
        ask(w);
        return;
    }
    if (r == ARGO_E_ANSWERED || r == ARGO_E_NO_QUESTION || r == ARGO_E_STATE) {
        arc_putf(stdout, "%s\n", argo_error_details(err));
    } else if (r < 0) {
        fail(w, err);
        return;
    }
    drop_question(w);
    w->look = true;
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
    switch (arc_prompt_read(w->prompt, &line)) {
    case ARC_PROMPT_NOTHING:
        break;
    case ARC_PROMPT_LINE:
        if (w->question != NULL) {
            answer(w, line);
        } else {
            type_ahead(w, line);
        }
        break;
    case ARC_PROMPT_END:
        detach(w);
        break;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int least_wait(int wait, int64_t until_ms)
{
    int64_t left = until_ms - now_ms();
    int ms = left < 0 ? 0 : (int)left;
    return wait < 0 || ms < wait ? ms : wait;
}

static void take_signal(struct watch *w)
{
    struct signalfd_siginfo info;
    if (read(w->signals, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGWINCH) {
        arc_prompt_resized(w->prompt);
    } else if (info.ssi_signo == SIGCONT) {
        arc_prompt_resumed(w->prompt);
    } else {
        detach(w);
    }
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
    wait = w->retry_at == 0 ? wait : least_wait(wait, w->retry_at);
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
        if (w->retry_at != 0 && now_ms() >= w->retry_at) {
            w->retry_at = 0;
        }
        if (w->request != NULL && w->parked && w->look) {
            argo_client_cancel(w->request); /* first what there is, then the question */
            w->request = NULL;
        }
        if (w->request == NULL && !w->replied && w->retry_at == 0) {
            poll_events(w);
        }
        if (!w->finished) {
            wait_and_dispatch(w);
        }
        if (!w->finished && w->replied) {
            take_reply(w);
        }
    }
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
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
    };
    if (arc_connect(arc, &err) < 0) {
        return arc_fail(arc, err);
    }
    w.prompt = options->questions && arc->terminal && !arc->json ? arc_prompt_new() : NULL;
    w.signals = open_signals();
    run(&w);
    drop_question(&w);
    arc_prompt_free(w.prompt);
    argo_value_free(w.reply);
    argo_client_cancel(w.request);
    close(w.signals);
    return w.code;
}
