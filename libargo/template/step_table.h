/*
 * The step table: every step type, its aliases and its fields, declared once. Validation, the
 * JSON Schema in docs/ and the messages ("expected one of ...") come from here. What a type does
 * is in exec/; a test compares the two lists.
 */
#ifndef AG_TEMPLATE_STEP_TABLE_H
#define AG_TEMPLATE_STEP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ag_key_type {
    AG_KEY_TEXT,      /* a string; {{...}} is replaced when the step runs */
    AG_KEY_WORD,      /* a string taken literally, one of `words` if given */
    AG_KEY_BOOL,
    AG_KEY_INT,       /* within [min, max] */
    AG_KEY_REAL,
    AG_KEY_DURATION,  /* number of seconds, or "90s" "5m" "2h" "3d" */
    AG_KEY_EXPR,      /* a condition */
    AG_KEY_TARGET,    /* a step's name or number, or EXIT */
    AG_KEY_SAVE,      /* a variable path to save to */
    AG_KEY_SAVE_MAP,  /* {stdout, stderr, exit_code}: variable paths; or one path */
    AG_KEY_ARGV,      /* non-empty array of text; {{...}} within each element */
    AG_KEY_TEXT_MAP,  /* object of text */
    AG_KEY_INT_LIST,  /* array of integers */
    AG_KEY_OPTIONS,   /* options of user_choose */
    AG_KEY_VALUES,    /* object: variable path -> any JSON, {{...}} in every string */
    AG_KEY_ANY        /* any JSON, {{...}} in every string */
};

struct ag_key {
    const char *name;
    enum ag_key_type type;
    bool required;
    const char *alias;              /* another spelling of the key, or NULL */
    const char *const *words;       /* NULL-terminated */
    int64_t min, max;               /* of INT; both 0: any */
};

struct ag_step_type {
    const char *name;
    const char *alias;      /* or NULL */
    const char *does;       /* one line, for the documentation */
    bool repeat_never;      /* the default of `repeat` */
    const struct ag_key *keys; /* its own keys; the common ones are ag_step_common_keys */
    size_t n_keys;
    /* At least one of these keys must be there ("argv", or "filename destination"), or NULL. */
    const char *one_of;
};

extern const struct ag_step_type ag_step_types[];
extern const size_t ag_step_types_count;
extern const struct ag_key ag_step_common_keys[];
extern const size_t ag_step_common_keys_count;

const struct ag_step_type *ag_step_type_find(const char *name_or_alias);

#endif
