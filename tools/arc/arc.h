/*
 * What the files of arc share: the settings of this call, requests to the daemon, reports.
 *
 * A command returns an exit code. It prints its result on stdout, everything else on stderr, and
 * text that came from anywhere else only through the sanitizer (terminal.h).
 */
#ifndef ARC_ARC_H
#define ARC_ARC_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <argo/client.h>
#include <argo/config.h>
#include <argo/value.h>

#include "options.h"

enum arc_exit {
    ARC_EXIT_OK = 0,
    ARC_EXIT_FAILED = 1,
    ARC_EXIT_USAGE = 2,
    ARC_EXIT_NOT_FOUND = 3,
    ARC_EXIT_WORKFLOW = 4, /* the workflow failed or was abandoned */
    ARC_EXIT_ANSWER = 5,   /* it needs an answer that nobody here can give */
    ARC_EXIT_NO_DAEMON = 6
};

struct arc {
    const char *url;  /* ARGO_DAEMON_URL, or NULL: the home's own daemon */
    const char *home; /* --home or NULL */
    const char *port; /* ARGO_DAEMON_PORT if it is set: where a daemon that arc starts listens */
    int json;
    bool terminal; /* a person is at both ends: stdin and stdout */
    bool colour;
    bool redraws;                      /* stdout is a terminal that can move its cursor */
    const struct arc_command *command; /* for usage messages and advice */
    const char *subject;               /* its first argument, or NULL */
    char **argv;                       /* all words of the call, NULL after the last one */
    int help, version;
    argo_context *ctx;
    argo_config *config;
    argo_error
        *unsettled; /* what is wrong with the settings, for a command that works all the same */
    char *current;  /* the workflow that the command is about, when it is not named */
    argo_client *client; /* after the first request */
};

/* ---- ownership ------------------------------------------------------------------------------- */

static inline void arc_free_p(void *p)
{
    free(*(void **)p);
}

static inline void arc_free_error(argo_error **p)
{
    argo_error_free(*p);
}

static inline void arc_free_value(argo_value **p)
{
    argo_value_free(*p);
}

#define ARC_AUTO(release) __attribute__((cleanup(release)))
#define arc_auto_free     ARC_AUTO(arc_free_p)
#define arc_auto_error    ARC_AUTO(arc_free_error)
#define arc_auto_value    ARC_AUTO(arc_free_value)

/* ---- requests (call.c) ----------------------------------------------------------------------- */

/* After the options have been read: context and settings. False with the exit code. */
bool arc_settle(struct arc *arc, int *out);

struct arc_reply {
    char *text; /* as the daemon sent it */
    size_t len;
    argo_value *value;
};

void arc_reply_clear(struct arc_reply *reply);
#define arc_auto_reply ARC_AUTO(arc_reply_clear)

/* Makes arc->client if there is none. */
int arc_connect(struct arc *arc, argo_error **err);
/* One request. Starts the home's daemon when none runs; if that fails, says so and leaves *ERR
 * NULL. BODY may be NULL; TIMEOUT_MS 0: 30 s. */
int arc_request(struct arc *arc, const char *method, const char *path, const argo_value *body,
                int64_t timeout_ms, struct arc_reply *reply, argo_error **err);
/* The same, and never starts a daemon. */
int arc_request_running(struct arc *arc, const char *method, const char *path,
                        const argo_value *body, int64_t timeout_ms, struct arc_reply *reply,
                        argo_error **err);
/* Whether an error of this code means that the daemon does not answer now, and will again. */
bool arc_is_away(int code);
/* Call it each time a request fails with such a CODE; *SINCE is 0 while none does. Brings the home's
 * own daemon back that has died, after a moment. 1: say so, it is the first time; 0: go on waiting; -1:
 * that was long enough. */
int arc_wait_for_daemon(struct arc *arc, int code, int64_t *since);
int64_t arc_clock_ms(void); /* monotonic */
/* The shorter of WAIT (ms, -1: without limit) and what is left until UNTIL_MS of that clock. */
int arc_least_wait(int wait, int64_t until_ms);
/* How long a long poll may last on this connection, in seconds. */
int arc_poll_seconds(const struct arc *arc);

/* ---- launch.c -------------------------------------------------------------------------------- */

/* Starts the home's daemon, or finds that another arc has just done so. Blocks until it answers.
 * Returns 0, or -1 after saying why not. */
int arc_launch(struct arc *arc);
/* A program of this installation: the one beside this. NULL: there is none. The caller frees it. */
char *arc_beside(const char *program);

/* ---- report.c -------------------------------------------------------------------------------- */

/* Prints what went wrong and what to do next; returns the exit code. NULL: it has been said that
 * there is no daemon. */
int arc_fail(struct arc *arc, const argo_error *err);
/* The same of what is wrong with the settings: it is no request's fault. */
int arc_wrong_setting(struct arc *arc, const argo_error *err);
/* "arc: ..." on stderr, with --json an error of arc's own on stdout; ARC_EXIT_FAILED. Every %s is made
 * safe by the whole line being so. */
int arc_failed(struct arc *arc, const char *format, ...) ARGO_PRINTF(2, 3);
/* The same as an error of CODE (enum argo_code); of a call that is wrong (ARGO_E_INVALID) --json
 * counts wherever it stands. */
int arc_failed_with(struct arc *arc, int code, const char *format, ...) ARGO_PRINTF(3, 4);
/* The same of a call that is wrong, and how it is meant; ARC_EXIT_USAGE. */
int arc_usage(struct arc *arc, const char *format, ...) ARGO_PRINTF(2, 3);
/* Says on stderr which key is in the environment, and how CI would get it: from there none is taken. */
void arc_key_hint(const char *ci);
/* Asks a yes or no on the terminal; no is what counts when nothing is said. */
bool arc_confirmed(const char *format, ...) ARGO_PRINTF(1, 2);
/* Text from elsewhere, made safe. */
void arc_put(FILE *out, const char *text);
void arc_putf(FILE *out, const char *format, ...) ARGO_PRINTF(2, 3);
/* --json: on a line, as it is; on a terminal made safe as well. */
void arc_print_json(const char *text);
int arc_print_reply(const struct arc_reply *reply);
/* What every command begins with that shows something: gets PATH (NULL: no memory). False when
 * nothing is left to do, because it failed or went out as JSON: *CODE is the exit code. */
bool arc_fetch(struct arc *arc, const char *path, struct arc_reply *reply, int *code);

/* ---- format.c -------------------------------------------------------------------------------- */

enum { ARC_TIME_SIZE = 64 };

/* "2026-01-31T12:00:00.000Z" -> ms since the epoch; -1 when it is none. */
int64_t arc_time_ms(const char *text);
/* "12 s ago", "3 min ago", "in 2 h"; beyond a day the local date. "" for no time. */
const char *arc_time_ago(const char *text, char buf[ARC_TIME_SIZE]);
/* Local time, and within a day how far away it is. */
const char *arc_time_local(const char *text, char buf[ARC_TIME_SIZE]);
/* "0.4 s", "12 s", "3 min 5 s" between two times; "" when one is missing. */
const char *arc_time_between(const char *from, const char *to, char buf[ARC_TIME_SIZE]);
/* "12 s", "3 min 5 s", "2 h 10 min". */
const char *arc_time_span(int64_t ms, char buf[ARC_TIME_SIZE]);
/* The terminal's columns, 0 when stdout is none. */
size_t arc_terminal_width(void);
char *arc_format(const char *format, ...) ARGO_PRINTF(1, 2); /* NULL without memory */

/* ---- command lines (arguments.c) ------------------------------------------------------------- */

/* The options that every command takes; their values are in struct arc. */
extern const struct arc_option arc_globals[];
/* Reads the arguments of arc->command: its options into VALUES (NULL when it has none), the rest
 * into POSITIONAL. True when the command can go on; otherwise what is wrong, or the help that was
 * asked for, has been printed and *OUT is the exit code. */
bool arc_arguments(struct arc *arc, void *values, int argc, char **argv,
                   struct arc_list *positional, int *out);
#define arc_auto_list ARC_AUTO(arc_list_clear)

#endif
