/*
 * The only file that sees PCRE2. Limits are set on every match; PCRE2 counts its match limit
 * afresh for every place where a match may start, so a callout before each pattern item counts
 * the steps of the whole search as well. Nothing here knows about expressions.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "template/regex.h"

#include <pcre2.h>
#include <string.h>

#include "template/lexer.h"

struct ag_regex {
    pcre2_code *code;
};

static inline void auto_match_context(pcre2_match_context **p)
{
    pcre2_match_context_free(*p);
}

static inline void auto_match_data(pcre2_match_data **p)
{
    pcre2_match_data_free(*p);
}

static inline void auto_code(pcre2_code **p)
{
    pcre2_code_free(*p);
}

#define AUTO_CONTEXT __attribute__((cleanup(auto_match_context))) pcre2_match_context *
#define AUTO_DATA    __attribute__((cleanup(auto_match_data))) pcre2_match_data *
#define AUTO_CODE    __attribute__((cleanup(auto_code))) pcre2_code *

static PCRE2_SPTR units(const char *text)
{
    return (PCRE2_SPTR)text;
}

int ag_regex_compile(const char *pattern, ag_regex **out, argo_error **err)
{
    size_t len = strlen(pattern);
    if (len > AG_REGEX_MAX_PATTERN) {
        return ag_error_set(err, ARGO_E_INVALID, "the pattern is longer than %d bytes",
                            AG_REGEX_MAX_PATTERN);
    }
    int number = 0;
    PCRE2_SIZE offset = 0;
    AUTO_CODE code =
        pcre2_compile(units(pattern), len, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
                      &number, &offset, NULL);
    if (code == NULL && number == PCRE2_ERROR_NOMEMORY) {
        return ag_error_nomem(err);
    }
    if (code == NULL) {
        PCRE2_UCHAR text[256];
        pcre2_get_error_message(number, text, sizeof(text));
        return ag_error_set(err, ARGO_E_INVALID,
                            "the pattern has an error at its character %zu: %s",
                            1 + ag_lexer_characters(pattern, offset), (const char *)text);
    }
    ag_regex *re = calloc(1, sizeof(*re));
    if (re == NULL) {
        return ag_error_nomem(err);
    }
    re->code = ag_take(code);
    *out = re;
    return 0;
}

void ag_regex_free(ag_regex *re)
{
    if (re != NULL) {
        pcre2_code_free(re->code);
        free(re);
    }
}

/* What one search has left, and where it was when it was asked last. */
struct search {
    int64_t *steps;
    PCRE2_SIZE last;
};

static int count_steps(pcre2_callout_block *block, void *user)
{
    struct search *s = user;
    PCRE2_SIZE at = block->current_position;
    *s->steps -= 1 + (int64_t)(at > s->last ? at - s->last : s->last - at);
    s->last = at;
    return *s->steps < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

static int match_failed(int rc, argo_error **err)
{
    switch (rc) {
    case PCRE2_ERROR_NOMEMORY:
        return ag_error_nomem(err);
    case PCRE2_ERROR_CALLOUT:
    case PCRE2_ERROR_MATCHLIMIT:
        return ag_error_set(err, ARGO_E_INVALID,
                            "the pattern takes too many steps on this text (limits: %d for one "
                            "place, %d in all)",
                            AG_REGEX_MATCH_LIMIT, AG_REGEX_STEPS);
    case PCRE2_ERROR_DEPTHLIMIT:
        return ag_error_set(err, ARGO_E_INVALID,
                            "the pattern goes too deep on this text (limit: %d levels)",
                            AG_REGEX_DEPTH_LIMIT);
    case PCRE2_ERROR_HEAPLIMIT:
        return ag_error_set(err, ARGO_E_INVALID,
                            "the pattern takes too much memory on this text (limit: %d KiB)",
                            AG_REGEX_HEAP_LIMIT_KIB);
    default: {
        PCRE2_UCHAR text[256];
        pcre2_get_error_message(rc, text, sizeof(text));
        return ag_error_set(err, ARGO_E_INVALID, "the pattern cannot be matched: %s",
                            (const char *)text);
    }
    }
}

int ag_regex_test(const ag_regex *re, const char *subject, size_t len, int64_t *steps, bool *out,
                  argo_error **err)
{
    if (len > AG_REGEX_MAX_SUBJECT) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "a pattern is matched against at most %d bytes, got %zu",
                            AG_REGEX_MAX_SUBJECT, len);
    }
    AUTO_CONTEXT context = pcre2_match_context_create(NULL);
    AUTO_DATA data = pcre2_match_data_create(1, NULL);
    if (context == NULL || data == NULL) {
        return ag_error_nomem(err);
    }
    struct search search = {.steps = steps};
    pcre2_set_match_limit(context, AG_REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(context, AG_REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(context, AG_REGEX_HEAP_LIMIT_KIB);
    pcre2_set_callout(context, count_steps, &search);
    int rc = pcre2_match(re->code, units(subject), len, 0, 0, data, context);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
        return match_failed(rc, err);
    }
    *out = rc >= 0;
    return 0;
}

int ag_regex_recase(const char *text, size_t len, bool upper, char **out, argo_error **err)
{
    int number = 0;
    PCRE2_SIZE offset = 0;
    AUTO_CODE code =
        pcre2_compile(units("(?s).+"), PCRE2_ZERO_TERMINATED, PCRE2_UTF, &number, &offset, NULL);
    PCRE2_SIZE size = 2 * len + 1; /* no character grows by more than half */
    ag_auto_free char *result = malloc(size);
    if (code == NULL || result == NULL) {
        return ag_error_nomem(err);
    }
    int rc = pcre2_substitute(code, units(text), len, 0, PCRE2_SUBSTITUTE_EXTENDED, NULL, NULL,
                              units(upper ? "\\U$0" : "\\L$0"), PCRE2_ZERO_TERMINATED,
                              (PCRE2_UCHAR *)result, &size);
    if (rc < 0) {
        return match_failed(rc, err);
    }
    *out = ag_take(result);
    return 0;
}
