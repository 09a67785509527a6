/*
 * abandon: asks first, because nothing brings a run back.
 */
#include "arc.h"
#include "commands.h"

enum { ABANDON_MS = 120 * 1000 }; /* TERM, grace, KILL, for everything of the run */

struct abandon {
    int yes;
};

static const struct arc_option abandon_options[] = {
    {"yes", 'y', ARC_OPTION_FLAG, offsetof(struct abandon, yes), NULL, "do not ask",
     ARC_WORDS_NONE},
    {0},
};

static int abandon(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct abandon given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    const char *id = words.items[0];
    if (!given.yes && !arc->terminal) {
        return arc_usage(arc, "abandon: without a terminal to ask on, --yes is needed");
    }
    if (!given.yes && !arc_confirmed("End %s and all of its processes?", id)) {
        fputs("Nothing has been done.\n", stderr);
        return ARC_EXIT_FAILED;
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/workflow/abandon/{}", id);
    if (arc_request(arc, "DELETE", path, NULL, ABANDON_MS, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s abandoned\n", id);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_abandon = {
    .name = "abandon",
    .arguments = "[ID]",
    .brief = "End a workflow and all of its processes",
    .run = abandon,
    .options = abandon_options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_WORKFLOW},
    .current = true,
    .workflow = true,
};
