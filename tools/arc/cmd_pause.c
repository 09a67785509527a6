/*
 * pause and resume.
 */
#include "arc.h"
#include "commands.h"

enum { STEER_MS = 60 * 1000 }; /* until everything of the run stands still */

static int steer(struct arc *arc, int argc, char **argv, const char *path, const char *done)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    if (!arc_arguments(arc, NULL, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    const char *id = words.items[0];
    arc_auto_free char *own = argo_client_path(path, id);
    if (arc_request(arc, "POST", own, NULL, STEER_MS, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s %s\n", id, done);
    return ARC_EXIT_OK;
}

int arc_cmd_pause(struct arc *arc, int argc, char **argv)
{
    return steer(arc, argc, argv, "/api/workflow/pause/{}", "paused");
}

int arc_cmd_resume(struct arc *arc, int argc, char **argv)
{
    return steer(arc, argc, argv, "/api/workflow/resume/{}", "resumed");
}
