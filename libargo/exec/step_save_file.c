/*
 * save_file: writes text, or a value as JSON, atomically; or appends it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "exec/files.h"

#define DEFAULT_MODE 0644

/* Text as it is, anything else as JSON for people. */
static char *content_of(const ag_value *data)
{
    const char *text = ag_value_as_text(data);
    return text != NULL ? ag_strdup(text) : ag_value_print_indented(data, 2);
}

static mode_t mode_of(struct ag_strand *s)
{
    const char *text = ag_value_as_text(ag_strand_field(s, "mode"));
    return text != NULL ? (mode_t)strtoul(text, NULL, 8) : DEFAULT_MODE;
}

static int write_file(struct ag_strand *s, const char *path, const ag_value *data, argo_error **err)
{
    ag_auto_free char *content = content_of(data);
    if (content == NULL) {
        return ag_error_nomem(err);
    }
    size_t len = strlen(content);
    int r = ag_dir_parents(path, err);
    if (r == 0) {
        r = ag_value_as_bool(ag_strand_field(s, "append"))
                ? ag_file_append(path, content, len, mode_of(s), err)
                : ag_file_write(path, content, len, mode_of(s), err);
    }
    if (r == 0) {
        ag_strand_set_output(s, "path", ag_value_text(path));
        ag_strand_set_output(s, "bytes", ag_value_int((int64_t)len));
    }
    return r;
}

static void start(struct ag_strand *s, void *state)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) data = NULL;
    ag_auto_free char *destination = NULL;
    if (ag_strand_text(s, "destination", &destination, &err) < 0 ||
        ag_strand_value(s, "data", &data, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_auto_free char *path = ag_strand_path(s, destination);
    int r = path != NULL ? write_file(s, path, data, &err) : ag_error_nomem(&err);
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_IO, err);
        return;
    }
    ag_strand_done(s);
}

const struct ag_step_ops ag_step_save_file = {
    .name = "save_file", .start_row = true, .start = start};
