/*
 * switch: which workflow commands without an ID are about, in this terminal session.
 */
#include <errno.h>
#include <string.h>

#include "arc.h"
#include "commands.h"
#include "current.h"

static int print_json(const char *id)
{
    arc_auto_value argo_value *reply = argo_value_new_object();
    (void)argo_value_set_text(reply, "status", "success");
    (void)(id == NULL ? argo_value_set_null(reply, "workflow_id")
                      : argo_value_set_text(reply, "workflow_id", id));
    arc_auto_free char *text = argo_value_print(reply, 0);
    arc_print_json(text);
    return ARC_EXIT_OK;
}

static int print(struct arc *arc)
{
    arc_auto_free char *id = arc_current(arc);
    if (id == NULL) {
        arc_failed(arc, "No workflow is chosen. Choose one: arc switch ID");
        return ARC_EXIT_NOT_FOUND;
    }
    if (arc->json) {
        return print_json(id);
    }
    arc_putf(stdout, "%s\n", id);
    return ARC_EXIT_OK;
}

static int choose(struct arc *arc, const char *id)
{
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    arc_auto_free char *path = id == NULL ? NULL : argo_client_path("/api/workflow/status/{}", id);
    if (id != NULL && arc_request(arc, "GET", path, NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc_current_set(arc, id) < 0) {
        return arc_failed(arc, "%s/run/switch: %s", argo_context_home(arc->ctx), strerror(errno));
    }
    const char *given = getenv("ARGO_WORKFLOW");
    if (given != NULL && *given != '\0') {
        arc_putf(stderr, "ARGO_WORKFLOW is set, and counts before it: %s\n", given);
    }
    return arc->json ? print_json(id) : ARC_EXIT_OK;
}

static int run_switch(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    if (words.n == 0) {
        return print(arc);
    }
    return choose(arc, strcmp(words.items[0], "-") == 0 ? NULL : words.items[0]);
}

const struct arc_command arc_command_switch = {
    .name = "switch",
    .arguments = "[ID | -]",
    .brief = "Choose the workflow that commands without an ID are about",
    .help =
        "In this terminal session. Without ID it prints which it is, with - there is none any longer.\n"
        "ARGO_WORKFLOW counts before it. Where more follows the ID, a . stands for it: arc answer . yes\n",
    .run = run_switch,
    .max = 1,
    .words = {ARC_WORDS_WORKFLOW},
    .workflow = true,
};
