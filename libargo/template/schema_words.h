/*
 * What the files schema*.c share: the words of a schema, each with what it may be and what it
 * demands of a value. Internal to them.
 */
#ifndef AG_TEMPLATE_SCHEMA_WORDS_H
#define AG_TEMPLATE_SCHEMA_WORDS_H

#include "template/schema.h"

/* One check, of a schema or of a value. */
struct ag_schema_run {
    ag_schema_problem_fn fn; /* NULL: nobody wants to know why */
    void *user;
    argo_error **err;
    int64_t steps, regex_steps; /* that may still be made */
    bool secret;
    size_t problems;
};

/* Whether the value at NODE may be that of a word, in a schema of LEVEL. 0: yes, 1: no, or a code. */
typedef int ag_schema_word_check(struct ag_schema_run *r, const struct ag_node *node,
                                 unsigned level);
/* The value at NODE against WORD, the value of a word of SCHEMA. 0: it fits, 1: it does not, or a
 * code. */
typedef int ag_schema_word_apply(struct ag_schema_run *r, const ag_value *schema,
                                 const ag_value *word, const struct ag_node *node);

struct ag_schema_word {
    const char *name;
    ag_schema_word_check *check;
    ag_schema_word_apply *apply; /* NULL: an annotation */
};

/* Reports, and returns 1. EXPECTED as of printf, or NULL. */
int ag_schema_problem(struct ag_schema_run *r, const struct ag_node *where, const char *message,
                      const char *expected, ...) ARGO_PRINTF(4, 5);
/* With a list of words: names the nearest to WORD, and all of them. */
int ag_schema_unknown(struct ag_schema_run *r, const struct ag_node *where, const char *message,
                      const char *word, const char *const *words, size_t n);
/* Counts N steps; ARGO_E_INVALID when there are too many. */
int ag_schema_charge(struct ag_schema_run *r, size_t n);
/* 1 when they are equal, 0 when not, or a code. */
int ag_schema_equal(struct ag_schema_run *r, const ag_value *a, const ag_value *b);

/* schema.c: a schema within another one; a value against one. */
int ag_schema_check_one(struct ag_schema_run *r, const struct ag_node *node, unsigned level);
int ag_schema_apply(struct ag_schema_run *r, const ag_value *schema, const struct ag_node *node);

/* schema_check.c: the words. */
extern const struct ag_schema_word ag_schema_words[];
extern const size_t ag_schema_words_count;
const struct ag_schema_word *ag_schema_word_find(const char *name);
unsigned ag_schema_type_bits(const char *word); /* 0: no such type */

/* schema_value.c: what they demand of one value. */
ag_schema_word_apply ag_schema_type, ag_schema_enum, ag_schema_const;
ag_schema_word_apply ag_schema_min_length, ag_schema_max_length, ag_schema_pattern,
    ag_schema_format;
ag_schema_word_apply ag_schema_minimum, ag_schema_maximum, ag_schema_above, ag_schema_below,
    ag_schema_multiple;

/* schema_parts.c: of what is in it, and of schemas put together. */
ag_schema_word_apply ag_schema_properties, ag_schema_additional, ag_schema_required,
    ag_schema_min_members, ag_schema_max_members;
ag_schema_word_apply ag_schema_prefix_items, ag_schema_items, ag_schema_min_items,
    ag_schema_max_items, ag_schema_unique;
ag_schema_word_apply ag_schema_all_of, ag_schema_any_of, ag_schema_one_of, ag_schema_not;

/* schema_format.c */
struct ag_schema_format {
    const char *name;
    bool (*check)(const char *text);
    const char *expected;
};

extern const struct ag_schema_format ag_schema_formats[];
extern const size_t ag_schema_formats_count;
const struct ag_schema_format *ag_schema_format_find(const char *name);

#endif
