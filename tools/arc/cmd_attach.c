/*
 * attach, logs: following a run.
 */
#include <errno.h>
#include <string.h>

#include "arc.h"
#include "commands.h"
#include "watch.h"

/* Whether there is such a run, and where the last TAIL records of its output begin (below 0: not
 * wanted). */
static int find_run(struct arc *arc, const char *id, long tail, int64_t *after, argo_error **err)
{
    char n[24];
    arc_auto_reply struct arc_reply reply = {0};
    snprintf(n, sizeof(n), "%ld", tail);
    arc_auto_free char *path =
        tail < 0 ? argo_client_path("/api/workflow/status/{}", id)
                 : argo_client_path("/api/workflow/output/{}?tail={}&limit=1", id, n);
    int r = arc_request(arc, "GET", path, NULL, 0, &reply, err);
    if (r == 0 && tail >= 0) {
        const argo_value *first = argo_value_at(argo_value_get(reply.value, "data.records"), 0);
        *after = first != NULL ? argo_value_int(first, "seq", 1) - 1
                               : argo_value_int(reply.value, "data.next_after", 0);
    }
    return r;
}

static bool number(struct arc *arc, const char *option, const char *text, long *out, int *code)
{
    *out = -1;
    if (text != NULL && (*out = arc_parse_number(text, 0, 2000000000)) < 0) {
        *code = arc_usage(arc, "%s '%s': expected a number", option, text);
        return false;
    }
    return true;
}

struct attach {
    const char *after, *tail;
};

static const struct arc_option attach_options[] = {
    {"after", 0, ARC_OPTION_TEXT, offsetof(struct attach, after), "SEQ",
     "leave out the output up to this number", ARC_WORDS_NONE},
    {"tail", 'n', ARC_OPTION_TEXT, offsetof(struct attach, tail), "N",
     "show only the last N records of what was missed", ARC_WORDS_NONE},
    {0},
};

static int attach(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    long after = -1;
    long tail = -1;
    struct attach given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code) ||
        !number(arc, "--after", given.after, &after, &code) ||
        !number(arc, "--tail", given.tail, &tail, &code)) {
        return code;
    }
    struct arc_watch_options watch = {.workflow_id = words.items[0],
                                      .after = after < 0 ? 0 : after,
                                      .questions = true,
                                      .summary = true};
    arc_auto_error argo_error *err = NULL;
    if (find_run(arc, watch.workflow_id, tail, &watch.after, &err) < 0) {
        return arc_fail(arc, err);
    }
    return arc_watch(arc, &watch);
}

const struct arc_command arc_command_attach = {
    .name = "attach",
    .arguments = "[ID]",
    .brief = "Watch a workflow and answer its questions",
    .help =
        "Shows what was missed, then goes on live. Ctrl-D or Ctrl-C detaches; the workflow goes on.\n",
    .run = attach,
    .options = attach_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_ANY_RUN},
    .current = true,
    .workflow = true,
};

/* By lines: characters and sequences are not torn. */
static int print_log_file(struct arc *arc, const char *id)
{
    size_t size = 0;
    arc_auto_free char *line = NULL;
    arc_auto_free char *path = arc_format("%s/logs/%s.log", argo_context_home(arc->ctx), id);
    FILE *file = strchr(id, '/') == NULL && path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL) {
        arc_failed(arc, "%s: %s", path, strerror(errno));
        return ARC_EXIT_NOT_FOUND;
    }
    while (!ferror(stdout) && getline(&line, &size, file) > 0) {
        arc_put(stdout, line);
    }
    fclose(file);
    return ARC_EXIT_OK;
}

struct logs {
    int follow, log;
};

static const struct arc_option logs_options[] = {
    {"follow", 'f', ARC_OPTION_FLAG, offsetof(struct logs, follow), NULL, "go on until it ends",
     ARC_WORDS_NONE},
    {"log", 0, ARC_OPTION_FLAG, offsetof(struct logs, log), NULL,
     "the run's log file instead of the output", ARC_WORDS_NONE},
    {0},
};

static int logs(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct logs given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    if (given.log && arc->url != NULL) {
        return arc_usage(arc,
                         "logs: the log file of a run lies where its daemon runs: read it there");
    }
    if (given.log) {
        return print_log_file(arc, words.items[0]);
    }
    struct arc_watch_options watch = {.workflow_id = words.items[0], .once = !given.follow};
    arc_auto_error argo_error *err = NULL;
    if (find_run(arc, watch.workflow_id, -1, &watch.after, &err) < 0) {
        return arc_fail(arc, err);
    }
    arc->colour = false;
    code = arc_watch(arc, &watch);
    return code == ARC_EXIT_WORKFLOW ? ARC_EXIT_OK : code; /* the logs have been printed */
}

const struct arc_command arc_command_logs = {
    .name = "logs",
    .arguments = "[ID]",
    .brief = "Print a workflow's output",
    .run = logs,
    .options = logs_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_ANY_RUN},
    .current = true,
    .workflow = true,
};
