/*
 * The fields are the members of the schema. A line is kept as it was typed; an empty one leaves the
 * member out, so that the daemon fills in its default.
 */
#include "form.h"

#include <math.h>
#include <string.h>

#include "terminal.h"

enum { PROMPT_MAX = 100 }; /* bytes of a name that stands in a prompt */

struct field {
    const char *name;
    const argo_value *schema;
    bool required;
    bool done; /* asked, and not refused */
    char *line;
};

struct arc_form {
    struct field *fields;
    size_t n;
    bool secret; /* all of it, as it does not say which fields are */
    char *whole; /* the answer as one line of JSON, or NULL */
    char *prompt;
};

static bool is_required(const argo_value *list, const char *name)
{
    for (size_t i = 0; i < argo_value_size(list); i++) {
        if (strcmp(argo_value_text(argo_value_at(list, i), NULL, ""), name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *label_of(const struct field *field)
{
    return argo_value_text(field->schema, "title", field->name);
}

static bool is_secret(const struct field *field)
{
    return argo_value_bool(field->schema, "writeOnly", false);
}

struct arc_form *arc_form_new(const argo_value *question)
{
    const argo_value *members = argo_value_get(question, "schema.properties");
    const argo_value *required = argo_value_get(question, "schema.required");
    struct arc_form *form = calloc(1, sizeof(*form));
    size_t n = argo_value_size(members);
    if (form == NULL || n == 0 || (form->fields = calloc(n, sizeof(*form->fields))) == NULL) {
        free(form);
        return NULL;
    }
    form->n = n;
    form->secret = argo_value_bool(question, "secret", false);
    for (size_t i = 0; i < n; i++) {
        const char *name = argo_value_key_at(members, i);
        form->fields[i] = (struct field){.name = name,
                                         .schema = argo_value_value_at(members, i),
                                         .required = is_required(required, name)};
        form->secret = form->secret && !is_secret(&form->fields[i]);
    }
    return form;
}

char *arc_form_example(const argo_value *question)
{
    const argo_value *members = argo_value_get(question, "schema.properties");
    const argo_value *required = argo_value_get(question, "schema.required");
    char *text = strdup("{");
    for (size_t i = 0; text != NULL && i < argo_value_size(members); i++) {
        const char *name = argo_value_key_at(members, i);
        if (argo_value_size(required) == 0 || is_required(required, name)) {
            char *longer = arc_format("%s%s\"%s\":...", text, text[1] == '\0' ? "" : ",", name);
            free(text);
            text = longer;
        }
    }
    arc_auto_free char *open = text;
    return open == NULL ? NULL : arc_format("%s}", open);
}

void arc_form_free(struct arc_form *form)
{
    if (form == NULL) {
        return;
    }
    for (size_t i = 0; i < form->n; i++) {
        free(form->fields[i].line);
    }
    free(form->fields);
    free(form->whole);
    free(form->prompt);
    free(form);
}

static struct field *next_field(struct arc_form *form)
{
    for (size_t i = 0; i < form->n; i++) {
        if (!form->fields[i].done) {
            return &form->fields[i];
        }
    }
    return NULL;
}

/* ---- showing --------------------------------------------------------------------------------- */

static const char *type_of(const argo_value *schema)
{
    static const char *const names[][2] = {{"integer", "a whole number"},
                                           {"number", "a number"},
                                           {"boolean", "yes or no"},
                                           {"array", "a JSON array"},
                                           {"object", "a JSON object"}};
    const char *type = argo_value_text(schema, "type", "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i][0], type) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

/* A text as it is, everything else as JSON. */
static void put_value(const argo_value *v)
{
    arc_auto_free char *json = argo_value_print(v, 0);
    arc_put(stdout, argo_value_text(v, NULL, json != NULL ? json : ""));
}

static void put_options(const argo_value *options)
{
    for (size_t i = 0; i < argo_value_size(options); i++) {
        fputs(i == 0 ? "one of: " : ", ", stdout);
        put_value(argo_value_at(options, i));
    }
}

static void put_number(const char *before, const argo_value *n, const char *after)
{
    arc_auto_free char *json = argo_value_print(n, 0);
    arc_putf(stdout, "%s%s%s", before, json == NULL ? "" : json, after);
}

/* "1 to 8", "at least 3 characters"; LOWER (or NULL) and UPPER are the keywords for that. True when
 * there is a limit. */
static bool put_range(const argo_value *schema, const char *lower, const char *upper,
                      const char *before, const char *what)
{
    const argo_value *min = lower == NULL ? NULL : argo_value_get(schema, lower);
    const argo_value *max = argo_value_get(schema, upper);
    if (min == NULL && max == NULL) {
        return false;
    }
    fputs(before, stdout);
    if (min != NULL && max != NULL) {
        put_number("", min, " to ");
        put_number("", max, what);
    } else {
        put_number(min != NULL ? "at least " : "at most ", min != NULL ? min : max, what);
    }
    return true;
}

/* What is expected: type and limits, or what to choose from. False: anything. */
static bool put_expected(const argo_value *schema)
{
    const argo_value *options = argo_value_get(schema, "enum");
    const char *type = options == NULL ? type_of(schema) : NULL;
    const char *pattern = argo_value_text(schema, "pattern", NULL);
    put_options(options);
    fputs(type != NULL ? type : "", stdout);
    bool some = options != NULL || type != NULL;
    some = put_range(schema, "minimum", "maximum", some ? ", " : "", "") || some;
    /* One at least: that is what "required" says. */
    const char *shortest = argo_value_int(schema, "minLength", 0) > 1 ? "minLength" : NULL;
    some = put_range(schema, shortest, "maxLength", some ? ", " : "", " characters") || some;
    if (pattern != NULL) {
        arc_putf(stdout, "%slike %s", some ? ", " : "", pattern);
    }
    return some || pattern != NULL;
}

/* "Age: in years (a whole number, 0 to 150; Enter alone: 5)" */
static void show(const struct field *field)
{
    const argo_value *standard = argo_value_get(field->schema, "default");
    const char *description = argo_value_text(field->schema, "description", NULL);
    arc_put(stdout, label_of(field));
    if (description != NULL) {
        arc_putf(stdout, ": %s", description);
    }
    fputs(" (", stdout);
    fputs(put_expected(field->schema) ? "; " : "", stdout);
    if (standard != NULL) {
        fputs("Enter alone: ", stdout);
        put_value(standard);
    } else {
        fputs(field->required ? "required" : "may be left empty", stdout);
    }
    fputs(")\n", stdout);
}

void arc_form_describe(const argo_value *question)
{
    struct arc_form *form = arc_form_new(question);
    fputs("Answer with a JSON object:\n", stdout);
    for (size_t i = 0; form != NULL && i < form->n; i++) {
        arc_putf(stdout, "  %s: ", form->fields[i].name);
        show(&form->fields[i]);
    }
    arc_form_free(form);
}

const char *arc_form_show(struct arc_form *form, bool *secret)
{
    const struct field *field = next_field(form);
    free(form->prompt);
    form->prompt = NULL;
    *secret = field != NULL && (form->secret || is_secret(field));
    if (field == NULL) {
        return "(Enter: send it) > ";
    }
    show(field);
    arc_auto_free char *name = arc_clean_text(field->name, 1);
    bool fits = name != NULL && strlen(name) <= PROMPT_MAX;
    form->prompt = arc_format("%s%s> ", fits ? name : "", *secret ? " (not shown) " : " ");
    return form->prompt != NULL ? form->prompt : "> ";
}

/* ---- what is typed --------------------------------------------------------------------------- */

static char *trimmed(const char *line)
{
    line += strspn(line, " \t");
    size_t len = strlen(line);
    while (len > 0 && strchr(" \t", line[len - 1]) != NULL) {
        len--;
    }
    return strndup(line, len);
}

/* The number that LINE is, with the range that SCHEMA wants of one; the daemon says the rest. */
static bool fits_number(const argo_value *schema, const char *line, bool whole)
{
    char *end = NULL;
    double n = strtod(line, &end);
    const argo_value *min = argo_value_get(schema, "minimum");
    const argo_value *max = argo_value_get(schema, "maximum");
    return end != line && *end == '\0' && (!whole || n == floor(n)) &&
           (min == NULL || n >= argo_value_real(min, NULL, n)) &&
           (max == NULL || n <= argo_value_real(max, NULL, n));
}

static bool fits_options(const argo_value *options, const char *line)
{
    for (size_t i = 0; i < argo_value_size(options); i++) {
        arc_auto_free char *json = argo_value_print(argo_value_at(options, i), 0);
        if (json == NULL ||
            strcmp(argo_value_text(argo_value_at(options, i), NULL, json), line) == 0) {
            return true;
        }
    }
    return false;
}

static bool fits_length(const argo_value *schema, const char *line)
{
    int64_t n = 0;
    for (const char *p = line; *p != '\0'; p++) {
        n += (*p & 0xc0) != 0x80; /* characters begin there in UTF-8 */
    }
    return n >= argo_value_int(schema, "minLength", 0) &&
           n <= argo_value_int(schema, "maxLength", INT64_MAX);
}

/* Whether the daemon may take LINE for the field: what is certainly wrong is asked again at once. */
static bool may_fit(const struct field *field)
{
    const argo_value *options = argo_value_get(field->schema, "enum");
    const char *type = argo_value_text(field->schema, "type", "");
    bool whole = strcmp(type, "integer") == 0;
    if (*field->line == '\0') {
        return !field->required || argo_value_get(field->schema, "default") != NULL;
    }
    if (options != NULL) {
        return fits_options(options, field->line);
    }
    if (whole || strcmp(type, "number") == 0) {
        return fits_number(field->schema, field->line, whole);
    }
    return strcmp(type, "string") != 0 || fits_length(field->schema, field->line);
}

/* What was expected, unless showing the field says it. */
static void say_misfit(const struct field *field)
{
    arc_putf(stdout, "%s: %s\n", label_of(field),
             *field->line == '\0' ? "an answer is needed" : "that is not what is expected");
}

bool arc_form_take(struct arc_form *form, const char *line)
{
    struct field *field = next_field(form);
    if (field == NULL) {
        return true;
    }
    if (field == form->fields && line[strspn(line, " \t")] == '{') {
        free(form->whole);
        form->whole = strdup(line);
        return form->whole != NULL;
    }
    free(form->whole);
    form->whole = NULL;
    free(field->line);
    field->line = form->secret || is_secret(field) ? strdup(line) : trimmed(line);
    field->done = field->line != NULL && may_fit(field);
    if (field->line != NULL && !field->done) {
        say_misfit(field);
    }
    return next_field(form) == NULL;
}

char *arc_form_answer(const struct arc_form *form)
{
    if (form->whole != NULL) {
        return strdup(form->whole);
    }
    arc_auto_value argo_value *answer = argo_value_new_object();
    for (size_t i = 0; i < form->n; i++) {
        const char *line = form->fields[i].line;
        if (line != NULL && *line != '\0' &&
            argo_value_set_text(answer, form->fields[i].name, line) < 0) {
            (void)argo_value_set_text(answer, form->fields[i].name, ""); /* no UTF-8 */
        }
    }
    return argo_value_print(answer, 0);
}

/* ---- what is not taken ----------------------------------------------------------------------- */

/* Whether PATH, "answer.age" or "answer.age[0]", is in the field NAME. */
static bool is_in(const char *path, const char *name)
{
    arc_auto_free char *plain = arc_format("answer.%s", name);
    arc_auto_free char *quoted = arc_format("answer[\"%s\"]", name);
    size_t len = plain == NULL ? 0 : strlen(plain);
    return plain != NULL && quoted != NULL &&
           ((strncmp(path, plain, len) == 0 && strchr(".[", path[len]) != NULL) ||
            strncmp(path, quoted, strlen(quoted)) == 0);
}

/* The field that a problem is about is asked again. Its label; NULL: it is about none. */
static const char *refuse(struct arc_form *form, const struct argo_problem *problem)
{
    const char *label = NULL;
    for (size_t i = 0; i < form->n; i++) {
        if (problem->path != NULL && is_in(problem->path, form->fields[i].name)) {
            form->fields[i].done = false;
            label = label_of(&form->fields[i]);
        }
    }
    return label;
}

void arc_form_again(struct arc_form *form, const argo_error *err)
{
    bool found = false;
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        const char *label = refuse(form, p);
        const char *path = p->path != NULL ? p->path : "answer";
        arc_putf(stdout, "%s: %s%s%s\n", label != NULL ? label : path,
                 p->message != NULL ? p->message : "wrong",
                 p->expected != NULL ? ", expected " : "", p->expected != NULL ? p->expected : "");
        found = found || label != NULL;
    }
    if (argo_error_problem_count(err) == 0) {
        arc_putf(stdout, "%s\n", argo_error_details(err));
    }
    for (size_t i = 0; i < form->n; i++) {
        form->fields[i].done = form->fields[i].done && found && form->whole == NULL;
    }
    free(form->whole);
    form->whole = NULL;
}
