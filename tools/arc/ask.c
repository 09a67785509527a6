/*
 * The loop: the keyboard, signals, and every two seconds a look at what has been answered elsewhere.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

enum { LOOK_MS = 2000 };

struct ask {
    struct arc_desk *desk;
    int signals;
    int most;
    int64_t look_at, away_since;
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

static void daemon_away(struct ask *a)
{
    int r = arc_wait_for_daemon(&a->away_since);
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
    int n = arc_desk_look(a->desk, &err);
    a->look_at = arc_clock_ms() + LOOK_MS;
    if (n < 0 && arc_is_away(n)) {
        daemon_away(a);
    } else if (n < 0) {
        fail(a, err);
    } else if (n == 0 && !arc_desk_is_busy(a->desk)) {
        finish(a, ARC_EXIT_OK);
    } else {
        a->away_since = 0;
        arc_desk_ask(a->desk, NULL);
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

static void run(struct ask *a)
{
    while (!a->finished) {
        struct pollfd fds[] = {{.fd = a->signals, .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
        int64_t left = a->look_at - arc_clock_ms();
        if (poll(fds, 2, left < 0 ? 0 : (int)left) < 0 && errno != EINTR) {
            finish(a, arc_failed(a->desk->arc, "poll: %s", strerror(errno)));
            return;
        }
        if (fds[0].revents != 0 && take_signal(a->signals, a->desk->prompt, a->desk)) {
            leave(a);
        }
        if (!a->finished && fds[1].revents != 0) {
            keyboard(a);
        }
        if (!a->finished && arc_clock_ms() >= a->look_at) {
            look(a);
            if (!a->finished && a->most > 0 && a->desk->settled >= a->most) {
                finish(a, ARC_EXIT_OK);
            }
        }
    }
}

int arc_ask(struct arc_desk *desk, int most)
{
    struct ask a = {.desk = desk, .most = most, .look_at = arc_clock_ms() + LOOK_MS};
    desk->prompt = arc_prompt_new(desk->arc, stdout);
    if (desk->prompt == NULL) {
        return arc_failed(desk->arc, "out of memory");
    }
    a.signals = arc_signals_open(true);
    arc_desk_ask(desk, NULL);
    run(&a);
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
