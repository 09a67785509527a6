/*
 * abandon: asks first, because nothing brings a run back.
 */
#include <strings.h>

#include "arc.h"
#include "commands.h"

enum { ABANDON_MS = 120 * 1000 }; /* TERM, grace, KILL, for everything of the run */

static bool confirmed(const char *id)
{
    char line[16];
    arc_putf(stderr, "End %s and all of its processes? [y/N] ", id);
    return fgets(line, sizeof(line), stdin) != NULL && strncasecmp(line, "y", 1) == 0;
}

int arc_cmd_abandon(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    int yes = 0;
    arc_auto_list struct arc_list words = {0};
    const struct arc_option options[] = {{"yes", 'y', ARC_OPTION_FLAG, &yes}, {0}};
    if (!arc_arguments(arc, options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    const char *id = words.items[0];
    if (!yes && !arc->terminal) {
        return arc_usage(arc, "abandon: without a terminal to ask on, --yes is needed");
    }
    if (!yes && !confirmed(id)) {
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
