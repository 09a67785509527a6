/*
 * session list, new, show, pause, resume, end.
 */
#include <string.h>

#include "arc.h"
#include "commands.h"
#include "table.h"

enum { END_MS = 120 * 1000 }; /* its workflows are abandoned: TERM, grace, KILL */

static int session_list(struct arc *arc, int argc, char **argv)
{
    static const char *const headers[] = {"ID", "WORKFLOWS", "CREATED", "DESCRIPTION", NULL};
    int code = 0;
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &none, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    if (!arc_fetch(arc, "/api/session?limit=1000", &reply, &code)) {
        return code;
    }
    const argo_value *list = argo_value_get(reply.value, "sessions");
    if (argo_value_size(list) == 0) {
        fputs("No sessions. Begin one: arc session new\n", stderr);
        return ARC_EXIT_OK;
    }
    struct arc_table table;
    arc_table_init(&table, headers);
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *session = argo_value_at(list, i);
        char count[24];
        char ago[ARC_TIME_SIZE];
        snprintf(count, sizeof(count), "%zu",
                 argo_value_size(argo_value_get(session, "workflows")));
        arc_table_add(&table, argo_value_text(session, "session_id", ""));
        arc_table_add(&table, count);
        arc_table_add(&table, arc_time_ago(argo_value_text(session, "created", NULL), ago));
        arc_table_add(&table, argo_value_text(session, "description", ""));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    if (argo_value_text(reply.value, "data.next_cursor", NULL) != NULL) {
        fputs("There are more.\n", stderr);
    }
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_session_list = {
    .name = "session list",
    .brief = "List sessions",
    .run = session_list,
};

struct session {
    const char *description;
};

static const struct arc_option new_options[] = {
    {"description", 0, ARC_OPTION_TEXT, offsetof(struct session, description), "TEXT",
     "what it is about", ARC_WORDS_NONE},
    {0},
};

static int session_new(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct session given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    if (words.n > 0) {
        (void)argo_value_set_text(body, "session_id", words.items[0]);
    }
    if (given.description != NULL &&
        argo_value_set_text(body, "description", given.description) < 0) {
        return arc_usage(arc, "session new: the description is not UTF-8");
    }
    if (arc_request(arc, "POST", "/api/session", body, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s\n", argo_value_text(reply.value, "session_id", ""));
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_session_new = {
    .name = "session new",
    .arguments = "[ID]",
    .brief = "Begin a session: a name for workflows that belong together",
    .help = "Prints its id. Start workflows in it: arc start --session ID\n",
    .run = session_new,
    .options = new_options,
    .max = 1,
};

static void print_cis(const argo_value *list)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        arc_putf(stdout, "%s%s", i == 0 ? "cis          " : ", ",
                 argo_value_text(argo_value_at(list, i), NULL, ""));
    }
    if (argo_value_size(list) > 0) {
        fputc('\n', stdout);
    }
}

static int print_workflows(struct arc *arc, const char *id)
{
    int code = 0;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path =
        argo_client_path("/api/workflow/list?limit=1000&state=all&session={}", id);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const argo_value *list = argo_value_get(reply.value, "workflows");
    if (argo_value_size(list) > 0) {
        fputc('\n', stdout);
        arc_print_runs(list);
    }
    return ARC_EXIT_OK;
}

static int session_show(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    char created[ARC_TIME_SIZE];
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    const char *id = words.items[0];
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/session/{}", id);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const argo_value *data = argo_value_get(reply.value, "data");
    const char *description = argo_value_text(data, "description", NULL);
    arc_putf(stdout, "session      %s\n", id);
    if (description != NULL) {
        arc_putf(stdout, "description  %s\n", description);
    }
    arc_putf(stdout, "created      %s\n",
             arc_time_local(argo_value_text(data, "created", NULL), created));
    print_cis(argo_value_get(data, "cis"));
    return print_workflows(arc, id);
}

const struct arc_command arc_command_session_show = {
    .name = "session show",
    .arguments = "ID",
    .brief = "Show a session and its workflows",
    .run = session_show,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SESSION},
};

/* What became of each: those that stayed as they were, and why, on stderr. */
static void print_outcomes(const argo_value *list)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *item = argo_value_at(list, i);
        const char *id = argo_value_text(item, "workflow_id", "");
        const char *action = argo_value_text(item, "action", NULL);
        if (action != NULL) {
            arc_putf(stdout, "%s %s\n", id, action);
        } else {
            arc_putf(stderr, "%s: %s\n", id, argo_value_text(item, "error.details", "?"));
        }
    }
}

static int act(struct arc *arc, int argc, char **argv, const char *format)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path(format, words.items[0]);
    if (arc_request(arc, "POST", path, NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    print_outcomes(argo_value_get(argo_value_get(reply.value, "data"), "workflows"));
    return ARC_EXIT_OK;
}

static int session_pause(struct arc *arc, int argc, char **argv)
{
    return act(arc, argc, argv, "/api/session/{}/pause");
}

const struct arc_command arc_command_session_pause = {
    .name = "session pause",
    .arguments = "ID",
    .brief = "Pause a session's workflows",
    .run = session_pause,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SESSION},
};

static int session_resume(struct arc *arc, int argc, char **argv)
{
    return act(arc, argc, argv, "/api/session/{}/resume");
}

const struct arc_command arc_command_session_resume = {
    .name = "session resume",
    .arguments = "ID",
    .brief = "Let a session's workflows go on",
    .run = session_resume,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SESSION},
};

struct end {
    int force;
};

static const struct arc_option end_options[] = {
    {"force", 'f', ARC_OPTION_FLAG, offsetof(struct end, force), NULL,
     "abandon its workflows first", ARC_WORDS_NONE},
    {0},
};

static int session_end(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct end given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path(
        given.force ? "/api/session/{}?force=true" : "/api/session/{}", words.items[0]);
    if (arc_request(arc, "DELETE", path, NULL, END_MS, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s ended\n", words.items[0]);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_session_end = {
    .name = "session end",
    .arguments = "ID",
    .brief = "End a session",
    .run = session_end,
    .options = end_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SESSION},
};
