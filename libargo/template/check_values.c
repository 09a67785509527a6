/*
 * Values against the type of their key. One function a type; a value of the wrong type is one
 * problem, and nothing in it is looked at.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "template/check.h"
#include "template/plan.h"

#define MAX_NAME 64

static const char *type_name(const ag_value *v)
{
    static const char *const names[] = {"null", "a boolean", "an integer", "a number",
                                        "text", "an array",  "an object"};
    return names[ag_value_type(v)];
}

static void wrong_type(struct ag_check *c, const struct ag_node *node, const char *expected)
{
    ag_check_problem(c, node, expected, NULL, "wrong type: this is %s", type_name(node->value));
}

bool ag_check_type(struct ag_check *c, const struct ag_node *node, enum argo_type type,
                   const char *expected)
{
    if (ag_value_is(node->value, type)) {
        return true;
    }
    wrong_type(c, node, expected);
    return false;
}

/* ---- plain values -------------------------------------------------------------------------- */

static void check_word(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_auto_free char *list = key->words != NULL ? ag_words_list(key->words) : NULL;
    if (!ag_check_type(c, node, ARGO_TYPE_TEXT, list != NULL ? list : "text")) {
        return;
    }
    const char *word = ag_value_as_text(node->value);
    if (key->words != NULL && !ag_words_have(key->words, word)) {
        ag_check_problem(c, node, list, ag_words_nearest(key->words, word), "unknown value '%s'",
                         word);
    } else if (key->required && *word == '\0') {
        ag_check_problem(c, node, "text", NULL, "'%s' is empty", key->name);
    } else if (ag_streq(key->name, "persona")) {
        ag_check_persona(c, node);
    }
}

static void check_bool(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_check_type(c, node, ARGO_TYPE_BOOL, "true or false");
}

static bool has_range(const struct ag_key *key)
{
    return key->min != 0 || key->max != 0;
}

static char *range_text(const struct ag_key *key, const char *what)
{
    if (!has_range(key)) {
        return ag_strdup(what);
    }
    if (key->max == INT64_MAX) {
        return ag_asprintf("%s of at least %" PRId64, what, key->min);
    }
    return ag_asprintf("%s from %" PRId64 " to %" PRId64, what, key->min, key->max);
}

static void check_int(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_auto_free char *range = range_text(key, "an integer");
    if (!ag_check_type(c, node, ARGO_TYPE_INT, range)) {
        return;
    }
    int64_t n = ag_value_as_int(node->value);
    if (has_range(key) && (n < key->min || n > key->max)) {
        ag_check_problem(c, node, range, NULL, "%" PRId64 " is out of range", n);
    }
}

static void check_real(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_auto_free char *range = range_text(key, "a number");
    double n = ag_value_as_real(node->value);
    if (!ag_value_is_number(node->value)) {
        wrong_type(c, node, range);
    } else if (has_range(key) && (n < (double)key->min || n > (double)key->max)) {
        ag_check_problem(c, node, range, NULL, "%g is out of range", n);
    }
}

static void check_duration(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static const char expected[] = "seconds, or a text like 90s, 5m, 2h, 3d";
    const char *text = ag_value_as_text(node->value);
    int64_t ms = 0;
    if (text != NULL) {
        if (ag_parse_duration_ms(text, key->name, &ms, NULL) != 0) {
            ag_check_problem(c, node, expected, NULL, "'%s' is no duration", text);
            return;
        }
    } else if (!ag_value_is_number(node->value)) {
        wrong_type(c, node, expected);
        return;
    }
    double seconds = text != NULL ? (double)ms / 1000 : ag_value_as_real(node->value);
    if (!(seconds >= 0 && seconds * 1000 <= (double)AG_DURATION_MAX_MS)) {
        ag_check_problem(c, node, "a duration from 0 to 3650 days", NULL, "%g s is out of range",
                         seconds);
    }
}

/* What {...} makes of the text is known when the step runs. */
static bool is_made(const struct ag_node *node)
{
    const char *text = ag_value_as_text(node->value);
    return text != NULL && strchr(text, '{') != NULL;
}

static void check_span(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (is_made(node)) {
        ag_check_text(c, node);
    } else {
        check_duration(c, node, key);
    }
}

static void check_time(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static const char expected[] = "a time like 2026-01-31T12:00:00Z, as text";
    int64_t ms = 0;
    if (is_made(node)) {
        ag_check_text(c, node);
    } else if (ag_check_type(c, node, ARGO_TYPE_TEXT, expected) &&
               ag_time_parse(ag_value_as_text(node->value), key->name, &ms, NULL) != 0) {
        ag_check_problem(c, node, expected, NULL, "'%s' is no time", ag_value_as_text(node->value));
    }
}

static void check_mode(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static const char expected[] = "three or four octal digits as text, like \"0644\"";
    if (!ag_check_type(c, node, ARGO_TYPE_TEXT, expected)) {
        return;
    }
    const char *text = ag_value_as_text(node->value);
    size_t len = strlen(text);
    if (len < 3 || len > 4 || strspn(text, "01234567") != len) {
        ag_check_problem(c, node, expected, NULL, "'%s' is no mode", text);
    }
}

/* ---- names and targets --------------------------------------------------------------------- */

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static void check_name(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static const char expected[] =
        "an integer, or 1 to 64 characters without '/', '#' and control characters";
    const char *name = ag_value_as_text(node->value);
    if (ag_value_is(node->value, ARGO_TYPE_INT)) {
        return;
    }
    if (name == NULL) {
        wrong_type(c, node, expected);
    } else if (strcmp(name, AG_STEP_EXIT) == 0) {
        ag_check_problem(c, node, "another name", NULL, "the step name '%s' is reserved", name);
    } else if (*name == '\0' || characters(name) > MAX_NAME || strpbrk(name, "/#") != NULL ||
               has_control(name)) {
        ag_check_problem(c, node, expected, NULL, "bad step name '%s'", name);
    }
}

static void check_label(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (!ag_value_is(node->value, ARGO_TYPE_TEXT) && !ag_value_is_number(node->value)) {
        wrong_type(c, node, "text or a number");
    }
}

static void check_type(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    const char *words[AG_MAX_STEPS];
    size_t n = 0;
    for (size_t i = 0; i < ag_step_types_count; i++) {
        words[n++] = ag_step_types[i].name;
    }
    words[n] = NULL;
    ag_auto_free char *expected = ag_words_list(words);
    if (!ag_check_type(c, node, ARGO_TYPE_TEXT, expected)) {
        return;
    }
    const char *word = ag_value_as_text(node->value);
    if (ag_step_type_find(word) != NULL) {
        return;
    }
    if (ag_words_have(ag_step_types_later, word) || ag_starts_with(word, "x-")) {
        ag_check_problem(c, node, expected, NULL, "step type '%s' is not supported by this version",
                         word);
        return;
    }
    ag_check_problem(c, node, expected, ag_words_nearest(words, word), "unknown step type '%s'",
                     word);
}

static void check_target(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static const char expected[] = "the name or number of a step, or EXIT";
    const char *text = ag_value_as_text(node->value);
    if (text == NULL && !ag_value_is(node->value, ARGO_TYPE_INT)) {
        wrong_type(c, node, expected);
        return;
    }
    if (ag_streq(text, AG_STEP_EXIT) || ag_outline_find(c->outline, node->value) != NULL) {
        return;
    }
    ag_auto_free char *name = ag_value_display(node->value);
    ag_check_problem(c, node, expected, text != NULL ? ag_outline_nearest(c->outline, text) : NULL,
                     "no step is named '%s'", name != NULL ? name : "");
}

static void check_on_error(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (!ag_value_is(node->value, ARGO_TYPE_OBJECT)) {
        check_target(c, node, key);
        return;
    }
    const struct ag_key_sets sets = {key->sub, NULL};
    ag_check_object(c, node, sets);
    const char *action = ag_value_as_text(ag_key_sets_member(sets, node, "action").value);
    struct ag_node target = ag_key_sets_member(sets, node, "target");
    if (ag_streq(action, "goto") && target.value == NULL) {
        ag_check_problem(c, &target, "the step to go to", NULL, "missing required key 'target'");
    }
}

/* ---- saving -------------------------------------------------------------------------------- */

static void check_path(struct ag_check *c, const struct ag_node *node, const char *path)
{
    if (!ag_value_path_valid(ag_variable_path(path))) {
        ag_check_problem(c, node, "a name like answer, context.answer or answer.part", NULL,
                         "'%s' is no variable", path);
    }
}

static void check_save(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (ag_check_type(c, node, ARGO_TYPE_TEXT, "a variable's name")) {
        check_path(c, node, ag_value_as_text(node->value));
    }
}

static void check_save_map(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_auto_free char *list = ag_words_list(key->words);
    struct ag_value_iter it = {0};
    if (!ag_value_is(node->value, ARGO_TYPE_OBJECT)) {
        if (ag_check_type(c, node, ARGO_TYPE_TEXT,
                          "a variable's name, or an object of such by stdout, stderr, exit_code")) {
            check_path(c, node, ag_value_as_text(node->value));
        }
        return;
    }
    while (ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        if (!ag_words_have(key->words, it.key)) {
            ag_check_problem(c, &member, list, ag_words_nearest(key->words, it.key),
                             "unknown key '%s'", it.key);
        } else {
            check_save(c, &member, key);
        }
    }
}

static void check_values(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    struct ag_value_iter it = {0};
    if (!ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object: variable -> value")) {
        return;
    }
    while (ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        check_path(c, &member, it.key);
        ag_check_any(c, &member);
    }
}

/* ---- lists and objects --------------------------------------------------------------------- */

static void check_text(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (ag_check_type(c, node, ARGO_TYPE_TEXT, "text")) {
        ag_check_text(c, node);
        if (strcmp(key->name, "persona") == 0) {
            ag_check_persona(c, node);
        }
    }
}

/* Every element, which must be there, by FN. */
static void check_array(struct ag_check *c, const struct ag_node *node, const struct ag_key *key,
                        bool may_be_empty, const char *expected,
                        void (*fn)(struct ag_check *, const struct ag_node *,
                                   const struct ag_key *))
{
    if (!ag_check_type(c, node, ARGO_TYPE_ARRAY, expected)) {
        return;
    }
    size_t n = ag_value_size(node->value);
    if (n == 0 && !may_be_empty) {
        ag_check_problem(c, node, expected, NULL, "'%s' is empty", key->name);
    }
    for (size_t i = 0; i < n && fn != NULL; i++) {
        const struct ag_node element = ag_node_element(node, i);
        fn(c, &element, key);
    }
}

static void check_argv(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of text: the program and its arguments", check_text);
}

static void check_plain_text(struct ag_check *c, const struct ag_node *node,
                             const struct ag_key *key)
{
    ag_check_type(c, node, ARGO_TYPE_TEXT, "text");
}

static void check_word_list(struct ag_check *c, const struct ag_node *node,
                            const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of text", check_plain_text);
}

static void check_int_list(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of integers", check_int);
}

static void check_ci(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_text(c, node, key);
    ag_check_ci(c, node);
}

static void check_text_map(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    struct ag_value_iter it = {0};
    if (ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object of text")) {
        while (ag_value_next(node->value, &it)) {
            const struct ag_node member = {node, it.key, 0, it.value};
            check_text(c, &member, key);
        }
    }
}

static void check_object(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (key->sub == NULL) {
        ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object");
    } else {
        ag_check_object(c, node, (struct ag_key_sets){key->sub, NULL});
    }
}

static void check_options(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of options, {label, value, next_step}",
                check_object);
}

static void check_fields(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of fields, {name, label, type}", check_object);
}

static void check_any_array(struct ag_check *c, const struct ag_node *node,
                            const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of values", NULL);
}

static void check_phases(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    check_array(c, node, key, false, "an array of phases, {phase, description, steps}",
                check_object);
}

static void check_steps(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_check_steps(c, node);
}

static void check_any(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_check_any(c, node);
}

static void check_expr(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    c->own_sets = strcmp(key->name, "until") == 0;
    if (ag_check_type(c, node, ARGO_TYPE_TEXT, "a condition, as text")) {
        ag_check_expr(c, node);
    }
    c->own_sets = false;
}

static void check_later(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    ag_check_problem(c, node, NULL, NULL, "'%s' is not supported by this version", key->name);
}

void ag_check_value(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    static void (*const checks[])(struct ag_check *, const struct ag_node *,
                                  const struct ag_key *) = {
        [AG_KEY_TEXT] = check_text,
        [AG_KEY_CI] = check_ci,
        [AG_KEY_WORD] = check_word,
        [AG_KEY_BOOL] = check_bool,
        [AG_KEY_INT] = check_int,
        [AG_KEY_REAL] = check_real,
        [AG_KEY_DURATION] = check_duration,
        [AG_KEY_SPAN] = check_span,
        [AG_KEY_TIME] = check_time,
        [AG_KEY_EXPR] = check_expr,
        [AG_KEY_NAME] = check_name,
        [AG_KEY_LABEL] = check_label,
        [AG_KEY_TYPE] = check_type,
        [AG_KEY_TARGET] = check_target,
        [AG_KEY_SAVE] = check_save,
        [AG_KEY_SAVE_MAP] = check_save_map,
        [AG_KEY_MODE] = check_mode,
        [AG_KEY_PATTERN] = ag_check_pattern,
        [AG_KEY_ARGV] = check_argv,
        [AG_KEY_TEXT_MAP] = check_text_map,
        [AG_KEY_WORD_LIST] = check_word_list,
        [AG_KEY_INT_LIST] = check_int_list,
        [AG_KEY_OPTIONS] = check_options,
        [AG_KEY_FIELDS] = check_fields,
        [AG_KEY_SCHEMA] = ag_check_schema,
        [AG_KEY_VALUES] = check_values,
        [AG_KEY_ANY] = check_any,
        [AG_KEY_LITERAL] = NULL,
        [AG_KEY_ARRAY] = check_any_array,
        [AG_KEY_OBJECT] = check_object,
        [AG_KEY_ON_ERROR] = check_on_error,
        [AG_KEY_PERSONAS] = ag_check_personas,
        [AG_KEY_PARAMETERS] = ag_check_parameters,
        [AG_KEY_STEPS] = check_steps,
        [AG_KEY_PHASES] = check_phases,
        [AG_KEY_LATER] = check_later,
    };
    if (checks[key->type] != NULL) {
        checks[key->type](c, node, key);
    }
}
