/*
 * The seeded mistakes: a sound template and 24 independent mistakes in it, in JSON and in YAML.
 * Any subset of them must be reported as exactly that subset, each at its line.
 *
 * In the texts "@A~good~bad@" is where mistake A is made; where there are several of one letter,
 * the first is the place of the problem.
 */
#include <stdio.h>

#include "template-lib.h"

/* clang-format off */
static const char json_text[] =
    "{\n"
    "  \"workflow_name\": \"report\",\n"
    "  @A~\"description\"~\"descriptio\"@: \"Asks, drafts, reviews\",\n"
    "  \"personas\": {\n"
    "    \"default\": \"writer\",\n"
    "    \"writer\": {\"name\": \"Ada\", \"style\": \"plain\"},\n"
    "    \"critic\": {\"name\": \"Max\", @U~\"role\"~\"roll\"@: \"finds faults\"}\n"
    "  },\n"
    "  \"parameters\": {\n"
    "    \"topic\": {\"type\": \"string\", \"required\": true},\n"
    "    \"depth\": {\"type\": \"number\", \"default\": @B~2~\"deep\"@},\n"
    "    \"tone\": {\"type\": \"enum\"@C~, \"values\": [\"dry\", \"warm\"]~@, \"default\": \"dry\"}\n"
    "  },\n"
    "  \"limits\": {\n"
    "    \"max_steps\": @D~200~0@,\n"
    "    \"timeout\": @E~\"2h\"~\"soon\"@\n"
    "  },\n"
    "  \"steps\": [\n"
    "    {\"step\": \"hello\", \"type\": \"display\",\n"
    "     \"message\": \"Report on {{@F~topic~headline@}}\"},\n"
    "    {@G~~@\"step\": \"ask\", \"type\": \"user_ask\",\n"
    "     @G~\"prompt\": \"Who reads it?\",~@\n"
    "     \"validate\": {\"type\": \"string\", @H~\"min\"~\"minimum\"@: 1},\n"
    "     \"save_to\": \"reader\"},\n"
    "    {\"step\": \"pick\", \"type\": \"user_choose\",\n"
    "     \"prompt\": \"How long?\",\n"
    "     \"options\": [\n"
    "       {\"label\": \"short\", \"next_step\": \"@I~draft~drafft@\"},\n"
    "       {\"label\": \"long\", \"next_step\": \"gather\"}],\n"
    "     \"save_to\": @J~\"length\"~7@},\n"
    "    {\"step\": \"gather\", \"type\": \"command\",\n"
    "     \"argv\": @K~[\"ls\", \"-l\"]~\"ls -l\"@,\n"
    "     \"timeout\": @L~\"90s\"~-5@,\n"
    "     \"save_to\": {\"stdout\": \"listing\"}},\n"
    "    {\"step\": \"draft\", \"type\": \"ci_ask\",\n"
    "     \"prompt\": \"Write for {{reader}}, {{length}}, {{listing | default(\\\"\\\")}}\",\n"
    "     \"persona\": \"@V~critic~crritic@\",\n"
    "     @M~\"temperature\"~\"tempperature\"@: 0.5,\n"
    "     \"retry\": {\"max_retries\": @N~2~\"2\"@},\n"
    "     \"save_to\": \"text\"},\n"
    "    {\"step\": \"check\", \"type\": \"decide\",\n"
    "     \"condition\": \"text.length >@O~ 100~@\",\n"
    "     \"if_true\": \"keep\",\n"
    "     \"if_false\": \"@P~rework~nowhere@\"},\n"
    "    {\"step\": \"rework\",\n"
    "     \"type\": \"@Q~set~sett@\",\n"
    "     \"values\": {\"note\": \"too short\"},\n"
    "     \"next_step\": \"draft\"},\n"
    "    {\"step\": \"keep\", \"type\": \"save_file\",\n"
    "     \"destination\": \"report-{{note | default(\\\"\\\")}}.txt\",\n"
    "     \"data\": \"{{text@R~}}~@\",\n"
    "     \"on_error\": \"sorry\"},\n"
    "    {\"step\": \"bye\", \"type\": \"display\",\n"
    "     \"message\": \"Done: {{@S~tone~apology@}}\",\n"
    "     \"next_step\": \"EXIT\"},\n"
    "    @W~~{\"step\": \"lonely\", \"type\": \"display\", \"message\": \"Nobody comes here\"},\n"
    "    @{\"step\": \"sorry\", \"message\": \"It failed\",\n"
    "     \"type\": \"@X~display~foreach@\"},\n"
    "    {\"step\": \"late\", \"type\": \"set\", \"values\": {\"apology\": \"late\"}}\n"
    "    @T~~, {\"step\": \"hello\", \"type\": \"display\", \"message\": \"again\"}@\n"
    "  ]\n"
    "}\n";

static const char yaml_text[] =
    "# a comment\n"
    "workflow_name: report\n"
    "@A~description~descriptio@: Asks, drafts, reviews\n"
    "personas:\n"
    "  default: writer\n"
    "  writer: {name: Ada, style: plain}\n"
    "  critic:\n"
    "    name: Max\n"
    "    @U~role~roll@: finds faults\n"
    "parameters:\n"
    "  topic: {type: string, required: true}\n"
    "  depth: {type: number, default: @B~2~deep@}\n"
    "  tone: {type: enum@C~, values: [dry, warm]~@, default: dry}\n"
    "limits:\n"
    "  max_steps: @D~200~0@\n"
    "  timeout: @E~2h~soon@\n"
    "steps:\n"
    "  - step: hello\n"
    "    type: display\n"
    "    message: Report on {{@F~topic~headline@}}\n"
    "  - @G~~@step: ask\n"
    "    type: user_ask\n"
    "@G~    prompt: Who reads it?\n"
    "~@    validate: {type: string, @H~min~minimum@: 1}\n"
    "    save_to: reader\n"
    "  - step: pick\n"
    "    type: user_choose\n"
    "    prompt: How long?\n"
    "    options:\n"
    "      - {label: short, next_step: @I~draft~drafft@}\n"
    "      - {label: long, next_step: gather}\n"
    "    save_to: @J~length~7@\n"
    "  - step: gather\n"
    "    type: command\n"
    "    argv: @K~[ls, -l]~ls -l@\n"
    "    timeout: @L~90s~-5@\n"
    "    save_to: {stdout: listing}\n"
    "  - step: draft\n"
    "    type: ci_ask\n"
    "    prompt: |\n"
    "      Write for {{reader}},\n"
    "\n"
    "      {{length}}, {{listing | default(\"\")}}\n"
    "    persona: @V~critic~crritic@\n"
    "    @M~temperature~tempperature@: 0.5\n"
    "    retry: {max_retries: @N~2~\"2\"@}\n"
    "    save_to: text\n"
    "  - step: check\n"
    "    type: decide\n"
    "    condition: text.length >@O~ 100~@\n"
    "    if_true: keep\n"
    "    if_false: @P~rework~nowhere@\n"
    "  - step: rework\n"
    "    type: @Q~set~sett@\n"
    "    values: {note: too short}\n"
    "    next_step: draft\n"
    "  - step: keep\n"
    "    type: save_file\n"
    "    destination: report-{{note | default(\"\")}}.txt\n"
    "    data: \"{{text@R~}}~@\"\n"
    "    on_error: sorry\n"
    "  - step: bye\n"
    "    type: display\n"
    "    message: \"Done: {{@S~tone~apology@}}\"\n"
    "    next_step: EXIT\n"
    "@W~~  - {step: lonely, type: display, message: Nobody comes here}\n"
    "@  - step: sorry\n"
    "    message: It failed\n"
    "    type: @X~display~foreach@\n"
    "  - step: late\n"
    "    type: set\n"
    "    values: {apology: late}\n"
    "@T~~  - {step: hello, type: display, message: again}\n"
    "@";

/* clang-format on */

/* By letter. The step numbers are those without mistake W, which adds a step before the tenth. */
static const struct mistake {
    const char *path;
    const char *message; /* the beginning of it */
    const char *nearest;
} mistakes[] = {
    {"descriptio", "unknown key 'descriptio'", "description"},
    {"parameters.depth.default", "the default is no value of this parameter", NULL},
    {"parameters.tone.values", "missing required key 'values' of an enum", NULL},
    {"limits.max_steps", "0 is out of range", NULL},
    {"limits.timeout", "'soon' is no duration", NULL},
    {"steps[0].message", "variable 'headline' is set by no step", NULL},
    {"steps[1].prompt", "missing required key 'prompt'", NULL},
    {"steps[1].validate.minimum", "unknown key 'minimum'", NULL},
    {"steps[2].options[0].next_step", "no step is named 'drafft'", "draft"},
    {"steps[2].save_to", "wrong type: this is an integer", NULL},
    {"steps[3].argv", "wrong type: this is text", NULL},
    {"steps[3].timeout", "-5 s is out of range", NULL},
    {"steps[4].tempperature", "unknown key 'tempperature'", "temperature"},
    {"steps[4].retry.max_retries", "wrong type: this is text", NULL},
    {"steps[5].condition", "bad condition: ", NULL},
    {"steps[5].if_false", "no step is named 'nowhere'", NULL},
    {"steps[6].type", "unknown step type 'sett'", "set"},
    {"steps[7].data", "bad {{...}}: ", NULL},
    {"steps[8].message", "variable 'apology' is not set by any step before this one", NULL},
    {"steps[11].step", "duplicate step name 'hello'", NULL},
    {"personas.critic.roll", "unknown key 'roll'", "role"},
    {"steps[4].persona", "no persona is named 'crritic'", "critic"},
    {"steps[9]", "step 'lonely' is unreachable", NULL},
    {"steps[9].type", "step type 'foreach' is not supported by this version", NULL},
};

#define N_MISTAKES AG_ARRAY_SIZE(mistakes)
#define MISTAKE_W  22

/* The text with the mistakes of SET made; LINES gets the line of each. */
static char *render(const char *text, uint32_t set, unsigned lines[N_MISTAKES])
{
    ag_auto_buf b = AG_BUF_INIT(65536);
    unsigned line = 1;
    memset(lines, 0, N_MISTAKES * sizeof(*lines));
    while (*text != '\0') {
        size_t n = strcspn(text, "@");
        const char *piece = text;
        if (n == 0) {
            size_t mistake = (size_t)(text[1] - 'A');
            const char *good = text + 3;
            const char *bad = strchr(good, '~') + 1;
            const char *end = strchr(bad, '@');
            bool make = (set >> mistake & 1) != 0;
            piece = make ? bad : good;
            n = make ? (size_t)(end - bad) : (size_t)(bad - 1 - good);
            text = end + 1;
            lines[mistake] = lines[mistake] == 0 ? line : lines[mistake];
        } else {
            text += n;
        }
        ag_buf_add(&b, piece, n);
        for (size_t i = 0; i < n; i++) {
            line += piece[i] == '\n';
        }
    }
    return ag_buf_take(&b);
}

/* Where mistake M is when W may have moved the later steps. */
static char *path_of(size_t m, uint32_t set)
{
    unsigned step;
    int offset = 0;
    if (m != MISTAKE_W && (set >> MISTAKE_W & 1) != 0 &&
        sscanf(mistakes[m].path, "steps[%u]%n", &step, &offset) == 1 && step >= 9) {
        return ag_asprintf("steps[%u]%s", step + 1, mistakes[m].path + offset);
    }
    return ag_strdup(mistakes[m].path);
}

static bool is_mistake(const struct argo_problem *p, size_t m, uint32_t set)
{
    ag_auto_free char *path = path_of(m, set);
    if (strcmp(p->path, path) != 0 || !ag_starts_with(p->message, mistakes[m].message)) {
        return false;
    }
    return mistakes[m].nearest == NULL || ag_streq(p->nearest, mistakes[m].nearest);
}

static void check_found(const argo_error *err, uint32_t set, const unsigned lines[N_MISTAKES],
                        const char *text, unsigned *seen)
{
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        size_t m = 0;
        while (m < N_MISTAKES && ((set >> m & 1) == 0 || !is_mistake(p, m, set))) {
            m++;
        }
        ck_assert_msg(m < N_MISTAKES, "set %x: not seeded: %u:%u %s: %s (%s)\n%s", set, p->line,
                      p->column, p->path, p->message, p->nearest != NULL ? p->nearest : "", text);
        ck_assert_msg((*seen >> m & 1) == 0, "set %x: %s twice", set, p->path);
        ck_assert_msg(p->line == lines[m], "set %x: %s in line %u, not %u\n%s", set, p->path,
                      p->line, lines[m], text);
        ck_assert_uint_gt(p->column, 0);
        *seen |= 1U << m;
    }
}

static void check_set(const char *base, uint32_t set)
{
    unsigned lines[N_MISTAKES];
    unsigned seen = 0;
    ag_auto_free char *text = render(base, set, lines);
    AG_AUTO(ag_template) t = NULL;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_template_load("t", text, strlen(text), &t, &err);
    ck_assert_msg(rc == 0 || argo_error_problem_count(err) > 0, "set %x: %s", set,
                  argo_error_details(err));
    check_found(err, set, lines, text, &seen);
    for (size_t m = 0; m < N_MISTAKES; m++) {
        ck_assert_msg((set & ~seen & 1U << m) == 0, "set %x: '%s' is missing\n%s", set,
                      mistakes[m].message, text);
    }
    ck_assert_int_eq(rc, set == 0 ? 0 : ARGO_E_TEMPLATE);
}

static const char *const texts[] = {json_text, yaml_text};

START_TEST(sound)
{
    check_set(texts[_i], 0);
}
END_TEST

START_TEST(singles_and_pairs)
{
    for (size_t a = 0; a < N_MISTAKES; a++) {
        for (size_t b = a; b < N_MISTAKES; b++) {
            check_set(texts[_i], 1U << a | 1U << b);
        }
    }
}
END_TEST

START_TEST(subsets)
{
    uint32_t random = 12345;
    for (int i = 0; i < 300; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t sparse = i % 3 == 0 ? random >> 4 & random << 3 : random >> 6;
        check_set(texts[_i], sparse & ((1U << N_MISTAKES) - 1));
    }
    check_set(texts[_i], (1U << N_MISTAKES) - 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-seeded");
    TCase *tc = tcase_create("seeded");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, sound, 0, 2);
    tcase_add_loop_test(tc, singles_and_pairs, 0, 2);
    tcase_add_loop_test(tc, subsets, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
