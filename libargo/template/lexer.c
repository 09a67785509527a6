/*
 * Text to tokens. Knows the spelling of numbers, texts, paths and operators, and where they
 * are; must not know how they combine.
 */
#include "template/lexer.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

/* A spelling that begins another one stands behind it. Unary minus is parsed as "-". */
static const struct ag_operator operators[] = {
    {"||", AG_OP_OR, AG_LEVEL_OR},
    {"&&", AG_OP_AND, AG_LEVEL_AND},
    {"==", AG_OP_EQ, AG_LEVEL_COMPARE},
    {"!=", AG_OP_NE, AG_LEVEL_COMPARE},
    {"<=", AG_OP_LE, AG_LEVEL_COMPARE},
    {"<", AG_OP_LT, AG_LEVEL_COMPARE},
    {">=", AG_OP_GE, AG_LEVEL_COMPARE},
    {">", AG_OP_GT, AG_LEVEL_COMPARE},
    {"!", AG_OP_NOT, AG_LEVEL_NOT},
    {"in", AG_OP_IN, AG_LEVEL_COMPARE},
    {"contains", AG_OP_CONTAINS, AG_LEVEL_COMPARE},
    {"starts_with", AG_OP_STARTS_WITH, AG_LEVEL_COMPARE},
    {"ends_with", AG_OP_ENDS_WITH, AG_LEVEL_COMPARE},
    {"matches", AG_OP_MATCHES, AG_LEVEL_COMPARE},
    {"+", AG_OP_ADD, AG_LEVEL_SUM},
    {"-", AG_OP_SUB, AG_LEVEL_SUM},
    {"*", AG_OP_MUL, AG_LEVEL_PRODUCT},
    {"/", AG_OP_DIV, AG_LEVEL_PRODUCT},
    {"%", AG_OP_MOD, AG_LEVEL_PRODUCT},
};

static bool is_letter(char c)
{
    return c != '\0' && strchr(LETTERS, c) != NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *ag_operator_text(enum ag_op_code code)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(operators); i++) {
        if (operators[i].code == code) {
            return operators[i].text;
        }
    }
    return "-";
}

size_t ag_lexer_characters(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += ((unsigned char)text[i] & 0xC0U) != 0x80U;
    }
    return n;
}

int ag_lexer_fail(argo_error **err, const char *text, size_t offset, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    ag_error_set_v(err, ARGO_E_INVALID, format, ap);
    va_end(ap);
    ag_error_wrap(err, "at character %zu", 1 + ag_lexer_characters(text, offset));
    return ARGO_E_INVALID;
}

int ag_lexer_expected(const struct ag_lexer *lex, const char *what, argo_error **err)
{
    const struct ag_token *t = &lex->token;
    if (t->len == 0) {
        return ag_lexer_fail(err, lex->text, t->offset, "expected %s, found the end", what);
    }
    size_t shown = t->len > 40 ? 40 : t->len;
    shown = ag_utf8_complete(lex->text + t->offset, shown);
    return ag_lexer_fail(err, lex->text, t->offset, "expected %s, found '%.*s'", what, (int)shown,
                         lex->text + t->offset);
}

void ag_lexer_init(struct ag_lexer *lex, const char *text, size_t start)
{
    *lex = (struct ag_lexer){.text = text, .start = start, .offset = start};
}

void ag_lexer_clear(struct ag_lexer *lex)
{
    ag_value_unref(lex->token.literal);
    lex->token.literal = NULL;
}

size_t ag_lexer_path(const char *text)
{
    if (!is_letter(*text)) {
        return 0;
    }
    size_t len = strspn(text, LETTERS DIGITS);
    while (text[len] == '.') {
        const char *part = text + len + 1;
        size_t n = is_digit(*part) ? strspn(part, DIGITS) : strspn(part, LETTERS DIGITS);
        if (n == 0) {
            break;
        }
        len += n + 1;
    }
    return len;
}

/* ---- literals ------------------------------------------------------------------------------ */

static size_t number_length(const char *s)
{
    size_t n = *s == '0' ? 1 : strspn(s, DIGITS);
    if (s[n] == '.' && is_digit(s[n + 1])) {
        n += 1 + strspn(s + n + 1, DIGITS);
    }
    if (s[n] == 'e' || s[n] == 'E') {
        size_t sign = s[n + 1] == '+' || s[n + 1] == '-';
        size_t digits = strspn(s + n + 1 + sign, DIGITS);
        n += digits > 0 ? 1 + sign + digits : 0;
    }
    return n;
}

static int lex_number(struct ag_lexer *lex, argo_error **err)
{
    struct ag_token *t = &lex->token;
    const char *s = lex->text + t->offset;
    t->kind = AG_TOKEN_LITERAL;
    t->len = number_length(s);
    int rc = ag_value_parse(s, t->len, &t->literal, NULL);
    if (rc == ARGO_E_NOMEM) {
        return ag_error_nomem(err);
    }
    if (rc < 0) {
        return ag_lexer_fail(err, lex->text, t->offset, "the number is out of range");
    }
    return 0;
}

static int hex4(const char *s)
{
    int n = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *d = s[i] == '\0' ? NULL : strchr(digits, s[i]);
        if (d == NULL) {
            return -1;
        }
        n = n * 16 + (int)((d - digits) % 16);
    }
    return n;
}

static void add_utf8(struct ag_buf *b, unsigned c)
{
    if (c < 0x80) {
        ag_buf_add_char(b, (char)c);
        return;
    }
    unsigned tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    ag_buf_add_char(b, (char)(lead[tail] | (c >> (6 * tail))));
    while (tail-- > 0) {
        ag_buf_add_char(b, (char)(0x80U | ((c >> (6 * tail)) & 0x3FU)));
    }
}

/* S is behind "\u". Returns how many bytes belong to it, 0 when it is no character. */
static size_t unescape_unicode(const char *s, struct ag_buf *b)
{
    int c = hex4(s);
    if (c <= 0 || (c >= 0xDC00 && c <= 0xDFFF)) {
        return 0;
    }
    if (c < 0xD800 || c > 0xDBFF) {
        add_utf8(b, (unsigned)c);
        return 4;
    }
    int low = s[4] == '\\' && s[5] == 'u' ? hex4(s + 6) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    add_utf8(b, 0x10000U + (((unsigned)c - 0xD800U) << 10) + ((unsigned)low - 0xDC00U));
    return 10;
}

/* S is at a backslash. Returns how many bytes belong to the escape, 0 when there is none. */
static size_t unescape(const char *s, struct ag_buf *b)
{
    static const char names[] = "\"'\\nt";
    static const char values[] = "\"'\\\n\t";
    const char *at = s[1] == '\0' ? NULL : strchr(names, s[1]);
    if (at != NULL) {
        ag_buf_add_char(b, values[at - names]);
        return 2;
    }
    size_t n = s[1] == 'u' ? unescape_unicode(s + 2, b) : 0;
    return n == 0 ? 0 : n + 2;
}

static int lex_text(struct ag_lexer *lex, argo_error **err)
{
    struct ag_token *t = &lex->token;
    const char *s = lex->text + t->offset;
    const char stops[] = {*s, '\\', '\0'};
    ag_auto_buf b = AG_BUF_INIT(AG_EXPR_MAX_TEXT);
    size_t i = 1;
    while (s[i] != *s) {
        size_t plain = strcspn(s + i, stops);
        if (i + plain > AG_EXPR_MAX_TEXT || s[i + plain] == '\0') {
            return ag_lexer_fail(err, lex->text, t->offset, "the text has no closing %c", *s);
        }
        ag_buf_add(&b, s + i, plain);
        i += plain;
        if (s[i] == '\\') {
            size_t n = unescape(s + i, &b);
            if (n == 0) {
                return ag_lexer_fail(err, lex->text, t->offset + i,
                                     "expected one of \\\" \\' \\\\ \\n \\t \\uXXXX");
            }
            i += n;
        }
    }
    t->kind = AG_TOKEN_LITERAL;
    t->len = i + 1;
    t->literal = b.failed ? NULL : ag_value_text_n(ag_buf_text(&b), b.len);
    return t->literal == NULL ? ag_error_nomem(err) : 0;
}

/* ---- words and symbols --------------------------------------------------------------------- */

static int lex_word(struct ag_lexer *lex, argo_error **err)
{
    struct ag_token *t = &lex->token;
    const char *s = lex->text + t->offset;
    t->len = ag_lexer_path(s);
    t->kind = AG_TOKEN_PATH;
    for (size_t i = 0; i < AG_ARRAY_SIZE(operators); i++) {
        if (strlen(operators[i].text) == t->len && memcmp(operators[i].text, s, t->len) == 0) {
            t->kind = AG_TOKEN_OPERATOR;
            t->op = &operators[i];
            return 0;
        }
    }
    bool yes = t->len == 4 && memcmp(s, "true", 4) == 0;
    bool no = t->len == 5 && memcmp(s, "false", 5) == 0;
    bool null = t->len == 4 && memcmp(s, "null", 4) == 0;
    if (yes || no || null) {
        t->kind = AG_TOKEN_LITERAL;
        t->literal = null ? ag_value_null() : ag_value_bool(yes);
        return t->literal == NULL ? ag_error_nomem(err) : 0;
    }
    if (t->len > AG_EXPR_MAX_PATH) {
        return ag_lexer_fail(err, lex->text, t->offset, "the path is longer than %d bytes",
                             AG_EXPR_MAX_PATH);
    }
    return 0;
}

static bool lex_operator(struct ag_lexer *lex)
{
    struct ag_token *t = &lex->token;
    for (size_t i = 0; i < AG_ARRAY_SIZE(operators); i++) {
        if (ag_starts_with(lex->text + t->offset, operators[i].text)) {
            t->kind = AG_TOKEN_OPERATOR;
            t->op = &operators[i];
            t->len = strlen(operators[i].text);
            return true;
        }
    }
    return false;
}

static int lex_symbol(struct ag_lexer *lex, argo_error **err)
{
    struct ag_token *t = &lex->token;
    const char *s = lex->text + t->offset;
    if (lex_operator(lex)) {
        return 0;
    }
    t->len = 1;
    switch (*s) {
    case '(':
        t->kind = AG_TOKEN_OPEN;
        return 0;
    case ')':
        t->kind = AG_TOKEN_SHUT;
        return 0;
    case '|':
        t->kind = AG_TOKEN_PIPE;
        return 0;
    case '=':
        return ag_lexer_fail(err, lex->text, t->offset, "expected '==', found '='");
    case '&':
        return ag_lexer_fail(err, lex->text, t->offset, "expected '&&', found '&'");
    default:
        break;
    }
    if (s[0] == '}' && s[1] == '}') {
        t->kind = AG_TOKEN_CLOSE;
        t->len = 2;
        return 0;
    }
    while (((unsigned char)s[t->len] & 0xC0U) == 0x80U) {
        t->len++;
    }
    return ag_lexer_expected(lex, "a name, a value or an operator", err);
}

static int lex_token(struct ag_lexer *lex, argo_error **err)
{
    char c = lex->text[lex->token.offset];
    if (c == '\0') {
        return 0;
    }
    if (is_digit(c)) {
        return lex_number(lex, err);
    }
    if (c == '"' || c == '\'') {
        return lex_text(lex, err);
    }
    return is_letter(c) ? lex_word(lex, err) : lex_symbol(lex, err);
}

int ag_lexer_next(struct ag_lexer *lex, argo_error **err)
{
    ag_lexer_clear(lex);
    lex->offset += strspn(lex->text + lex->offset, " \t\r\n");
    lex->token = (struct ag_token){.kind = AG_TOKEN_END, .offset = lex->offset};
    int rc = 0;
    if (lex->offset - lex->start <= AG_EXPR_MAX_TEXT) {
        rc = lex_token(lex, err);
    }
    lex->offset += lex->token.len;
    if (rc == 0 && lex->offset - lex->start > AG_EXPR_MAX_TEXT) {
        return ag_lexer_fail(err, lex->text, lex->start, "the expression is longer than %d bytes",
                             AG_EXPR_MAX_TEXT);
    }
    return rc;
}
