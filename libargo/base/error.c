/*
 * Error objects: the table of codes, building, wrapping and reading errors.
 *
 * Details are always one line of valid UTF-8 without ASCII controls, whatever the arguments
 * held, so that every reply, log line and terminal may show them as they are. Running out of
 * memory while an error is built turns it into the static out-of-memory object.
 */
#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Defined here, and not wrapped. */
#undef ag_error_set
#undef ag_error_errno
#undef ag_error_nomem
#undef ag_error_field

struct argo_error {
    int code;
    int wire_code; /* as received, so that the number of a newer daemon is kept */
    char *details; /* never NULL, but for the static object */
    char *field;
    struct argo_problem *problems;
    size_t n_problems;
};

struct code_row {
    int code;
    int wire_code;
    int http_status;
    const char *name;
    const char *message;
};

static const struct code_row code_table[] = {
    {ARGO_OK, 0, 200, "OK", "OK"},
#define X(symbol, wire, http, message) {ARGO_E_##symbol, wire, http, #symbol, message},
#include "base/errors.def"
#undef X
};

static const struct code_row unknown_row = {ARGO_E_INTERNAL, 1399, 500, "UNKNOWN", "Unknown error"};

/* The one error that can always be made. It is compared by address and never written to. */
static const argo_error nomem_error = {.code = ARGO_E_NOMEM, .wire_code = 1399};

static const struct code_row *find_row(int code)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(code_table); i++) {
        if (code_table[i].code == code) {
            return &code_table[i];
        }
    }
    return &unknown_row;
}

const char *argo_code_message(int code)
{
    return find_row(code)->message;
}

int argo_code_wire(int code)
{
    return find_row(code)->wire_code;
}

int argo_code_http_status(int code)
{
    return find_row(code)->http_status;
}

const char *ag_code_name(int code)
{
    return find_row(code)->name;
}

static void free_text(const char *text)
{
    /* The public struct shows the strings as const; they are ours. */
    free((void *)(uintptr_t)text);
}

static void free_problem(const struct argo_problem *p)
{
    free_text(p->file);
    free_text(p->path);
    free_text(p->message);
    free_text(p->expected);
    free_text(p->nearest);
}

void argo_error_free(argo_error *err)
{
    if (err == NULL || err == &nomem_error) {
        return;
    }
    for (size_t i = 0; i < err->n_problems; i++) {
        free_problem(&err->problems[i]);
    }
    free(err->problems);
    free(err->details);
    free(err->field);
    free(err);
}

int argo_error_code(const argo_error *err)
{
    return err != NULL ? err->code : ARGO_OK;
}

int argo_error_wire_code(const argo_error *err)
{
    return err != NULL ? err->wire_code : 0;
}

int argo_error_http_status(const argo_error *err)
{
    return argo_code_http_status(argo_error_code(err));
}

const char *argo_error_message(const argo_error *err)
{
    return argo_code_message(argo_error_code(err));
}

const char *argo_error_details(const argo_error *err)
{
    return err != NULL && err->details != NULL ? err->details : "";
}

const char *argo_error_field(const argo_error *err)
{
    return err != NULL ? err->field : NULL;
}

size_t argo_error_problem_count(const argo_error *err)
{
    return err != NULL ? err->n_problems : 0;
}

const struct argo_problem *argo_error_problem(const argo_error *err, size_t index)
{
    return index < argo_error_problem_count(err) ? &err->problems[index] : NULL;
}

/* Makes one line of valid UTF-8 of TEXT, which is consumed; NULL gives NULL. */
static char *one_line(char *text)
{
    ag_auto_free char *owned = text;
    if (owned == NULL) {
        return NULL;
    }
    for (char *p = owned; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
    size_t len = strlen(owned);
    return ag_utf8_valid(owned, len) ? ag_take(owned) : ag_utf8_sanitise(owned, len, NULL);
}

static void replace(argo_error **err, argo_error *fresh)
{
    /* Freed last: the arguments of the new error may have pointed into the old one. */
    argo_error_free(*err);
    *err = fresh;
}

int ag_error_nomem(argo_error **err)
{
    if (err != NULL) {
        replace(err, (argo_error *)(uintptr_t)&nomem_error);
    }
    return ARGO_E_NOMEM;
}

/* Takes DETAILS over; NULL means that there was no memory for them. */
static int set_owned(argo_error **err, int code, char *details)
{
    ag_auto_free char *text = one_line(details);
    argo_error *fresh = text != NULL ? calloc(1, sizeof(*fresh)) : NULL;
    if (fresh == NULL) {
        return ag_error_nomem(err);
    }
    fresh->code = code;
    fresh->wire_code = argo_code_wire(code);
    fresh->details = ag_take(text);
    replace(err, fresh);
    return code;
}

static ARGO_PRINTF(1, 0) char *format_v(const char *format, va_list ap)
{
    char *text = NULL;
    return vasprintf(&text, format, ap) >= 0 ? text : NULL;
}

int ag_error_set_v(argo_error **err, int code, const char *details, va_list ap)
{
    assert(code < 0);
    return err != NULL ? set_owned(err, code, format_v(details, ap)) : code;
}

int ag_error_set(argo_error **err, int code, const char *details, ...)
{
    va_list ap;
    va_start(ap, details);
    int rc = ag_error_set_v(err, code, details, ap);
    va_end(ap);
    return rc;
}

int ag_error_errno(argo_error **err, int errnum, const char *details, ...)
{
    if (err == NULL) {
        return ARGO_E_SYSTEM;
    }
    va_list ap;
    va_start(ap, details);
    ag_auto_free char *what = format_v(details, ap);
    va_end(ap);
    char buf[128];
    const char *reason = strerror_r(errnum, buf, sizeof(buf));
    return set_owned(err, ARGO_E_SYSTEM, what != NULL ? ag_asprintf("%s: %s", what, reason) : NULL);
}

int ag_error_field(argo_error **err, int code, const char *field, const char *details, ...)
{
    if (err == NULL) {
        return code;
    }
    char *name = ag_strdup(field); /* before *err goes: FIELD may point into it */
    va_list ap;
    va_start(ap, details);
    int rc = ag_error_set_v(err, code, details, ap);
    va_end(ap);
    if (rc == code && name != NULL && *err != &nomem_error) {
        (*err)->field = name;
        return rc;
    }
    free(name);
    return name == NULL && field != NULL ? ag_error_nomem(err) : rc;
}

int ag_error_wrap(argo_error **err, const char *context, ...)
{
    if (err == NULL || *err == NULL) {
        return ARGO_E_INTERNAL; /* nothing to read the code from; never success */
    }
    if (*err == &nomem_error) {
        return ARGO_E_NOMEM;
    }
    va_list ap;
    va_start(ap, context);
    ag_auto_free char *prefix = format_v(context, ap);
    va_end(ap);
    char *details = NULL;
    if (prefix != NULL) {
        details =
            one_line((*err)->details[0] != '\0' ? ag_asprintf("%s: %s", prefix, (*err)->details)
                                                : ag_take(prefix));
    }
    if (details == NULL) {
        return ag_error_nomem(err);
    }
    free((*err)->details);
    (*err)->details = details;
    return (*err)->code;
}

int ag_error_from_wire(argo_error **err, int wire_code, const char *details, const char *field)
{
    int code = ARGO_E_INTERNAL;
    for (size_t i = 0; i < AG_ARRAY_SIZE(code_table); i++) {
        /* The first row wins: several local codes share 1399 with INTERNAL. */
        if (code_table[i].code != ARGO_OK && code_table[i].wire_code == wire_code) {
            code = code_table[i].code;
            break;
        }
    }
    int rc = ag_error_field(err, code, field, "%s", details != NULL ? details : "");
    if (rc == code && err != NULL) {
        (*err)->wire_code = wire_code;
    }
    return rc;
}

/* False when memory ran out; what was copied is in DST and must be freed all the same. */
static bool copy_problem(struct argo_problem *dst, const struct argo_problem *src)
{
    *dst = (struct argo_problem){
        .file = ag_strdup(src->file),
        .path = ag_strdup(src->path),
        .line = src->line,
        .column = src->column,
        .message = one_line(ag_strdup(src->message)),
        .expected = one_line(ag_strdup(src->expected)),
        .nearest = ag_strdup(src->nearest),
    };
    return (dst->file != NULL) == (src->file != NULL) &&
           (dst->path != NULL) == (src->path != NULL) &&
           (dst->message != NULL) == (src->message != NULL) &&
           (dst->expected != NULL) == (src->expected != NULL) &&
           (dst->nearest != NULL) == (src->nearest != NULL);
}

int ag_error_add_problem(argo_error **err, int code, const struct argo_problem *problem)
{
    if (err == NULL) {
        return code;
    }
    if (*err == NULL) {
        ag_error_set(err, code, "%s", "");
    }
    argo_error *e = *err;
    if (e == &nomem_error) {
        return ARGO_E_NOMEM;
    }
    struct argo_problem copy;
    struct argo_problem *grown = NULL;
    if (copy_problem(&copy, problem)) {
        grown = reallocarray(e->problems, e->n_problems + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        free_problem(&copy);
        return ag_error_nomem(err);
    }
    e->problems = grown;
    e->problems[e->n_problems++] = copy;
    return e->code;
}

void ag_error_move(argo_error **dst, argo_error **src)
{
    argo_error *moved = ag_take(*src);
    if (dst != NULL) {
        replace(dst, moved);
    } else {
        argo_error_free(moved);
    }
}

argo_error *ag_error_copy(const argo_error *err)
{
    argo_error *copy = NULL;
    if (err == NULL) {
        return NULL;
    }
    if (err == &nomem_error ||
        ag_error_field(&copy, err->code, err->field, "%s", err->details) == ARGO_E_NOMEM) {
        ag_error_nomem(&copy);
        return copy;
    }
    copy->wire_code = err->wire_code;
    for (size_t i = 0; i < err->n_problems; i++) {
        ag_error_add_problem(&copy, err->code, &err->problems[i]);
    }
    return copy;
}

char *ag_error_text(const argo_error *err)
{
    const char *details = argo_error_details(err);
    return ag_asprintf("%s%s%s", argo_error_message(err), details[0] != '\0' ? ": " : "", details);
}
