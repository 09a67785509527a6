/*
 * Text to a compiled expression, by precedence levels. Everything that can be wrong without
 * values is found here: syntax, limits, and patterns that are literals.
 */
#include <string.h>

#include "base/text.h"
#include "template/program.h"

struct parser {
    struct ag_lexer lex;
    ag_expr *e;
    unsigned nesting;
    argo_error **err;
};

void ag_expr_free(ag_expr *e)
{
    if (e == NULL) {
        return;
    }
    for (size_t i = 0; i < e->n_ops; i++) {
        ag_value_unref(e->ops[i].value);
        free(e->ops[i].path);
        ag_regex_free(e->ops[i].regex);
    }
    free(e->ops);
    free(e->own_text);
    free(e);
}

static int emit(struct parser *p, enum ag_op_code code, size_t offset)
{
    ag_expr *e = p->e;
    if (e->n_ops == e->capacity) {
        size_t capacity = e->capacity == 0 ? 8 : 2 * e->capacity;
        struct ag_op *ops = reallocarray(e->ops, capacity, sizeof(*ops));
        if (ops == NULL) {
            return ag_error_nomem(p->err);
        }
        e->ops = ops;
        e->capacity = capacity;
    }
    e->ops[e->n_ops++] = (struct ag_op){.code = code, .offset = offset};
    return 0;
}

static struct ag_op *last_op(struct parser *p)
{
    return &p->e->ops[p->e->n_ops - 1];
}

static int next(struct parser *p)
{
    return ag_lexer_next(&p->lex, p->err);
}

static bool at_level(const struct parser *p, enum ag_level level)
{
    return p->lex.token.kind == AG_TOKEN_OPERATOR && p->lex.token.op->level == level;
}

static int parse_level(struct parser *p, enum ag_level level);

/* What stands behind "(", "!" or "-". */
static int parse_nested(struct parser *p, enum ag_level level)
{
    if (p->nesting == AG_EXPR_MAX_NESTING) {
        return ag_lexer_fail(p->err, p->lex.text, p->lex.token.offset,
                             "the expression is nested deeper than %d", AG_EXPR_MAX_NESTING);
    }
    int rc = next(p);
    if (rc < 0) {
        return rc;
    }
    p->nesting++;
    rc = parse_level(p, level);
    p->nesting--;
    return rc;
}

static int parse_operand(struct parser *p)
{
    struct ag_token *t = &p->lex.token;
    int rc = 0;
    switch (t->kind) {
    case AG_TOKEN_OPEN:
        rc = parse_nested(p, AG_LEVEL_OR);
        if (rc == 0 && t->kind != AG_TOKEN_SHUT) {
            rc = ag_lexer_expected(&p->lex, "an operator or ')'", p->err);
        }
        break;
    case AG_TOKEN_LITERAL:
        rc = emit(p, AG_OP_LITERAL, t->offset);
        if (rc == 0) {
            last_op(p)->value = ag_take(t->literal);
        }
        break;
    case AG_TOKEN_PATH:
        rc = emit(p, AG_OP_PATH, t->offset);
        if (rc == 0) {
            last_op(p)->path = ag_strndup(p->lex.text + t->offset, t->len);
            rc = last_op(p)->path == NULL ? ag_error_nomem(p->err) : 0;
        }
        break;
    case AG_TOKEN_END:
    case AG_TOKEN_OPERATOR:
    case AG_TOKEN_SHUT:
    case AG_TOKEN_PIPE:
    case AG_TOKEN_CLOSE:
        rc = ag_lexer_expected(&p->lex, "a name or a value", p->err);
        break;
    }
    return rc < 0 ? rc : next(p);
}

/* A right side that is one literal becomes the compiled pattern of the operation. */
static int finish_matches(struct parser *p, size_t right, size_t offset)
{
    ag_expr *e = p->e;
    const struct ag_op *literal = &e->ops[right];
    const char *pattern = ag_value_as_text(literal->value);
    if (right + 1 != e->n_ops || literal->code != AG_OP_LITERAL || pattern == NULL) {
        return emit(p, AG_OP_MATCHES, offset);
    }
    ag_regex *regex = NULL;
    argo_error *why = NULL;
    int rc = ag_regex_compile(pattern, &regex, &why);
    if (rc == ARGO_E_NOMEM) {
        ag_error_move(p->err, &why);
        return rc;
    }
    if (rc < 0) {
        rc = ag_lexer_fail(p->err, e->text, literal->offset, "%s", argo_error_details(why));
        argo_error_free(why);
        return rc;
    }
    ag_value_unref(literal->value);
    e->ops[right] = (struct ag_op){.code = AG_OP_MATCHES, .offset = offset, .regex = regex};
    return 0;
}

/* The operator and what is right of it; the left side has been emitted. */
static int parse_right(struct parser *p, enum ag_level level)
{
    enum ag_op_code code = p->lex.token.op->code;
    size_t offset = p->lex.token.offset;
    bool decides = level == AG_LEVEL_OR || level == AG_LEVEL_AND;
    size_t decision = p->e->n_ops;
    int rc = decides ? emit(p, code, offset) : 0;
    rc = rc < 0 ? rc : next(p);
    size_t right = p->e->n_ops;
    rc = rc < 0 ? rc : parse_level(p, level + 1);
    if (rc < 0) {
        return rc;
    }
    if (decides) {
        rc = emit(p, AG_OP_TRUTH, offset);
        p->e->ops[decision].skip = p->e->n_ops;
        return rc;
    }
    return code == AG_OP_MATCHES ? finish_matches(p, right, offset) : emit(p, code, offset);
}

static int parse_prefix(struct parser *p, enum ag_level level, enum ag_op_code code)
{
    size_t offset = p->lex.token.offset;
    int rc = parse_nested(p, level);
    return rc < 0 ? rc : emit(p, code, offset);
}

static int parse_level(struct parser *p, enum ag_level level)
{
    const struct ag_token *t = &p->lex.token;
    if (level == AG_LEVEL_NEGATE) {
        bool minus = t->kind == AG_TOKEN_OPERATOR && t->op->code == AG_OP_SUB;
        return minus ? parse_prefix(p, level, AG_OP_NEGATE) : parse_operand(p);
    }
    if (level == AG_LEVEL_NOT && at_level(p, AG_LEVEL_NOT)) {
        return parse_prefix(p, level, AG_OP_NOT);
    }
    int rc = parse_level(p, level + 1);
    while (rc == 0 && level != AG_LEVEL_NOT && at_level(p, level)) {
        rc = parse_right(p, level);
        if (rc == 0 && level == AG_LEVEL_COMPARE && at_level(p, level)) {
            rc = ag_lexer_expected(&p->lex, "'&&', '||' or parentheses (comparisons do not chain)",
                                   p->err);
        }
    }
    return rc;
}

/* ---- filters ------------------------------------------------------------------------------- */

static int parse_default(struct parser *p)
{
    const struct ag_token *t = &p->lex.token;
    int rc = next(p);
    if (rc == 0 && t->kind != AG_TOKEN_OPEN) {
        rc = ag_lexer_expected(&p->lex, "'(' and a value", p->err);
    }
    rc = rc < 0 ? rc : next(p);
    if (rc == 0 && t->kind != AG_TOKEN_LITERAL) {
        rc = ag_lexer_expected(&p->lex, "a text, a number, true, false or null", p->err);
    }
    if (rc < 0) {
        return rc;
    }
    last_op(p)->value = ag_take(p->lex.token.literal);
    p->e->defaulted = true;
    rc = next(p);
    if (rc == 0 && t->kind != AG_TOKEN_SHUT) {
        rc = ag_lexer_expected(&p->lex, "')'", p->err);
    }
    return rc;
}

static int parse_filter(struct parser *p)
{
    int rc = next(p);
    if (rc < 0) {
        return rc;
    }
    const struct ag_token *t = &p->lex.token;
    enum ag_op_code code = ag_filter_find(p->lex.text + t->offset, t->len);
    if (t->kind != AG_TOKEN_PATH || code == AG_OP_LITERAL) {
        return ag_lexer_expected(&p->lex, ag_filter_names(), p->err);
    }
    rc = emit(p, code, t->offset);
    if (rc == 0 && code == AG_OP_DEFAULT) {
        rc = parse_default(p);
    }
    return rc < 0 ? rc : next(p);
}

static int parse_hole(struct parser *p)
{
    int rc = parse_level(p, AG_LEVEL_OR);
    bool name = rc == 0 && p->e->n_ops == 1 && p->e->ops[0].code == AG_OP_PATH;
    while (rc == 0 && p->lex.token.kind == AG_TOKEN_PIPE) {
        rc = parse_filter(p);
    }
    if (rc == 0 && p->lex.token.kind != AG_TOKEN_CLOSE) {
        rc = ag_lexer_expected(&p->lex, "an operator, '|' or '}}'", p->err);
    }
    if (name) {
        p->e->ops[0].required = !p->e->defaulted;
    }
    return rc;
}

/* ---- entries ------------------------------------------------------------------------------- */

static int parse_condition(struct parser *p)
{
    int rc = parse_level(p, AG_LEVEL_OR);
    if (rc == 0 && p->lex.token.kind != AG_TOKEN_END) {
        rc = ag_lexer_expected(&p->lex, "an operator or the end", p->err);
    }
    return rc;
}

static int compile(const char *text, size_t offset, int (*parse)(struct parser *p), ag_expr **out,
                   size_t *end, argo_error **err)
{
    AG_AUTO(ag_expr) e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return ag_error_nomem(err);
    }
    e->text = text;
    struct parser p = {.e = e, .err = err};
    ag_lexer_init(&p.lex, text, offset);
    int rc = next(&p);
    rc = rc < 0 ? rc : parse(&p);
    ag_lexer_clear(&p.lex);
    if (rc < 0) {
        return rc;
    }
    *end = p.lex.offset;
    *out = ag_take(e);
    return 0;
}

int ag_expr_compile_hole(const char *text, size_t offset, ag_expr **out, size_t *end,
                         argo_error **err)
{
    return compile(text, offset, parse_hole, out, end, err);
}

int ag_expr_compile(const char *text, ag_expr **out, argo_error **err)
{
    if (!ag_utf8_valid(text, strlen(text))) {
        return ag_error_set(err, ARGO_E_INVALID, "the expression is not UTF-8");
    }
    AG_AUTO(ag_expr) e = NULL;
    size_t end = 0;
    int rc = compile(text, 0, parse_condition, &e, &end, err);
    if (rc < 0) {
        return rc;
    }
    e->own_text = ag_strdup(text);
    if (e->own_text == NULL) {
        return ag_error_nomem(err);
    }
    e->text = e->own_text;
    *out = ag_take(e);
    return 0;
}

int ag_expr_paths(const ag_expr *e, int (*fn)(const char *path, void *user), void *user)
{
    for (size_t i = 0; i < e->n_ops; i++) {
        if (e->ops[i].code != AG_OP_PATH) {
            continue;
        }
        const char *full = e->ops[i].path;
        const char *path = ag_starts_with(full, "context.") ? full + strlen("context.") : full;
        const char *dot = strrchr(path, '.');
        size_t len = ag_streq(dot, ".length") ? (size_t)(dot - path) : strlen(path);
        ag_auto_free char *copy = ag_strndup(path, len);
        int rc = copy == NULL ? ARGO_E_NOMEM : fn(copy, user);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
