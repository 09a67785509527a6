/*
 * Tokens of the condition language, and the one table of its operators. The lexer works inside
 * a longer text too (a {{...}} of a prompt): offsets count from the start of that text, so that
 * every message can name the character. It must not know how tokens combine.
 */
#ifndef AG_TEMPLATE_LEXER_H
#define AG_TEMPLATE_LEXER_H

#include "wire/value.h"

enum {
    AG_EXPR_MAX_TEXT = 8192, /* bytes of one expression */
    AG_EXPR_MAX_NESTING = 64,
    AG_EXPR_MAX_PATH = 256
};

/* What a compiled expression consists of; see program.h. */
enum ag_op_code {
    AG_OP_LITERAL,
    AG_OP_PATH,
    AG_OP_OR,
    AG_OP_AND,
    AG_OP_TRUTH, /* turns the top of the stack into true or false */
    AG_OP_NOT,
    AG_OP_EQ,
    AG_OP_NE,
    AG_OP_LT,
    AG_OP_LE,
    AG_OP_GT,
    AG_OP_GE,
    AG_OP_IN,
    AG_OP_CONTAINS,
    AG_OP_STARTS_WITH,
    AG_OP_ENDS_WITH,
    AG_OP_MATCHES,
    AG_OP_ADD,
    AG_OP_SUB,
    AG_OP_MUL,
    AG_OP_DIV,
    AG_OP_MOD,
    AG_OP_NEGATE,
    AG_OP_DEFAULT, /* the filters from here on */
    AG_OP_JSON,
    AG_OP_TRIM,
    AG_OP_LINES,
    AG_OP_LENGTH,
    AG_OP_UPPER,
    AG_OP_LOWER
};

/* Precedence, loosest first. */
enum ag_level {
    AG_LEVEL_OR,
    AG_LEVEL_AND,
    AG_LEVEL_NOT,
    AG_LEVEL_COMPARE,
    AG_LEVEL_SUM,
    AG_LEVEL_PRODUCT,
    AG_LEVEL_NEGATE
};

struct ag_operator {
    const char *text;
    enum ag_op_code code;
    enum ag_level level;
};

enum ag_token_kind {
    AG_TOKEN_END,
    AG_TOKEN_LITERAL,
    AG_TOKEN_PATH,
    AG_TOKEN_OPERATOR,
    AG_TOKEN_OPEN,  /* ( */
    AG_TOKEN_SHUT,  /* ) */
    AG_TOKEN_PIPE,  /* | */
    AG_TOKEN_CLOSE, /* }} */
};

struct ag_token {
    enum ag_token_kind kind;
    const struct ag_operator *op; /* of OPERATOR */
    ag_value *literal;            /* of LITERAL; owned until the parser takes it */
    size_t offset, len;           /* bytes in the text */
};

struct ag_lexer {
    const char *text;
    size_t start, offset;
    struct ag_token token; /* the current one */
};

/* Positions LEX at START; ag_lexer_next reads the first token. TEXT is borrowed, UTF-8. */
void ag_lexer_init(struct ag_lexer *lex, const char *text, size_t start);
void ag_lexer_clear(struct ag_lexer *lex);
int ag_lexer_next(struct ag_lexer *lex, argo_error **err);

/* Bytes of the path (name, a.b, a.0.c) at TEXT; 0 when there is none. */
size_t ag_lexer_path(const char *text);

/* How many characters the LEN bytes of UTF-8 are. */
size_t ag_lexer_characters(const char *text, size_t len);

/* ARGO_E_INVALID "at character N: ..." for the byte OFFSET of TEXT. */
int ag_lexer_fail(argo_error **err, const char *text, size_t offset, const char *format, ...)
    ARGO_PRINTF(4, 5);
/* "expected WHAT, found 'token'" at the current token. */
int ag_lexer_expected(const struct ag_lexer *lex, const char *what, argo_error **err);

/* The operator's spelling, for messages. Static. */
const char *ag_operator_text(enum ag_op_code code);

#endif
