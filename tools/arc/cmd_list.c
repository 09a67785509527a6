/*
 * list, status, steps: what the daemon knows of workflows, as tables.
 */
#include <string.h>

#include "arc.h"
#include "commands.h"
#include "current.h"
#include "question.h"
#include "table.h"

struct list {
    int all;
    const char *state, *template_name, *session;
};

static const struct arc_option list_options[] = {
    {"all", 'a', ARC_OPTION_FLAG, offsetof(struct list, all), NULL, "those that have ended, too",
     ARC_WORDS_NONE},
    {"state", 0, ARC_OPTION_TEXT, offsetof(struct list, state), "S",
     "queued, running, waiting, paused, stalled, done, failed, interrupted, abandoned, or all",
     ARC_WORDS_STATE},
    {"template", 0, ARC_OPTION_TEXT, offsetof(struct list, template_name), "T",
     "of this template only", ARC_WORDS_TEMPLATE},
    {"session", 0, ARC_OPTION_TEXT, offsetof(struct list, session), "ID", "of this session only",
     ARC_WORDS_SESSION},
    {0},
};

struct filter {
    const char *key, *value; /* NULL: not asked for */
};

static char *list_path(const struct filter *filters, size_t n)
{
    char *path = arc_format("/api/workflow/list?limit=1000");
    for (size_t i = 0; i < n && path != NULL; i++) {
        if (filters[i].value != NULL) {
            arc_auto_free char *before = path;
            arc_auto_free char *value = argo_client_path("{}", filters[i].value);
            path = value == NULL ? NULL : arc_format("%s&%s=%s", before, filters[i].key, value);
        }
    }
    return path;
}

/* "2/7 review"; NULL while it is at none. */
static char *step_of(const argo_value *run)
{
    int64_t step = argo_value_int(run, "current_step", 0);
    return step <= 0 ? NULL
                     : arc_format("%lld/%lld %s", (long long)step,
                                  (long long)argo_value_int(run, "total_steps", 0),
                                  argo_value_text(run, "step_name", ""));
}

static void add_run(struct arc_table *table, const argo_value *run)
{
    char text[32];
    char ago[ARC_TIME_SIZE];
    arc_auto_free char *step = step_of(run);
    arc_table_add(table, argo_value_text(run, "workflow_id", ""));
    arc_table_add(table, argo_value_text(run, "status", ""));
    arc_table_add(table, argo_value_text(run, "template", ""));
    arc_table_add(table, step);
    snprintf(text, sizeof(text), "%lld", (long long)argo_value_int(run, "pid", 0));
    arc_table_add(table, strcmp(text, "0") == 0 ? "" : text);
    arc_table_add(table, arc_time_ago(argo_value_text(run, "started", NULL), ago));
}

void arc_print_runs(const argo_value *list)
{
    static const char *const headers[] = {"ID",  "STATE",   "TEMPLATE", "STEP",
                                          "PID", "STARTED", NULL};
    static const char *const drop[] = {"PID", "STARTED", "TEMPLATE", NULL};
    struct arc_table table;
    arc_table_init(&table, headers);
    table.keep = 2;
    table.whole = true;
    table.drop = drop;
    for (size_t i = 0; i < argo_value_size(list); i++) {
        add_run(&table, argo_value_at(list, i));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
}

static int list(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct list given = {0};
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, &given, argc, argv, &none, &code)) {
        return code;
    }
    const struct filter filters[] = {{"state", given.all ? "all" : given.state},
                                     {"template", given.template_name},
                                     {"session", given.session}};
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = list_path(filters, sizeof(filters) / sizeof(filters[0]));
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const argo_value *runs = argo_value_get(reply.value, "workflows");
    if (argo_value_size(runs) == 0) {
        fputs(filters[0].value != NULL
                  ? "No workflows.\n"
                  : "No workflows are running. Those that ended: arc list --all\n",
              stderr);
        return ARC_EXIT_OK;
    }
    arc_print_runs(runs);
    arc_auto_free char *current = arc_current(arc);
    if (current != NULL && arc->terminal) {
        arc_putf(stderr, "Commands without an ID are about %s (arc switch).\n", current);
    }
    if (argo_value_text(reply.value, "data.next_cursor", NULL) != NULL) {
        fputs("There are more: --state, --template and --session narrow the list.\n", stderr);
    }
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_list = {
    .name = "list",
    .brief = "List workflows",
    .help = "Without options: those that have not ended.\n",
    .run = list,
    .options = list_options,
    .workflow = true,
};

/* ---- status ---------------------------------------------------------------------------------- */

static void line(const char *name, const char *value)
{
    if (value != NULL && *value != '\0') {
        printf("%-13s", name);
        arc_put(stdout, value);
        fputc('\n', stdout);
    }
}

static void line_number(const char *name, int64_t number)
{
    if (number != 0) {
        printf("%-13s%lld\n", name, (long long)number);
    }
}

/* A value as compact JSON, or as plain text when it is one. */
static void line_value(const char *name, const argo_value *value)
{
    if (value == NULL || argo_value_type(value) == ARGO_TYPE_NULL) {
        return;
    }
    arc_auto_free char *json = argo_value_print(value, 0);
    line(name, argo_value_text(value, NULL, json));
}

static void print_questions(struct arc *arc, const char *id)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_value argo_value *list = NULL;
    (void)arc_question_list(arc, id, NULL, NULL, &list, &err);
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *q = argo_value_at(list, i);
        line("question", argo_value_text(q, "question_id", ""));
        line("", argo_value_text(q, "prompt", ""));
    }
    if (argo_value_size(list) > 0) {
        arc_putf(stdout, "%-13sarc answer %s\n", "", id);
    }
}

static void print_status(struct arc *arc, const argo_value *reply)
{
    char time[ARC_TIME_SIZE];
    const argo_value *data = argo_value_get(reply, "data");
    const char *id = argo_value_text(reply, "workflow_id", "");
    arc_auto_free char *step = step_of(data);
    arc_auto_free char *current = arc_current(arc);
    bool is_current = current != NULL && strcmp(current, id) == 0;
    line("workflow", id);
    line("state", argo_value_text(reply, "status", ""));
    line("current", is_current ? "what commands without an ID are about (arc switch)" : "");
    line("template", argo_value_text(reply, "template", ""));
    line("step", step);
    line_number("pid", argo_value_int(reply, "pid", 0));
    line("branch", argo_value_text(data, "branch", ""));
    line("environment", argo_value_text(data, "environment", ""));
    line("directory", argo_value_text(data, "cwd", ""));
    if (argo_value_size(argo_value_get(data, "parameters")) > 0) {
        line_value("parameters", argo_value_get(data, "parameters"));
    }
    line("started", arc_time_local(argo_value_text(data, "started", NULL), time));
    line("until", arc_time_local(argo_value_text(data, "wake_at", NULL), time));
    line("paused", arc_time_local(argo_value_text(data, "paused_at", NULL), time));
    line("ended", arc_time_local(argo_value_text(data, "ended", NULL), time));
    line_value("result", argo_value_get(data, "result"));
    line("error", argo_value_text(data, "error.message", ""));
    if (argo_value_text(data, "ended", NULL) == NULL) {
        print_questions(arc, id);
    }
}

/* Long polls until the run has ended. */
static int get_status(struct arc *arc, const char *id, int wait, struct arc_reply *reply,
                      argo_error **err)
{
    char seconds[16];
    int poll_s = arc_poll_seconds(arc);
    snprintf(seconds, sizeof(seconds), "%d", poll_s);
    arc_auto_free char *path =
        wait ? argo_client_path("/api/workflow/status/{}?wait=terminal&timeout={}", id, seconds)
             : argo_client_path("/api/workflow/status/{}", id);
    int r;
    do {
        r = arc_request(arc, "GET", path, NULL, wait ? (poll_s + 10) * INT64_C(1000) : 0, reply,
                        err);
    } while (r == 0 && wait && argo_value_text(reply->value, "data.ended", NULL) == NULL);
    return r;
}

struct status {
    int wait;
};

static const struct arc_option status_options[] = {
    {"wait", 'w', ARC_OPTION_FLAG, offsetof(struct status, wait), NULL,
     "wait until it has ended; exit code 4 unless it is done", ARC_WORDS_NONE},
    {0},
};

static int status(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct status given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    if (get_status(arc, words.items[0], given.wait, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        arc_print_reply(&reply);
    } else {
        print_status(arc, reply.value);
    }
    bool done = strcmp(argo_value_text(reply.value, "status", ""), "done") == 0;
    return given.wait && !done ? ARC_EXIT_WORKFLOW : ARC_EXIT_OK;
}

const struct arc_command arc_command_status = {
    .name = "status",
    .arguments = "[ID]",
    .brief = "Show a workflow",
    .run = status,
    .options = status_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_ANY_RUN},
    .current = true,
    .workflow = true,
};

/* ---- steps ----------------------------------------------------------------------------------- */

static int steps(struct arc *arc, int argc, char **argv)
{
    static const char *const headers[] = {"STEP", "TRY", "STATE", "TOOK", "WHEN", "ERROR", NULL};
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/workflow/{}/steps", words.items[0]);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    struct arc_table table;
    arc_table_init(&table, headers);
    const argo_value *list = argo_value_get(reply.value, "steps");
    for (size_t i = 0; i < argo_value_size(list); i++) {
        char text[ARC_TIME_SIZE];
        const argo_value *step = argo_value_at(list, i);
        const char *started = argo_value_text(step, "started", NULL);
        arc_table_add(&table, argo_value_text(step, "path", ""));
        snprintf(text, sizeof(text), "%lld", (long long)argo_value_int(step, "attempt", 1));
        arc_table_add(&table, text);
        arc_table_add(&table, argo_value_text(step, "status", ""));
        arc_table_add(&table,
                      arc_time_between(started, argo_value_text(step, "ended", NULL), text));
        /* A step without outside effects has only its end on record. */
        const char *when = started != NULL ? started : argo_value_text(step, "ended", NULL);
        arc_table_add(&table, arc_time_ago(when, text));
        arc_table_add(&table, argo_value_text(step, "error.message", ""));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_steps = {
    .name = "steps",
    .arguments = "[ID]",
    .brief = "Show the steps that a workflow has done",
    .run = steps,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_ANY_RUN},
    .current = true,
    .workflow = true,
};
