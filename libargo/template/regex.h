/*
 * Regular expressions (PCRE2, UTF-8) that always come to an end: one match is limited in
 * backtracking, depth and memory, and a caller bounds a whole evaluation by a number of steps.
 */
#ifndef AG_TEMPLATE_REGEX_H
#define AG_TEMPLATE_REGEX_H

#include "base/error.h"

typedef struct ag_regex ag_regex;

enum {
    AG_REGEX_MAX_PATTERN = 4096,
    AG_REGEX_MAX_SUBJECT = 256 * 1024,
    AG_REGEX_MATCH_LIMIT = 1000 * 1000,
    AG_REGEX_DEPTH_LIMIT = 50 * 1000,
    AG_REGEX_HEAP_LIMIT_KIB = 16 * 1024,
    /* Steps of one evaluation: pattern items tried and characters passed. About 0.1 s. */
    AG_REGEX_STEPS = 10 * 1000 * 1000
};

/* ARGO_E_INVALID "the pattern ... at character N of it". */
int ag_regex_compile(const char *pattern, ag_regex **out, argo_error **err);
void ag_regex_free(ag_regex *re);
/* Whether PATTERN is found anywhere in SUBJECT (UTF-8). STEPS is what may still be spent, and is
 * counted down. A limit that is exceeded, or a subject that is too long: ARGO_E_INVALID. */
int ag_regex_test(const ag_regex *re, const char *subject, size_t len, int64_t *steps, bool *out,
                  argo_error **err);

/* TEXT (UTF-8) in upper or lower case, one character for one. Caller frees. */
int ag_regex_recase(const char *text, size_t len, bool upper, char **out, argo_error **err);

AG_DEFINE_AUTO(ag_regex, ag_regex_free)

#endif
