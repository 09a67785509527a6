/*
 * Text: strict numbers, ids, UTF-8, nearest words, times. Pure functions.
 */
#ifndef AG_BASE_TEXT_H
#define AG_BASE_TEXT_H

#include "base/error.h"

#define AG_ID_MAX 64

/* Strict: the whole text is one decimal number in range; "abc", "", " 1", "1x" are errors. The
 * error is ARGO_E_INVALID and names WHAT. */
int ag_parse_i64(const char *text, const char *what, int64_t min, int64_t max, int64_t *out,
                 argo_error **err);
int ag_parse_u16(const char *text, const char *what, uint16_t *out, argo_error **err);
int ag_parse_double(const char *text, const char *what, double min, double max, double *out,
                    argo_error **err);
/* "90", "1.5", "90s", "5m", "2h", "3d" -> milliseconds. */
int ag_parse_duration_ms(const char *text, const char *what, int64_t *out, argo_error **err);

/* Ids: [A-Za-z0-9][A-Za-z0-9._-]{0,63} without "..". ARGO_E_ID names WHAT. */
bool ag_id_valid(const char *id);
int ag_id_check(const char *id, const char *what, argo_error **err);

bool ag_utf8_valid(const char *text, size_t len); /* NUL counts as invalid */
/* Copies TEXT with each invalid byte (and NUL) as U+FFFD. Caller frees; NULL without memory. */
char *ag_utf8_sanitise(const char *text, size_t len, size_t *out_len);
/* How many bytes of TEXT end in complete characters: the rest is a character cut in two. */
size_t ag_utf8_complete(const char *text, size_t len);

/* The nearest of N words (edit distance at most a third of its length, at least 1), or NULL. */
const char *ag_nearest_word(const char *word, const char *const *words, size_t n);

/* RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z": 25 bytes with the NUL. */
#define AG_TIME_SIZE 32
const char *ag_time_format(int64_t ms, char buf[AG_TIME_SIZE]);
/* Any RFC 3339 time with zone. */
int ag_time_parse(const char *text, const char *what, int64_t *out_ms, argo_error **err);

char *ag_asprintf(const char *format, ...) ARGO_PRINTF(1, 2); /* NULL without memory */
char *ag_strdup(const char *text);                            /* NULL for NULL */
char *ag_strndup(const char *text, size_t len);
bool ag_streq(const char *a, const char *b); /* NULL equals NULL only */
bool ag_starts_with(const char *text, const char *prefix);

#endif
