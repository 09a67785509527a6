/*
 * The table itself: a new step type is one entry here (and its runner in exec/).
 */
#include "template/step_table.h"

#include "base/text.h"

/* clang-format off */
#define KEYS(array) {(array), AG_ARRAY_SIZE(array)}
#define SUB(array)  &(const struct ag_keys)KEYS(array)

static const char *const save_words[] = {"stdout", "stderr", "exit_code", NULL};
static const char *const deadline_words[] = {"default", "fail", NULL};
static const char *const answer_words[] = {"string", "number", "integer", "boolean", NULL};
static const char *const parse_words[] = {"text", "json", "yaml", "lines", NULL};
static const char *const backoff_words[] = {"fixed", "linear", "exponential", NULL};
static const char *const action_words[] = {"retry", "skip", "fail", "goto", NULL};
static const char *const repeat_words[] = {"safe", "never", NULL};
static const char *const parameter_words[] = {"string", "number", "boolean", "enum", NULL};

/* ---- around the steps ---------------------------------------------------------------------- */

static const struct ag_key retry_keys[] = {
    {"max_retries", AG_KEY_INT, .min = 0, .max = 100},
    {"retry_delay", AG_KEY_DURATION},
    {"retry_backoff", AG_KEY_WORD, .words = backoff_words},
    {"max_delay", AG_KEY_DURATION},
    {"on", AG_KEY_WORD_LIST},
};

static const struct ag_key on_error_keys[] = {
    {"action", AG_KEY_WORD, .required = true, .words = action_words},
    {"target", AG_KEY_TARGET},
};

static const struct ag_key step_keys[] = {
    {"step", AG_KEY_NAME, .required = true, .alias = "id"},
    {"type", AG_KEY_TYPE, .required = true},
    {"description", AG_KEY_WORD},
    {"next_step", AG_KEY_TARGET},
    {"when", AG_KEY_EXPR},
    {"until", AG_KEY_EXPR},
    {"max_iterations", AG_KEY_INT, .min = 1, .max = 1000000},
    {"timeout", AG_KEY_DURATION},
    {"retry", AG_KEY_OBJECT, .sub = SUB(retry_keys)},
    {"on_error", AG_KEY_ON_ERROR, .sub = SUB(on_error_keys)},
    {"repeat", AG_KEY_WORD, .words = repeat_words},
};
const struct ag_keys ag_step_common_keys = KEYS(step_keys);

static const struct ag_key persona_keys[] = {
    {"name", AG_KEY_WORD},
    {"role", AG_KEY_WORD},
    {"style", AG_KEY_WORD},
    {"greeting", AG_KEY_WORD},
    {"system", AG_KEY_WORD},
};

static const struct ag_key parameter_keys[] = {
    {"type", AG_KEY_WORD, .words = parameter_words},
    {"description", AG_KEY_WORD},
    {"required", AG_KEY_BOOL},
    {"default", AG_KEY_LITERAL},
    {"values", AG_KEY_ARRAY},
};

static const struct ag_key limits_keys[] = {
    {"max_steps", AG_KEY_INT, .min = 1, .max = 1000000},
    {"timeout", AG_KEY_DURATION},
    {"memory", AG_KEY_LATER},
    {"cpu", AG_KEY_LATER},
    {"processes", AG_KEY_LATER},
    {"budget_tokens", AG_KEY_INT, .min = 0, .max = 1000000000000000},
    {"budget_usd", AG_KEY_REAL, .min = 0, .max = 1000000000},
};

static const struct ag_key phase_keys[] = {
    {"phase", AG_KEY_LABEL},
    {"description", AG_KEY_WORD},
    {"steps", AG_KEY_STEPS, .required = true},
};

static const struct ag_key template_keys[] = {
    {"$schema", AG_KEY_WORD}, /* for editors */
    {"workflow_name", AG_KEY_WORD, .required = true, .alias = "workflow_id"},
    {"description", AG_KEY_WORD},
    {"workflow_version", AG_KEY_LABEL},
    {"category", AG_KEY_WORD},
    {"provider", AG_KEY_WORD},
    {"model", AG_KEY_WORD},
    {"persona", AG_KEY_WORD},
    {"personas", AG_KEY_PERSONAS, .sub = SUB(persona_keys)},
    {"parameters", AG_KEY_PARAMETERS, .sub = SUB(parameter_keys)},
    {"limits", AG_KEY_OBJECT, .sub = SUB(limits_keys)},
    {"retry", AG_KEY_OBJECT, .sub = SUB(retry_keys)},
    {"on_error", AG_KEY_ON_ERROR, .sub = SUB(on_error_keys)},
    {"steps", AG_KEY_STEPS, .instead = "phases"},
    {"phases", AG_KEY_PHASES, .sub = SUB(phase_keys)},
};
const struct ag_keys ag_template_keys = KEYS(template_keys);

/* ---- the types ----------------------------------------------------------------------------- */

static const struct ag_key display_keys[] = {
    {"message", AG_KEY_TEXT, .required = true},
};

static const struct ag_key fail_keys[] = {
    {"message", AG_KEY_TEXT, .required = true},
};

static const struct ag_key command_keys[] = {
    {"argv", AG_KEY_ARGV, .required = true},
    {"stdin", AG_KEY_TEXT},
    {"env", AG_KEY_TEXT_MAP},
    {"cwd", AG_KEY_TEXT},
    {"save_to", AG_KEY_SAVE_MAP, .words = save_words},
    {"ok_codes", AG_KEY_INT_LIST, .min = 0, .max = 255},
    {"quiet", AG_KEY_BOOL},
};

static const struct ag_key set_keys[] = {
    {"values", AG_KEY_VALUES, .required = true},
};

static const struct ag_key decide_keys[] = {
    {"condition", AG_KEY_EXPR, .required = true},
    {"if_true", AG_KEY_TARGET, .required = true},
    {"if_false", AG_KEY_TARGET},
};

static const struct ag_key read_file_keys[] = {
    {"source", AG_KEY_TEXT, .required = true},
    {"save_to", AG_KEY_SAVE, .required = true},
    {"parse", AG_KEY_WORD, .words = parse_words},
};

static const struct ag_key save_file_keys[] = {
    {"destination", AG_KEY_TEXT, .required = true, .alias = "filename"},
    {"data", AG_KEY_ANY, .required = true, .alias = "content"},
    {"append", AG_KEY_BOOL},
    {"mode", AG_KEY_MODE},
};

/* What every step has that asks a CI. */
#define CI_KEYS \
    {"ci", AG_KEY_CI}, \
    {"provider", AG_KEY_CI}, \
    {"model", AG_KEY_TEXT}, \
    {"persona", AG_KEY_TEXT}, \
    {"system", AG_KEY_TEXT}, \
    {"temperature", AG_KEY_REAL, .min = 0, .max = 2}, \
    {"max_tokens", AG_KEY_INT, .min = 1, .max = 10000000}, \
    {"save_to", AG_KEY_SAVE}, \
    {"stream", AG_KEY_BOOL}

static const struct ag_key ci_ask_keys[] = {
    {"prompt", AG_KEY_TEXT, .instead = "prompt_template"},
    {"prompt_template", AG_KEY_TEXT},
    {"ask_user", AG_KEY_BOOL},
    {"schema", AG_KEY_SCHEMA},
    CI_KEYS,
};

static const struct ag_key ci_analyze_keys[] = {
    {"task", AG_KEY_TEXT, .required = true},
    {"analysis_type", AG_KEY_ANY},
    {"analyze", AG_KEY_ANY},
    {"determine", AG_KEY_ANY},
    {"identify", AG_KEY_ANY},
    {"extract", AG_KEY_ANY},
    {"calculate", AG_KEY_ANY},
    {"review", AG_KEY_ANY},
    {"generate", AG_KEY_ANY},
    {"content", AG_KEY_ANY},
    {"schema", AG_KEY_SCHEMA},
    CI_KEYS,
};

static const struct ag_key ci_present_keys[] = {
    {"data", AG_KEY_ANY, .required = true},
    {"format", AG_KEY_TEXT},
    {"template", AG_KEY_TEXT},
    {"topic", AG_KEY_TEXT},
    {"sections", AG_KEY_ANY},
    CI_KEYS,
};

static const struct ag_key answer_keys[] = {
    {"type", AG_KEY_WORD, .words = answer_words},
    {"min", AG_KEY_REAL},
    {"max", AG_KEY_REAL},
    {"pattern", AG_KEY_PATTERN},
    {"schema", AG_KEY_SCHEMA},
};

static const struct ag_key user_ask_keys[] = {
    {"prompt", AG_KEY_TEXT, .required = true},
    {"save_to", AG_KEY_SAVE},
    {"default", AG_KEY_ANY},
    {"validate", AG_KEY_OBJECT, .sub = SUB(answer_keys)},
    {"secret", AG_KEY_BOOL},
    {"deadline", AG_KEY_DURATION},
    {"on_deadline", AG_KEY_WORD, .words = deadline_words},
};

static const struct ag_key option_keys[] = {
    {"label", AG_KEY_TEXT, .required = true},
    {"value", AG_KEY_ANY},
    {"next_step", AG_KEY_TARGET, .alias = "step"},
};

static const struct ag_key user_choose_keys[] = {
    {"prompt", AG_KEY_TEXT, .required = true},
    {"options", AG_KEY_OPTIONS, .required = true, .sub = SUB(option_keys)},
    {"multiple", AG_KEY_BOOL},
    {"save_to", AG_KEY_SAVE},
    {"default", AG_KEY_ANY},
    {"deadline", AG_KEY_DURATION},
};

static const struct ag_key approve_keys[] = {
    {"prompt", AG_KEY_TEXT, .required = true},
    {"details", AG_KEY_TEXT},
    {"on_yes", AG_KEY_TARGET},
    {"on_no", AG_KEY_TARGET, .required = true},
    {"save_to", AG_KEY_SAVE},
    {"deadline", AG_KEY_DURATION},
};

static const struct ag_key field_keys[] = {
    {"name", AG_KEY_WORD, .required = true},
    {"label", AG_KEY_TEXT},
    {"description", AG_KEY_TEXT},
    {"type", AG_KEY_WORD, .words = answer_words},
    {"required", AG_KEY_BOOL},
    {"default", AG_KEY_ANY},
    {"options", AG_KEY_ARRAY},
    {"min", AG_KEY_REAL},
    {"max", AG_KEY_REAL},
    {"pattern", AG_KEY_PATTERN},
    {"secret", AG_KEY_BOOL},
};

static const struct ag_key form_keys[] = {
    {"prompt", AG_KEY_TEXT, .required = true},
    {"fields", AG_KEY_FIELDS, .instead = "schema", .sub = SUB(field_keys)},
    {"schema", AG_KEY_SCHEMA},
    {"save_to", AG_KEY_SAVE},
    {"deadline", AG_KEY_DURATION},
    {"on_deadline", AG_KEY_WORD, .words = deadline_words},
};

static const struct ag_key wait_keys[] = {
    {"seconds", AG_KEY_SPAN, .instead = "at"},
    {"at", AG_KEY_TIME},
};

const struct ag_step_type ag_step_types[] = {
    {"display", NULL, "shows text", false, KEYS(display_keys)},
    {"user_ask", NULL, "asks a person a question", false, KEYS(user_ask_keys)},
    {"user_choose", NULL, "lets a person choose one of several", false, KEYS(user_choose_keys)},
    {"approve", NULL, "asks a person for a yes or no", false, KEYS(approve_keys)},
    {"form", NULL, "asks a person for several values", false, KEYS(form_keys)},
    {"ci_ask", "prompt", "asks a CI and keeps the answer", false, KEYS(ci_ask_keys)},
    {"ci_analyze", NULL, "has a CI analyse content", false, KEYS(ci_analyze_keys)},
    {"ci_present", NULL, "has a CI present data", false, KEYS(ci_present_keys)},
    {"decide", NULL, "branches", false, KEYS(decide_keys)},
    {"fail", NULL, "ends the run as failed", false, KEYS(fail_keys), .ends = true},
    {"command", NULL, "runs a program", true, KEYS(command_keys)},
    {"read_file", NULL, "reads a file", false, KEYS(read_file_keys)},
    {"save_file", NULL, "writes a file, atomically", false, KEYS(save_file_keys)},
    {"set", NULL, "computes variables", false, KEYS(set_keys)},
    {"wait", NULL, "waits for a time", false, KEYS(wait_keys)},
};
/* clang-format on */
const size_t ag_step_types_count = AG_ARRAY_SIZE(ag_step_types);

const char *const ag_step_types_later[] = {"ci_ask_series", "ci_chat",  "user_ci_chat",
                                           "http",          "foreach",  "parallel",
                                           "workflow_call", "ci_agent", NULL};

const struct ag_step_type *ag_step_type_find(const char *name_or_alias)
{
    for (size_t i = 0; i < ag_step_types_count; i++) {
        const struct ag_step_type *type = &ag_step_types[i];
        if (ag_streq(type->name, name_or_alias) || ag_streq(type->alias, name_or_alias)) {
            return type;
        }
    }
    return NULL;
}

const struct ag_key *ag_keys_find(const struct ag_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->n; i++) {
        if (ag_streq(keys->keys[i].name, name) || ag_streq(keys->keys[i].alias, name)) {
            return &keys->keys[i];
        }
    }
    return NULL;
}
