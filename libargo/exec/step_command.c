/*
 * command: runs a program from its argv, never through a shell, in a process group of its own.
 *
 * The step ends with the process: whoever inherited the pipes does not hold it up. A cancelled one
 * gets TERM to the whole group, and KILL after a grace.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/program.h"
#include "base/text.h"
#include "exec/capture.h"
#include "exec/files.h"
#include "wire/environ.h"

#define GRACE_MS    2000
#define SIGNAL_BASE 128

struct command {
    struct ag_strand *strand;
    struct ag_capture out, err;
    ag_child *child;
    pid_t group;
    ag_timer *grace;
    bool stopping;
    bool ended;
    int status;
};

/* ---- what to run ------------------------------------------------------------------------------------ */

static int make_argv(struct ag_strand *s, char ***out, argo_error **err)
{
    struct ag_scope scope = ag_strand_scope(s);
    const ag_value *field = ag_strand_field(s, "argv");
    ag_auto_text_list argv = calloc(ag_value_size(field) + 1, sizeof(char *));
    struct ag_value_iter it = {0};
    if (argv == NULL) {
        return ag_error_nomem(err);
    }
    while (ag_value_next(field, &it)) {
        if (ag_subst_text(ag_value_as_text(it.value), &scope, &argv[it.index], err) < 0) {
            return ag_error_wrap(err, "argv[%zu]", it.index);
        }
    }
    *out = ag_take(argv);
    return 0;
}

static int make_env(struct ag_strand *s, char ***out, argo_error **err)
{
    AG_AUTO(ag_value) env = NULL;
    int r = ag_strand_environment(s, &env, err);
    if (r < 0) {
        return r;
    }
    *out = ag_environ_list(env);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

static int make_cwd(struct ag_strand *s, char **out, argo_error **err)
{
    ag_auto_free char *cwd = NULL;
    int r = ag_strand_text(s, "cwd", &cwd, err);
    if (r == 0) {
        *out = cwd != NULL ? ag_strand_path(s, cwd) : ag_strdup(ag_strand_checkpoint(s)->cwd);
    }
    return r;
}

static int make_stdin(struct ag_strand *s, int *out_fd, argo_error **err)
{
    ag_auto_free char *text = NULL;
    *out_fd = -1;
    int r = ag_strand_text(s, "stdin", &text, err);
    return r < 0 || text == NULL ? r : ag_text_fd(text, strlen(text), out_fd, err);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static bool code_is_ok(struct ag_strand *s, int code)
{
    const ag_value *ok = ag_strand_field(s, "ok_codes");
    struct ag_value_iter it = {0};
    while (ag_value_next(ok, &it)) {
        if (ag_value_as_int(it.value) == code) {
            return true;
        }
    }
    return ok == NULL && code == 0;
}

static bool wants(const struct ag_strand *s, const char *stream)
{
    const ag_value *to = ag_strand_field(s, "save_to");
    if (ag_value_is(to, ARGO_TYPE_TEXT)) {
        return strcmp(stream, "stdout") == 0;
    }
    return ag_value_get(to, stream) != NULL;
}

static void tell_truncated(struct ag_capture *c)
{
    if (c->truncated && wants(c->strand, c->kind)) {
        ag_auto_free char *line =
            ag_asprintf("%s: only the first %d bytes were saved\n", c->kind, AG_MAX_VALUE);
        if (line != NULL) {
            ag_strand_record(c->strand, "notice", line);
        }
    }
}

static int save(struct command *c, int code, argo_error **err)
{
    struct ag_strand *s = c->strand;
    const ag_value *to = ag_strand_field(s, "save_to");
    if (ag_value_is(to, ARGO_TYPE_TEXT)) {
        return ag_strand_save(s, ag_value_as_text(to), ag_capture_value(&c->out, true), err);
    }
    int r = ag_strand_save(s, ag_value_get_text(to, "stdout", NULL),
                           ag_capture_value(&c->out, false), err);
    if (r == 0) {
        r = ag_strand_save(s, ag_value_get_text(to, "stderr", NULL),
                           ag_capture_value(&c->err, false), err);
    }
    if (r == 0) {
        r = ag_strand_save(s, ag_value_get_text(to, "exit_code", NULL), ag_value_int(code), err);
    }
    return r;
}

static void judge(struct command *c)
{
    struct ag_strand *s = c->strand;
    AG_AUTO(argo_error) err = NULL;
    if (c->status == -1) {
        ag_strand_fail(s, AG_FAIL_EXIT_CODE, "the exit status was taken by another");
        return;
    }
    bool killed = WIFSIGNALED(c->status);
    int code = killed ? SIGNAL_BASE + WTERMSIG(c->status) : WEXITSTATUS(c->status);
    if (!code_is_ok(s, code)) {
        if (c->err.quiet) {
            ag_capture_show(&c->err); /* it says why */
        }
        ag_strand_fail(s, AG_FAIL_EXIT_CODE,
                       killed ? "the command was killed by signal %d"
                              : "the command ended with exit code %d",
                       killed ? WTERMSIG(c->status) : code);
    } else if (save(c, code, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
    } else {
        tell_truncated(&c->out);
        tell_truncated(&c->err);
        ag_strand_set_output(s, "exit_code", ag_value_int(code));
        ag_strand_done(s);
    }
}

static void ended(ag_child *child, pid_t pid, int status, void *user)
{
    struct command *c = user;
    c->ended = true;
    c->status = status;
    ag_capture_finish(&c->out);
    ag_capture_finish(&c->err);
    if (!c->stopping) {
        judge(c);
        return;
    }
    /* The group's number stays taken while it has a member: what is left of it goes now. */
    (void)kill(-c->group, SIGKILL);
    ag_strand_stopped(c->strand);
}

/* ---- the step -------------------------------------------------------------------------------------------- */

static void output_changed(struct ag_capture *capture, bool choked)
{
    struct command *c = capture->strand->state;
    if (choked) {
        ag_capture_pause(&c->out, true);
        ag_capture_pause(&c->err, true);
    }
}

static void drained(struct ag_strand *s, void *state)
{
    struct command *c = state;
    ag_capture_pause(&c->out, false);
    ag_capture_pause(&c->err, false);
}

static void kill_group(ag_timer *timer, void *user)
{
    struct command *c = user;
    /* Not reaped yet, or `ended` would have been called: the number is still the group's. */
    (void)kill(-c->group, SIGKILL);
}

static int spawn(struct command *c, char **argv, char **envp, const char *cwd, int fds[3],
                 argo_error **err)
{
    struct ag_strand *s = c->strand;
    int pidfd = -1;
    struct ag_spawn spec = {
        .file = argv[0],
        .argv = (const char *const *)argv,
        .envp = (const char *const *)envp,
        .cwd = cwd,
        .fds = {fds[0], fds[1], fds[2]},
        .new_group = true,
    };
    int r = ag_spawn(&spec, &c->group, &pidfd, err);
    if (r < 0) {
        return r;
    }
    r = ag_child_new(ag_strand_loop(s), c->group, pidfd, ended, c, &c->child, err);
    if (r < 0) {
        (void)kill(-c->group, SIGKILL);
        (void)waitpid(c->group, NULL, 0);
        close(pidfd);
    }
    return r;
}

static void start_process(struct command *c, char **argv, char **envp, const char *cwd, int input)
{
    struct ag_strand *s = c->strand;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_close int out = -1;
    ag_auto_close int errors = -1;
    bool quiet = ag_value_as_bool(ag_strand_field(s, "quiet"));
    assert(argv != NULL && argv[0] != NULL);
    c->out = (struct ag_capture){.strand = s,
                                 .kind = "stdout",
                                 .quiet = quiet,
                                 .keep = wants(s, "stdout"),
                                 .changed = output_changed};
    c->err = (struct ag_capture){.strand = s,
                                 .kind = "stderr",
                                 .quiet = quiet,
                                 .keep = quiet || wants(s, "stderr"),
                                 .changed = output_changed};
    int r = ag_capture_open(&c->out, &out, &err);
    if (r == 0) {
        r = ag_capture_open(&c->err, &errors, &err);
    }
    if (r == 0) {
        r = ag_timer_new(ag_strand_loop(s), kill_group, c, &c->grace, &err);
    }
    if (r == 0) {
        int fds[3] = {input, out, errors};
        r = spawn(c, argv, envp, cwd, fds, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_SPAWN, err);
    }
}

static void start(struct ag_strand *s, void *state)
{
    struct command *c = state;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_text_list argv = NULL;
    ag_auto_text_list envp = NULL;
    ag_auto_free char *cwd = NULL;
    ag_auto_close int input = -1;
    c->strand = s;
    c->out.fd = c->err.fd = -1;
    int r = make_argv(s, &argv, &err);
    if (r == 0) {
        r = make_env(s, &envp, &err);
    }
    if (r == 0) {
        r = make_cwd(s, &cwd, &err);
    }
    if (r == 0) {
        r = make_stdin(s, &input, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    start_process(c, argv, envp, cwd, input);
}

static void cancel(struct ag_strand *s, void *state)
{
    struct command *c = state;
    c->stopping = true;
    (void)kill(-c->group, SIGTERM);
    (void)kill(-c->group, SIGCONT); /* a stopped one would not see it */
    ag_timer_arm(c->grace, GRACE_MS);
}

/* Without a cancel before: the executor itself goes. Nothing of the step may outlive it. */
static void release(void *state)
{
    struct command *c = state;
    if (c->child != NULL && !c->ended) {
        (void)kill(-c->group, SIGKILL);
        (void)waitpid(c->group, NULL, 0);
    }
    /* Orphans of the group that became ours, where the process is a subreaper. */
    while (c->group > 0 && waitpid(-c->group, NULL, WNOHANG) > 0) {
    }
    ag_child_free(c->child);
    ag_timer_free(c->grace);
    ag_capture_free(&c->out);
    ag_capture_free(&c->err);
}

/* The program's name as it is written: what is put into it may be nobody's business. */
static char *doing(struct ag_strand *s, const struct ag_visit *v)
{
    (void)s;
    const char *program = ag_value_as_text(ag_value_at(ag_value_get(v->step->fields, "argv"), 0));
    const char *slash = program == NULL ? NULL : strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    return name == NULL || strstr(program, "{{") != NULL || strlen(name) > AG_MAX_NAME
               ? NULL
               : ag_asprintf("running %s", name);
}

const struct ag_step_ops ag_step_command = {
    .name = "command",
    .start_row = true,
    .state_size = sizeof(struct command),
    .start = start,
    .doing = doing,
    .drained = drained,
    .cancel = cancel,
    .free = release,
};
