/*
 * The list of what was found: places, order, what explains what.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "template/check.h"

struct ag_found {
    struct argo_problem problem; /* its texts are ours */
    size_t order;
    char *variable; /* an unknown one, or NULL */
    size_t step;    /* that uses it */
    bool explained;
};

static void free_found(struct ag_found *f)
{
    free((char *)(uintptr_t)f->problem.path);
    free((char *)(uintptr_t)f->problem.message);
    free((char *)(uintptr_t)f->problem.expected);
    free((char *)(uintptr_t)f->problem.nearest);
    free(f->variable);
}

static struct ag_found *add_found(struct ag_check *c, const struct ag_node *node)
{
    if (c->n_found == AG_MAX_PROBLEMS) {
        c->not_listed++;
        return NULL;
    }
    if (c->n_found == c->cap_found) {
        size_t cap = c->cap_found == 0 ? 16 : 2 * c->cap_found;
        struct ag_found *grown = reallocarray(c->found, cap, sizeof(*grown));
        if (grown == NULL) {
            c->failed = true;
            return NULL;
        }
        c->found = grown;
        c->cap_found = cap;
    }
    struct ag_found *f = &c->found[c->n_found];
    *f = (struct ag_found){.order = c->n_found++};
    f->problem.file = c->file;
    f->problem.path = ag_node_path(node);
    ag_source_locate(c->source, node, &f->problem.line, &f->problem.column);
    return f;
}

/* Messages quote the template: they stay on one line. */
static char *one_line(char *text)
{
    for (char *p = text; p != NULL && *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            *p = ' ';
        }
    }
    return text;
}

void ag_check_problem(struct ag_check *c, const struct ag_node *node, const char *expected,
                      const char *nearest, const char *format, ...)
{
    struct ag_found *f = add_found(c, node);
    if (f == NULL) {
        return;
    }
    char *message = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&message, format, ap) < 0) {
        message = NULL;
    }
    va_end(ap);
    f->problem.message = one_line(message);
    f->problem.expected = ag_strdup(expected);
    f->problem.nearest = one_line(ag_strdup(nearest));
    c->failed = c->failed || f->problem.path == NULL || message == NULL;
}

void ag_check_unknown_variable(struct ag_check *c, const struct ag_node *node, const char *variable)
{
    size_t n = c->n_found;
    ag_check_problem(c, node, "a parameter, or what a step saves to", NULL,
                     "variable '%s' is set by no step", variable);
    if (c->n_found > n) {
        c->found[n].variable = ag_strdup(variable);
        c->found[n].step = c->step;
    }
}

/* A step that saves to a name that cannot be told explains one unknown variable: the first that
 * a step after it uses. */
static void explain(struct ag_check *c, size_t wild)
{
    const char *variable = NULL;
    for (size_t i = 0; i < c->n_found; i++) {
        struct ag_found *f = &c->found[i];
        if (f->variable == NULL || f->explained || f->step == AG_NO_STEP) {
            continue;
        }
        if (variable == NULL && ag_outline_leads(c->outline, wild, f->step)) {
            variable = f->variable;
        }
        f->explained = ag_streq(variable, f->variable);
    }
}

static int compare(const void *a, const void *b)
{
    const struct ag_found *x = a;
    const struct ag_found *y = b;
    if (x->problem.line != y->problem.line) {
        return x->problem.line < y->problem.line ? -1 : 1;
    }
    if (x->problem.column != y->problem.column) {
        return x->problem.column < y->problem.column ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

/* {{x}} twice in one text is one problem. */
static bool same(const struct ag_found *a, const struct ag_found *b)
{
    return a->problem.line == b->problem.line && a->problem.column == b->problem.column &&
           strcmp(a->problem.path, b->problem.path) == 0 &&
           strcmp(a->problem.message, b->problem.message) == 0;
}

static bool is_repeated(const struct ag_check *c, size_t i)
{
    const struct ag_found *f = &c->found[i];
    for (size_t k = i; k > 0 && c->found[k - 1].problem.line == f->problem.line; k--) {
        if (same(&c->found[k - 1], f)) {
            return true;
        }
    }
    return false;
}

int ag_check_finish(struct ag_check *c, argo_error **err)
{
    if (c->failed) {
        return ag_error_nomem(err);
    }
    for (size_t i = 0; i < c->outline->n_steps; i++) {
        if (c->outline->steps[i].wild) {
            explain(c, i);
        }
    }
    if (c->n_found > 0) {
        qsort(c->found, c->n_found, sizeof(*c->found), compare);
    }
    size_t n = 0;
    for (size_t i = 0; i < c->n_found; i++) {
        c->found[i].explained = c->found[i].explained || is_repeated(c, i);
        n += !c->found[i].explained;
    }
    if (n == 0) {
        return 0;
    }
    int rc = ag_error_set(err, ARGO_E_TEMPLATE, "%zu problem%s%s%s", n + c->not_listed,
                          n + c->not_listed == 1 ? "" : "s", c->file != NULL ? " in " : "",
                          c->file != NULL ? c->file : "");
    for (size_t i = 0; i < c->n_found && rc == ARGO_E_TEMPLATE; i++) {
        if (!c->found[i].explained) {
            rc = ag_error_add_problem(err, ARGO_E_TEMPLATE, &c->found[i].problem);
        }
    }
    return rc;
}

void ag_check_clear(struct ag_check *c)
{
    for (size_t i = 0; i < c->n_found; i++) {
        free_found(&c->found[i]);
    }
    free(c->found);
}
