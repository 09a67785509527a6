/*
 * What tests read of the daemon in memory, and how they write JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/buf.h"
#include "base/text.h"
#include "lib/fakeport.h"

ag_value *fake_json(const char *text)
{
    ag_value *v = NULL;
    char *copy = ag_strdup(text);
    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    AG_AUTO(argo_error) err = NULL;
    if (ag_value_parse(copy, strlen(copy), &v, &err) < 0) {
        ck_abort_msg("%s: %s", text, argo_error_details(err));
    }
    free(copy);
    return v;
}

char *fakeport_trace(const struct fakeport *f)
{
    struct ag_buf b = AG_BUF_INIT(64 * 1024);
    struct ag_value_iter it = {0};
    while (ag_value_next(f->rows, &it)) {
        int64_t attempt = ag_value_get_int(it.value, "attempt", 0);
        ag_buf_printf(&b, "%s%s", b.len > 0 ? " " : "", ag_value_get_text(it.value, "path", "?"));
        if (attempt != 1) {
            ag_buf_printf(&b, "@%" PRId64, attempt);
        }
        ag_buf_printf(&b, ":%s", ag_value_get_text(it.value, "status", "?"));
    }
    return ag_buf_take(&b);
}

char *fakeport_output(const struct fakeport *f, const char *kind)
{
    struct ag_buf b = AG_BUF_INIT(16 * 1024 * 1024);
    struct ag_value_iter it = {0};
    while (ag_value_next(f->records, &it)) {
        if (kind == NULL || ag_streq(ag_value_get_text(it.value, "kind", ""), kind)) {
            ag_buf_add_text(&b, ag_value_get_text(it.value, "text", ""));
        }
    }
    return ag_buf_take(&b);
}

const char *fakeport_status(const struct fakeport *f)
{
    return ag_value_get_text(f->finish, "status", "");
}

const char *fakeport_error(const struct fakeport *f, const char *key)
{
    return ag_value_get_text(ag_value_get(f->finish, "error"), key, "");
}

void fakeport_expect(const struct fakeport *f, const char *variable, const char *expected)
{
    ag_value *v = fake_json(expected);
    const ag_value *got = ag_value_path_get(f->variables, variable);
    if (!ag_value_equal(v, got)) {
        char *text = ag_value_print(got, NULL);
        ck_abort_msg("%s is %s, expected %s", variable, text != NULL ? text : "unset", expected);
    }
    ag_value_unref(v);
}
