/*
 * read_file: a file's content into a variable; bounded, and read at once: it is a local file.
 */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "exec/files.h"
#include "template/source.h"

static ag_value *lines_of(const char *text, size_t len)
{
    AG_AUTO(ag_value) lines = ag_value_array();
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : len - at;
        size_t kept = n > 0 && text[at + n - 1] == '\r' ? n - 1 : n;
        if (ag_value_append(lines, ag_value_text_sane(text + at, kept)) < 0) {
            return NULL;
        }
        at += n + 1;
    }
    return ag_take(lines);
}

static int parse_yaml(const char *text, size_t len, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_source) parsed = NULL;
    int r = ag_source_parse(text, len, &parsed, err);
    if (r == 0) {
        *out = ag_value_ref(parsed->value);
    }
    return r;
}

static int parse(const char *how, const char *text, size_t len, ag_value **out, argo_error **err)
{
    if (ag_streq(how, "json")) {
        return ag_value_parse(text, len, out, err);
    }
    if (ag_streq(how, "yaml")) {
        return parse_yaml(text, len, out, err);
    }
    *out = ag_streq(how, "lines") ? lines_of(text, len) : ag_value_text_sane(text, len);
    return *out == NULL ? ag_error_nomem(err) : 0;
}

static int read_source(struct ag_strand *s, ag_value **out, argo_error **err)
{
    ag_auto_free char *source = NULL;
    ag_auto_free char *text = NULL;
    size_t len = 0;
    int r = ag_strand_text(s, "source", &source, err);
    if (r < 0) {
        return r;
    }
    ag_auto_free char *path = ag_strand_path(s, source);
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    r = ag_file_read(path, AG_MAX_VALUE, &text, &len, err);
    if (r == 0) {
        r = parse(ag_value_as_text(ag_strand_field(s, "parse")), text, len, out, err);
        r = r < 0 ? ag_error_wrap(err, "%s", path) : 0;
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
    ag_value *value = NULL;
    int r = read_source(s, &value, &err);
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_IO, err);
        return;
    }
    if (ag_strand_save_to(s, "save_to", value, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_done(s);
}

const struct ag_step_ops ag_step_read_file = {.name = "read_file", .start = start};
