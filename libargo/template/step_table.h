/*
 * The step table: every step type, its aliases and its fields, declared once; and the keys of
 * the template around the steps. Validation, the JSON Schema in docs/ and the messages
 * ("expected one of ...") come from here. What a type does is in exec/; a test compares the two
 * lists.
 */
#ifndef AG_TEMPLATE_STEP_TABLE_H
#define AG_TEMPLATE_STEP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ag_key_type {
    AG_KEY_TEXT, /* a string; {{...}} is replaced when the step runs */
    AG_KEY_CI,   /* the same: the name of a CI, or empty */
    AG_KEY_WORD, /* a string taken literally, not empty, one of `words` if given */
    AG_KEY_BOOL,
    AG_KEY_INT,        /* within [min, max] */
    AG_KEY_REAL,       /* within [min, max] */
    AG_KEY_DURATION,   /* number of seconds, or "90s" "5m" "2h" "3d" */
    AG_KEY_SPAN,       /* the same; or text whose {{...}} makes one when the step runs */
    AG_KEY_TIME,       /* RFC 3339; or text whose {{...}} makes one when the step runs */
    AG_KEY_EXPR,       /* a condition */
    AG_KEY_NAME,       /* a step's own name: text or an integer */
    AG_KEY_LABEL,      /* text taken literally, or an integer */
    AG_KEY_TYPE,       /* the type of a step */
    AG_KEY_TARGET,     /* a step's name or number, or EXIT */
    AG_KEY_SAVE,       /* a variable path to save to */
    AG_KEY_SAVE_MAP,   /* object of variable paths by one of `words`; or one path */
    AG_KEY_MODE,       /* permission bits as octal text, "0644" */
    AG_KEY_PATTERN,    /* a regular expression */
    AG_KEY_ARGV,       /* non-empty array of text; {{...}} within each element */
    AG_KEY_TEXT_MAP,   /* object of text */
    AG_KEY_WORD_LIST,  /* array of text, taken literally */
    AG_KEY_INT_LIST,   /* array of integers within [min, max] */
    AG_KEY_OPTIONS,    /* options of user_choose: non-empty array of objects with the keys `sub` */
    AG_KEY_FIELDS,     /* fields of form: non-empty array of objects with the keys `sub` */
    AG_KEY_SCHEMA,     /* a JSON Schema of an answer (template/schema.h), taken as it is */
    AG_KEY_VALUES,     /* object: variable path -> any JSON, {{...}} in every string */
    AG_KEY_ANY,        /* any JSON, {{...}} in every string */
    AG_KEY_LITERAL,    /* any JSON, taken as it is */
    AG_KEY_ARRAY,      /* non-empty array of any JSON, taken as it is */
    AG_KEY_OBJECT,     /* object with the keys `sub`; any keys if NULL, taken as they are */
    AG_KEY_ON_ERROR,   /* object with the keys `sub`; or a step's name */
    AG_KEY_PERSONAS,   /* object: `default`, and name -> object with the keys `sub` */
    AG_KEY_PARAMETERS, /* object: name -> object with the keys `sub` */
    AG_KEY_STEPS,      /* non-empty array of steps */
    AG_KEY_PHASES,     /* non-empty array of objects with the keys `sub` */
    AG_KEY_LATER       /* of the language, but this version has no effect for it: refused */
};

struct ag_keys;

struct ag_key {
    const char *name;
    enum ag_key_type type;
    bool required;
    const char *alias;        /* another spelling of the key, or NULL */
    const char *instead;      /* exactly one of this key and that other one is given, or NULL */
    const char *const *words; /* NULL-terminated */
    int64_t min, max;         /* of INT and REAL; both 0: any */
    const struct ag_keys *sub;
};

struct ag_keys {
    const struct ag_key *keys;
    size_t n;
};

struct ag_step_type {
    const char *name;
    const char *alias;   /* or NULL */
    const char *does;    /* one line, for the documentation */
    bool repeat_never;   /* the default of `repeat` */
    struct ag_keys keys; /* its own; the common ones are ag_step_common_keys */
    bool ends;           /* nothing follows it, unless it is skipped */
};

extern const struct ag_step_type ag_step_types[];
extern const size_t ag_step_types_count;
extern const struct ag_keys ag_step_common_keys;
extern const struct ag_keys ag_template_keys; /* the top level */

/* Types of the language that this version does not run. NULL-terminated. */
extern const char *const ag_step_types_later[];

const struct ag_step_type *ag_step_type_find(const char *name_or_alias);

/* The key that NAME spells, or NULL. */
const struct ag_key *ag_keys_find(const struct ag_keys *keys, const char *name);

#endif
