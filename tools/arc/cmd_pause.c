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
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
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

static int pause_run(struct arc *arc, int argc, char **argv)
{
    return steer(arc, argc, argv, "/api/workflow/pause/{}", "paused");
}

const struct arc_command arc_command_pause = {
    .name = "pause",
    .arguments = "[ID]",
    .brief = "Stop a workflow until it is resumed",
    .help = "Its processes stand still and its time limits with them; questions can be answered.\n",
    .run = pause_run,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_WORKFLOW},
    .current = true,
    .workflow = true,
};

static int resume_run(struct arc *arc, int argc, char **argv)
{
    return steer(arc, argc, argv, "/api/workflow/resume/{}", "resumed");
}

const struct arc_command arc_command_resume = {
    .name = "resume",
    .arguments = "[ID]",
    .brief = "Let a paused workflow go on",
    .run = resume_run,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_WORKFLOW},
    .current = true,
    .workflow = true,
};
