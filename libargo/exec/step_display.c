/*
 * display: shows text. The text travels in the completion, so it is shown exactly once.
 */
#include <string.h>

#include "base/text.h"
#include "exec/step.h"

static void start(struct ag_strand *s, void *state)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *message = NULL;
    if (ag_strand_text(s, "message", &message, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    size_t len = strlen(message);
    bool ends = len > 0 && message[len - 1] == '\n';
    ag_auto_free char *line = ag_asprintf("%s%s", message, ends || len >= AG_MAX_VALUE ? "" : "\n");
    if (line == NULL) {
        ag_strand_fail(s, AG_FAIL_IO, "out of memory");
        return;
    }
    ag_strand_record(s, "text", line);
    ag_strand_done(s);
}

const struct ag_step_ops ag_step_display = {.name = "display", .start = start};
