/*
 * The loop: the keyboard, signals, and a long poll that says when there is another question, or when
 * one has been answered elsewhere.
 *
 * The poll's callback only notes that; the loop looks, so that nothing is printed in the middle of
 * a request.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

enum { RETRY_MS = 500 };

struct ask {
    struct arc_desk *desk;
    int signals;
    int most;
    argo_client_request *request; /* the poll, while it is under way */
    bool look;                    /* something has changed */
    int error;                    /* code of a poll that failed, 0: none */
    int64_t away_since;           /* 0: the daemon answers */
    int64_t retry_at;             /* 0: at once */
    bool finished;
    int code;
};

static void finish(struct ask *a, int code)
{
    arc_desk_drop(a->desk);
    a->finished = true;
    a->code = code;
}

static void leave(struct ask *a)
{
    bool some = a->desk->settled > 0;
    finish(a, some ? ARC_EXIT_OK : ARC_EXIT_ANSWER);
    fputs(some ? "" : "Not answered.\n", stderr);
}

static void fail(struct ask *a, const argo_error *err)
{
    arc_desk_drop(a->desk); /* the prompt goes first */
    finish(a, arc_fail(a->desk->arc, err));
}

/* It is looked again then, and polled when that succeeds. */
static void daemon_away(struct ask *a, int code)
{
    int r = arc_wait_for_daemon(a->desk->arc, code, &a->away_since);
    a->look = true;
    a->retry_at = arc_clock_ms() + RETRY_MS;
    if (r > 0) {
        arc_prompt_hide(a->desk->prompt);
        fputs("The daemon does not answer. Waiting for it.\n", stderr);
        arc_prompt_show(a->desk->prompt);
    } else if (r < 0) {
        finish(a, ARC_EXIT_NO_DAEMON);
        fputs("arc: No daemon\nStart it: arc daemon start\n", stderr);
    }
}

static void look(struct ask *a)
{
    arc_auto_error argo_error *err = NULL;
    a->look = false;
    a->retry_at = 0;
    int n = arc_desk_look(a->desk, &err);
    if (n < 0 && arc_is_away(n)) {
        daemon_away(a, n);
    } else if (n < 0) {
        fail(a, err);
    } else if (n == 0 && !arc_desk_is_busy(a->desk)) {
        finish(a, ARC_EXIT_OK);
    } else {
        a->away_since = 0;
        arc_desk_ask(a->desk, NULL);
    }
}

static void on_change(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct ask *a = user;
    arc_auto_value argo_value *value = NULL;
    a->request = NULL;
    a->error = err == NULL ? argo_value_parse(reply, len, &value, NULL) : argo_error_code(err);
    a->look =
        a->look || a->error != 0 || argo_value_int(value, "data.next_after", 0) != a->desk->after;
}

static void poll_changes(struct ask *a)
{
    char after[24];
    char seconds[16];
    arc_auto_error argo_error *err = NULL;
    int wait_s = arc_poll_seconds(a->desk->arc);
    snprintf(after, sizeof(after), "%lld", (long long)a->desk->after);
    snprintf(seconds, sizeof(seconds), "%d", wait_s);
    arc_auto_free char *path =
        argo_client_path("/api/questions?limit=1&after={}&timeout={}", after, seconds);
    if (argo_client_start(a->desk->arc->client, "GET", path, NULL, 0, (wait_s + 10) * INT64_C(1000),
                          ARGO_CLIENT_LONG_POLL, on_change, a, &a->request, &err) < 0) {
        fail(a, err);
    }
}

static void take_line(struct ask *a, const char *line)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    int r = arc_desk_line(a->desk, line, &reply, &err);
    if (r < 0) {
        fail(a, err);
        return;
    }
    if (reply.text != NULL && a->desk->arc->json) {
        arc_print_reply(&reply);
    }
    if (r == 0 && a->most > 0 && a->desk->settled >= a->most) {
        finish(a, ARC_EXIT_OK);
    } else if (r == 0) {
        look(a);
    }
}

static void keyboard(struct ask *a)
{
    arc_auto_free char *line = NULL;
    switch (arc_prompt_read(a->desk->prompt, &line)) {
    case ARC_PROMPT_NOTHING:
        break;
    case ARC_PROMPT_LINE:
        take_line(a, line);
        break;
    case ARC_PROMPT_SKIP:
        arc_desk_skip(a->desk);
        break;
    case ARC_PROMPT_END:
        leave(a);
        break;
    }
}

/* True when the person leaves. DESK may be NULL. */
static bool take_signal(int signals, struct arc_prompt *prompt, struct arc_desk *desk)
{
    switch (arc_signals_take(signals)) {
    case ARC_SIGNAL_NONE:
        break;
    case ARC_SIGNAL_RESIZED:
        arc_prompt_resized(prompt);
        break;
    case ARC_SIGNAL_STOP:
        arc_prompt_suspend(prompt);
        arc_signals_stop();
        if (desk != NULL) {
            arc_desk_remind(desk);
        }
        arc_prompt_resumed(prompt);
        break;
    case ARC_SIGNAL_CONTINUED:
        arc_prompt_resumed(prompt);
        break;
    case ARC_SIGNAL_LEAVE:
        return true;
    }
    return false;
}

static void wait_and_dispatch(struct ask *a)
{
    arc_auto_error argo_error *err = NULL;
    argo_client *client = a->desk->arc->client;
    struct pollfd fds[] = {
        {.fd = argo_client_get_fd(client), .events = argo_client_get_events(client)},
        {.fd = a->signals, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    int wait = argo_client_get_timeout(client);
    wait = a->retry_at == 0 ? wait : arc_least_wait(wait, a->retry_at);
    if (poll(fds, 3, wait) < 0 && errno != EINTR) {
        finish(a, arc_failed(a->desk->arc, "poll: %s", strerror(errno)));
        return;
    }
    if (fds[1].revents != 0 && take_signal(a->signals, a->desk->prompt, a->desk)) {
        leave(a);
    }
    if (!a->finished && fds[2].revents != 0) {
        keyboard(a);
    }
    if (!a->finished && argo_client_dispatch(client, &err) < 0) {
        fail(a, err);
    }
}

/* What has changed, or what is wrong with the poll. */
static void take_change(struct ask *a)
{
    int error = a->error;
    a->error = 0;
    if (error != 0 && arc_is_away(error)) {
        daemon_away(a, error);
        return;
    }
    look(a);
    if (!a->finished && a->most > 0 && a->desk->settled >= a->most) {
        finish(a, ARC_EXIT_OK);
    }
}

static void run(struct ask *a)
{
    while (!a->finished) {
        if (a->request == NULL && !a->look) {
            poll_changes(a);
        }
        if (!a->finished) {
            wait_and_dispatch(a);
        }
        if (!a->finished && a->look && arc_clock_ms() >= a->retry_at) {
            take_change(a);
        }
    }
}

int arc_ask(struct arc_desk *desk, int most)
{
    struct ask a = {.desk = desk, .most = most};
    desk->prompt = arc_prompt_new(desk->arc, stdout);
    if (desk->prompt == NULL) {
        return arc_failed(desk->arc, "out of memory");
    }
    a.signals = arc_signals_open(true);
    arc_desk_ask(desk, NULL);
    run(&a);
    argo_client_cancel(a.request);
    arc_prompt_free(desk->prompt);
    desk->prompt = NULL;
    close(a.signals);
    return a.code;
}

char *arc_ask_unseen(const struct arc *arc, const char *text)
{
    char *line = NULL;
    enum arc_prompt_event event = ARC_PROMPT_NOTHING;
    struct arc_prompt *prompt = arc_prompt_new(arc, stderr);
    if (prompt == NULL) {
        return NULL;
    }
    struct pollfd fds[] = {{.fd = arc_signals_open(true), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    arc_prompt_open(prompt, text, ARC_PROMPT_SECRET);
    while (event == ARC_PROMPT_NOTHING) {
        (void)poll(fds, 2, -1);
        if (fds[0].revents != 0 && take_signal(fds[0].fd, prompt, NULL)) {
            event = ARC_PROMPT_END;
        } else if (fds[1].revents != 0) {
            event = arc_prompt_read(prompt, &line);
        }
    }
    arc_prompt_free(prompt);
    arc_signals_close(fds[0].fd);
    if (event != ARC_PROMPT_LINE) {
        free(line);
        errno = ECANCELED;
        return NULL;
    }
    return line;
}
