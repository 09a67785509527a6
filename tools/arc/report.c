/*
 * What arc says when something goes wrong: what it was, then what to do next.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"
#include "terminal.h"

void arc_put(FILE *out, const char *text)
{
    arc_auto_free char *clean = arc_clean_text(text, 0);
    fputs(clean == NULL ? "(out of memory)" : clean, out);
}

ARGO_PRINTF(1, 0)

static char *vformat(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

ARGO_PRINTF(2, 0)

static void vput(FILE *out, const char *format, va_list args)
{
    arc_auto_free char *text = vformat(format, args);
    arc_put(out, text);
}

void arc_putf(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vput(out, format, args);
    va_end(args);
}

/* An error in the shape that the daemon gives it; without WIRE_CODE (0) it is arc's own. */
static argo_value *new_error(int wire_code, const char *message, const char *details)
{
    argo_value *error = argo_value_new_object();
    if (wire_code != 0) {
        (void)argo_value_set_int(error, "code", wire_code);
    }
    (void)argo_value_set_text(error, "message", message);
    (void)argo_value_set_text(error, "details", details);
    return error;
}

static void print_error(const argo_value *error)
{
    arc_auto_value argo_value *reply = argo_value_new_object();
    (void)argo_value_set_text(reply, "status", "error");
    (void)argo_value_set_value(reply, "error", error);
    arc_auto_free char *text = argo_value_print(reply, 0);
    arc_print_json(text);
}

/* Options that cannot be read may hide it. */
static void look_for_json(struct arc *arc)
{
    for (char **word = arc->argv; *word != NULL && strcmp(*word, "--") != 0; word++) {
        if (strcmp(*word, "--json") == 0) {
            arc->json = 1;
        }
    }
}

ARGO_PRINTF(3, 0)

static void failed(struct arc *arc, int code, const char *format, va_list args)
{
    if (code == ARGO_E_INVALID) {
        look_for_json(arc);
    }
    if (!arc->json) {
        fputs("arc: ", stderr);
        vput(stderr, format, args);
        fputc('\n', stderr);
        return;
    }
    arc_auto_free char *text = vformat(format, args);
    arc_auto_free char *clean = text == NULL ? NULL : arc_clean_text(text, 0);
    arc_auto_value argo_value *error =
        new_error(code == 0 ? 0 : argo_code_wire(code),
                  code == 0 ? "arc could not do it" : argo_code_message(code),
                  clean == NULL ? "out of memory" : clean);
    print_error(error);
}

int arc_failed(struct arc *arc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    failed(arc, 0, format, args);
    va_end(args);
    return ARC_EXIT_FAILED;
}

int arc_failed_with(struct arc *arc, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    failed(arc, code, format, args);
    va_end(args);
    return ARC_EXIT_FAILED;
}

int arc_usage(struct arc *arc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    failed(arc, ARGO_E_INVALID, format, args);
    va_end(args);
    if (!arc->json && arc->command != NULL) {
        arc_print_usage(stderr, arc->command);
        fprintf(stderr, "See: arc help %s\n", arc->command->name);
    } else if (!arc->json) {
        fputs("See: arc help\n", stderr);
    }
    return ARC_EXIT_USAGE;
}

bool arc_confirmed(const char *format, ...)
{
    char line[16];
    va_list args;
    va_start(args, format);
    vput(stderr, format, args);
    va_end(args);
    fputs(" [y/N] ", stderr);
    return fgets(line, sizeof(line), stdin) != NULL && strncasecmp(line, "y", 1) == 0;
}

void arc_print_json(const char *text)
{
    /* JSON escapes few of the characters that a terminal obeys. */
    if (isatty(STDOUT_FILENO)) {
        arc_put(stdout, text);
    } else {
        fputs(text == NULL ? "null" : text, stdout);
    }
    fputc('\n', stdout);
}

int arc_print_reply(const struct arc_reply *reply)
{
    arc_print_json(reply->text);
    return ARC_EXIT_OK;
}

void arc_key_hint(const char *ci)
{
    static const char *const variables[] = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && *value != '\0') {
            arc_putf(stderr, "%s is set here; to use it: arc ci key %s --key-env %s\n",
                     variables[i], ci, variables[i]);
        }
    }
}

struct advice {
    int code;
    int exit;
    const char *next; /* {} is the subject; NULL: the message says it all */
};

/* For every code: what it was is said by its details, this is what to do about it. */
static const struct advice table[] = {
    {ARGO_E_INVALID, ARC_EXIT_FAILED, "See how it is meant: arc help"},
    {ARGO_E_JSON, ARC_EXIT_FAILED, "Correct the JSON at the place that is named."},
    {ARGO_E_ID, ARC_EXIT_USAGE,
     "An id begins with a letter or digit and has up to 64 of A-Z a-z 0-9 . _ -"},
    {ARGO_E_NO_TEMPLATE, ARC_EXIT_NOT_FOUND,
     "See which there are: arc template list. A file is given by its path: arc start ./NAME.yaml"},
    {ARGO_E_NO_WORKFLOW, ARC_EXIT_NOT_FOUND, "See which there are: arc list --all"},
    {ARGO_E_NO_CI, ARC_EXIT_NOT_FOUND,
     "See which there are: arc ci list. Add one: arc help ci add"},
    {ARGO_E_EXISTS, ARC_EXIT_FAILED, "Give another name, or end or remove the one that there is."},
    {ARGO_E_STATE, ARC_EXIT_FAILED, "See its state: arc status {}"},
    {ARGO_E_TEMPLATE, ARC_EXIT_FAILED,
     "Correct the template at the places that are named, then: arc validate FILE"},
    {ARGO_E_FENCED, ARC_EXIT_FAILED, "Another process works on it now. See: arc status {}"},
    {ARGO_E_ANSWERED, ARC_EXIT_FAILED, "Go on watching: arc attach {}"},
    {ARGO_E_KEY_REUSED, ARC_EXIT_FAILED, "Try again: each command has a key of its own."},
    {ARGO_E_ANSWER, ARC_EXIT_FAILED, "Answer again: the question is still open. arc answer {}"},
    {ARGO_E_UNTRUSTED, ARC_EXIT_FAILED, "Look at it and let it count: arc template trust {}"},
    {ARGO_E_NO_KEY, ARC_EXIT_FAILED, "Store its key: arc ci key NAME"},
    {ARGO_E_NO_QUESTION, ARC_EXIT_NOT_FOUND, "See what waits for an answer: arc inbox"},
    {ARGO_E_NO_SESSION, ARC_EXIT_NOT_FOUND, "See which there are: arc session list"},
    {ARGO_E_NO_TOKEN, ARC_EXIT_FAILED,
     "Over TCP the token in $ARGO_HOME/token is needed: is --home that of this daemon?"},
    {ARGO_E_DENIED, ARC_EXIT_FAILED, "See what is wrong with permissions: arc doctor"},
    {ARGO_E_ORIGIN, ARC_EXIT_FAILED, "Name the daemon as http://127.0.0.1:PORT or unix:PATH"},
    {ARGO_E_TOO_LARGE, ARC_EXIT_FAILED, "Give less: the limit is in the line above."},
    {ARGO_E_MEDIA_TYPE, ARC_EXIT_FAILED,
     "This daemon is not of this arc's version: arc daemon stop, then arc daemon start"},
    {ARGO_E_WAITERS, ARC_EXIT_FAILED, "Try again in a moment."},
    {ARGO_E_QUOTA, ARC_EXIT_FAILED, "Try again when some of it has been dealt with."},
    {ARGO_E_NO_ROUTE, ARC_EXIT_FAILED,
     "This daemon is older than this arc: arc daemon stop, then arc daemon start"},
    {ARGO_E_METHOD, ARC_EXIT_FAILED,
     "This daemon is older than this arc: arc daemon stop, then arc daemon start"},
    {ARGO_E_SPAWN, ARC_EXIT_FAILED, "See the daemon's log: arc daemon logs"},
    {ARGO_E_SIGNAL, ARC_EXIT_FAILED, "See which process it is: arc daemon logs"},
    {ARGO_E_STORE, ARC_EXIT_FAILED, "Is the disk full? arc doctor says, and arc daemon logs"},
    {ARGO_E_SHUTDOWN, ARC_EXIT_NO_DAEMON, "The daemon is stopping. Start it: arc daemon start"},
    {ARGO_E_INTERNAL, ARC_EXIT_FAILED, "See the daemon's log: arc daemon logs"},
    {ARGO_E_NOMEM, ARC_EXIT_FAILED, "There is no memory left: end something, then try again."},
    {ARGO_E_SYSTEM, ARC_EXIT_FAILED, "See what is wrong: arc doctor"},
    {ARGO_E_TIMEOUT, ARC_EXIT_FAILED, "Is the daemon stopped or overloaded? arc daemon status"},
    {ARGO_E_CANCELLED, ARC_EXIT_FAILED, "Try again."},
    {ARGO_E_NO_DAEMON, ARC_EXIT_NO_DAEMON, "Start it: arc daemon start"},
    {ARGO_E_PROTOCOL, ARC_EXIT_FAILED, "Is that an Argo daemon? See --url and ARGO_DAEMON_URL."},
    {ARGO_E_LOCKED, ARC_EXIT_FAILED, "Another daemon has this home: arc daemon status"},
    {ARGO_E_CORRUPT, ARC_EXIT_FAILED, "Repair it: arc daemon stop, then argo-daemon --repair"},
    {ARGO_E_PROVIDER, ARC_EXIT_FAILED, "Try the CI by itself: arc ci test NAME"},
    {ARGO_E_WOULDBLOCK, ARC_EXIT_FAILED, "Try again in a moment."},
};

static const struct advice *advice_for(int code)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code) {
            return &table[i];
        }
    }
    return NULL;
}

/* As compilers print them: file:line:col: path: message (expected ...; did you mean ...) */
static void print_problem(const struct argo_problem *p)
{
    const char *file = p->file == NULL ? "template" : p->file;
    if (p->line > 0) {
        arc_putf(stderr, "%s:%u:%u: ", file, p->line, p->column);
    } else if (p->file != NULL) {
        arc_putf(stderr, "%s: ", file);
    }
    if (p->path != NULL && *p->path != '\0') {
        arc_putf(stderr, "%s: ", p->path);
    }
    arc_put(stderr, p->message == NULL ? "wrong" : p->message);
    if (p->expected != NULL && p->nearest != NULL) {
        arc_putf(stderr, " (expected %s; did you mean '%s'?)", p->expected, p->nearest);
    } else if (p->expected != NULL) {
        arc_putf(stderr, " (expected %s)", p->expected);
    } else if (p->nearest != NULL) {
        arc_putf(stderr, " (did you mean '%s'?)", p->nearest);
    }
    fputc('\n', stderr);
}

static void set_known(argo_value *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)argo_value_set_text(object, key, text);
    }
}

static void add_problem(argo_value *list, const struct argo_problem *p)
{
    arc_auto_value argo_value *object = argo_value_new_object();
    set_known(object, "file", p->file);
    set_known(object, "path", p->path);
    (void)argo_value_set_int(object, "line", p->line);
    (void)argo_value_set_int(object, "column", p->column);
    set_known(object, "message", p->message);
    set_known(object, "expected", p->expected);
    set_known(object, "nearest", p->nearest);
    (void)argo_value_set_value(list, NULL, object);
}

static void print_json(const argo_error *err)
{
    arc_auto_value argo_value *inner =
        new_error(argo_error_wire_code(err), argo_error_message(err), argo_error_details(err));
    arc_auto_value argo_value *problems = argo_value_new_array();
    set_known(inner, "field", argo_error_field(err));
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        add_problem(problems, argo_error_problem(err, i));
    }
    if (argo_error_problem_count(err) > 0) {
        (void)argo_value_set_value(inner, "problems", problems);
    }
    print_error(inner);
}

/* SUBJECT is not in the state that the command would have it in. */
static bool advise_on_state(const char *command, const char *subject)
{
    static const char *const forced[] = {"ci remove", "session end"};
    for (size_t i = 0; subject != NULL && i < sizeof(forced) / sizeof(forced[0]); i++) {
        if (strcmp(command, forced[i]) == 0) {
            arc_putf(stderr, "To do it all the same: arc %s %s --force\n", command, subject);
            return true;
        }
    }
    if (subject != NULL) {
        bool of_ci = strncmp(command, "ci ", 3) == 0;
        bool of_session = strncmp(command, "session ", 8) == 0;
        arc_putf(stderr, "See its state: arc %s %s\n",
                 of_ci        ? "ci show"
                 : of_session ? "session show"
                              : "status",
                 subject);
    }
    return subject != NULL;
}

/* What the details name after BEFORE, or NULL. */
static char *named_in(const char *details, const char *before)
{
    const char *at = strstr(details, before);
    const char *name = at == NULL ? NULL : at + strlen(before);
    return name == NULL ? NULL : arc_format("%.*s", (int)strcspn(name, "'"), name);
}

/* The CI is the one that the details name: of a recording it may be another than SUBJECT. */
static bool advise_on_key(const char *details, const char *subject)
{
    arc_auto_free char *named = named_in(details, "CI '");
    const char *ci = named != NULL ? named : subject;
    if (ci != NULL) {
        arc_putf(stderr,
                 "Store its key: arc ci key %s, or a command that prints it: "
                 "arc ci key %s --key-command '[\"pass\",\"show\",\"%s\"]'\n",
                 ci, ci, ci);
        arc_key_hint(ci);
    }
    return ci != NULL;
}

static bool advise_on_provider(const char *details, const char *command)
{
    arc_auto_free char *ci = named_in(details, "CI '");
    bool tried = strcmp(command, "ci test") == 0;
    if (ci != NULL) {
        arc_putf(stderr, "%s %s\n",
                 tried ? "See how it is registered: arc ci show"
                       : "Try the CI by itself: arc ci test",
                 ci);
    }
    return ci != NULL;
}

static bool advise_on_trust(const char *details, const char *subject)
{
    arc_auto_free char *path = named_in(details, "'");
    if (path != NULL && subject != NULL) {
        arc_putf(stderr,
                 "Look at it and let it count: arc template trust %s. Or start it by its path: "
                 "arc start '%s'\n",
                 subject, path);
    }
    return path != NULL && subject != NULL;
}

/* More than one line of a table can say. */
static bool advise_more(const struct arc *arc, const argo_error *err, const char *command)
{
    const char *details = argo_error_details(err);
    switch (argo_error_code(err)) {
    case ARGO_E_STATE:
        return advise_on_state(command, arc->subject);
    case ARGO_E_NO_KEY:
        return advise_on_key(details, arc->subject);
    case ARGO_E_PROVIDER:
        return advise_on_provider(details, command);
    case ARGO_E_UNTRUSTED:
        return advise_on_trust(details, arc->subject);
    default:
        return false;
    }
}

static void print_next(const struct arc *arc, const char *next)
{
    const char *at = strstr(next, "{}");
    const char *subject = arc->current != NULL ? arc->current : arc->subject;
    if (at == NULL) {
        fprintf(stderr, "%s\n", next);
    } else {
        arc_putf(stderr, "%.*s%s%s\n", (int)(at - next), next, subject == NULL ? "ID" : subject,
                 at + 2);
    }
}

/* What to do next. */
static void advise(const struct arc *arc, const argo_error *err, const char *next)
{
    int code = argo_error_code(err);
    const char *command = arc->command == NULL ? "" : arc->command->name;
    if (code == ARGO_E_NO_DAEMON && arc->url != NULL) {
        fputs("Does it run there, and is it forwarded? Where the URL comes from: arc config\n",
              stderr);
    } else if (code == ARGO_E_INVALID && next != NULL) {
        fprintf(stderr, "%s%s%s\n", next, *command == '\0' ? "" : " ", command);
    } else if (!advise_more(arc, err, command) && next != NULL) {
        print_next(arc, next);
    }
}

int arc_fail(struct arc *arc, const argo_error *err)
{
    if (err == NULL) {
        return ARC_EXIT_NO_DAEMON;
    }
    const struct advice *advice = advice_for(argo_error_code(err));
    int code = advice == NULL ? ARC_EXIT_FAILED : advice->exit;
    if (arc->json) {
        print_json(err);
        return code;
    }
    const char *details = argo_error_details(err);
    if (argo_error_code(err) == ARGO_E_NO_DAEMON) { /* not how the socket was tried */
        details = arc->url != NULL ? arc->url : argo_context_home(arc->ctx);
    }
    const struct argo_problem *first = argo_error_problem(err, 0);
    if (argo_error_code(err) != ARGO_E_ANSWER && first != NULL && first->message != NULL &&
        strstr(details, first->message) != NULL) {
        details = ""; /* it comes with its place */
    }
    arc_putf(stderr, "arc: %s%s%s\n", argo_error_message(err), *details == '\0' ? "" : ": ",
             details);
    /* Of what is wrong with an answer the details tell the first. */
    for (size_t i = argo_error_code(err) == ARGO_E_ANSWER ? 1 : 0;
         i < argo_error_problem_count(err); i++) {
        print_problem(argo_error_problem(err, i));
    }
    advise(arc, err, advice == NULL ? NULL : advice->next);
    return code;
}

/* How a line of the home's file is mended, if that is wrong. */
static void advise_setting(const struct arc *arc, const argo_error *err)
{
    const char *key = argo_error_field(err);
    arc_auto_free char *file =
        arc->ctx == NULL ? NULL : arc_format("%s/config:", argo_context_home(arc->ctx));
    if (file == NULL || strncmp(argo_error_details(err), file, strlen(file)) != 0) {
        return;
    }
    if (key != NULL) {
        arc_putf(stderr, "Mend it: arc config set %s VALUE, or arc config unset %s\n", key, key);
    } else {
        fputs("Mend it: arc config set KEY VALUE, or correct the line\n", stderr);
    }
}

int arc_wrong_setting(struct arc *arc, const argo_error *err)
{
    if (arc->json || *argo_error_details(err) == '\0') {
        (void)arc_fail(arc, err);
    } else {
        arc_putf(stderr, "arc: %s\n", argo_error_details(err));
        advise_setting(arc, err);
    }
    return argo_error_code(err) == ARGO_E_INVALID ? ARC_EXIT_USAGE : ARC_EXIT_FAILED;
}

bool arc_fetch(struct arc *arc, const char *path, struct arc_reply *reply, int *code)
{
    arc_auto_error argo_error *err = NULL;
    if (arc_request(arc, "GET", path, NULL, 0, reply, &err) < 0) {
        *code = arc_fail(arc, err);
        return false;
    }
    if (arc->json) {
        *code = arc_print_reply(reply);
        return false;
    }
    return true;
}
