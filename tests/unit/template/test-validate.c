/*
 * Single rules of validation, both sides, and mistakes that must not be reported twice.
 */
#include "template-lib.h"

/* The steps, as YAML flow mappings, in a template with a parameter `given`. */
static char *problems_of_steps(const char *steps)
{
    ag_auto_free char *text = ag_asprintf("workflow_name: x\nparameters: {given: {}}\n"
                                          "steps:\n%s",
                                          steps);
    return problems_of(text);
}

static void steps_give(const char *steps, const char *expected)
{
    ag_auto_free char *got = problems_of_steps(steps);
    ck_assert_msg(strcmp(got, expected) == 0, "%s\ngave:\n%sexpected:\n%s", steps, got, expected);
}

static void text_gives(const char *text, const char *expected)
{
    ag_auto_free char *got = problems_of(text);
    ck_assert_msg(strcmp(got, expected) == 0, "%s\ngave:\n%sexpected:\n%s", text, got, expected);
}

/* One member more in a step of a type. */
static void member_gives(const char *step, const char *expected)
{
    ag_auto_free char *steps = ag_asprintf("  - {step: a, %s}\n", step);
    steps_give(steps, expected);
}

#define D "type: display, message: x"

START_TEST(top_level)
{
    text_gives("steps: [{step: a, " D "}]",
               "workflow_name: missing required key 'workflow_name'\n");
    text_gives("workflow_nme: x\nsteps: [{step: a, " D "}]",
               "workflow_nme: unknown key 'workflow_nme'\n");
    text_gives("workflow_name: ''\nsteps: [{step: a, " D "}]",
               "workflow_name: 'workflow_name' is empty\n");
    text_gives("workflow_name: x", "steps: missing required key 'steps'\n");
    text_gives("workflow_name: x\nsteps: []", "steps: there are no steps\n");
    text_gives("workflow_name: x\nlimits: {max_steps: 5, timeout: 2h, cpu: 1h, memory: 3,\n"
               "         budget_usd: 0.5, budget_tokens: 0}\n"
               "steps: [{step: a, " D "}]",
               "limits.cpu: 'cpu' is not supported by this version\n"
               "limits.memory: 'memory' is not supported by this version\n");
    text_gives("workflow_name: x\nlimits: {budget_usd: -1, budget_tokens: 1.5}\n"
               "steps: [{step: a, " D "}]",
               "limits.budget_usd: -1 is out of range\n"
               "limits.budget_tokens: wrong type: this is a number\n");
    text_gives("workflow_name: x\nsteps: {}", "steps: wrong type: this is an object\n");
    text_gives("workflow_name: x\nsteps: [{step: a, " D "}]\nphases: []",
               "phases: 'phases' is empty\nphases: 'phases' beside 'steps'\n");
    text_gives("workflow_name: x\nphases: [{phase: p}]",
               "phases[0].steps: missing required key 'steps'\n");
    text_gives("workflow_name: x\nstepss: [{step: a, type: display}]",
               "stepss: unknown key 'stepss'\nstepss[0].message: missing required key 'message'\n");
    text_gives("[1]", ": wrong type: this is an array\n");
    text_gives("workflow_name: x\nlimits: {max_steps: 1000001}\nsteps: [{step: a, " D "}]",
               "limits.max_steps: 1000001 is out of range\n");
    text_gives("workflow_name: x\npersona: c\npersonas: {default: b, a: {}}\n"
               "steps: [{step: a, " D "}]",
               "persona: no persona is named 'c'\npersonas.default: no persona is named 'b'\n");
}
END_TEST

START_TEST(names)
{
    static const char max[] = "0123456789012345678901234567890123456789012345678901234567890123";
    ag_auto_free char *fits = ag_asprintf("  - {step: '%s', " D "}\n", max);
    ag_auto_free char *over = ag_asprintf("  - {step: 'x%s', " D "}\n", max);
    ag_auto_free char *bad = ag_asprintf("steps[0].step: bad step name 'x%s'\n", max);
    steps_give(fits, "");
    steps_give(over, bad);
    steps_give("  - {step: 'an \xc3\xa9, a. [b]', " D "}\n", "");
    steps_give("  - {step: a/b, " D "}\n", "steps[0].step: bad step name 'a/b'\n");
    steps_give("  - {step: 'a#b', " D "}\n", "steps[0].step: bad step name 'a#b'\n");
    steps_give("  - {step: \"a\\tb\", " D "}\n", "steps[0].step: bad step name 'a b'\n");
    steps_give("  - {step: '', " D "}\n", "steps[0].step: bad step name ''\n");
    steps_give("  - {step: EXIT, " D "}\n", "steps[0].step: the step name 'EXIT' is reserved\n");
    steps_give("  - {step: 1.5, " D "}\n", "steps[0].step: wrong type: this is a number\n");
    steps_give("  - {" D "}\n", "steps[0].step: missing required key 'step'\n");
    steps_give("  - {step: a, id: b, " D "}\n",
               "steps[0].id: 'id' is another name of 'step', which is there too\n");
    steps_give("  - {step: 1, " D "}\n  - {step: '1', " D "}\n",
               "steps[1].step: duplicate step name '1', first used by the step in line 4\n");
    steps_give("  - x\n", "steps[0]: wrong type: this is text\n");
}
END_TEST

START_TEST(types)
{
    member_gives("type: dispaly, message: x", "steps[0].type: unknown step type 'dispaly'\n");
    member_gives("type: zzz, anything: x", "steps[0].type: unknown step type 'zzz'\n");
    member_gives("type: 5", "steps[0].type: wrong type: this is an integer\n");
    member_gives("message: x", "steps[0].type: missing required key 'type'\n");
    member_gives("typ: display, message: x", "steps[0].typ: unknown key 'typ'\n");
    member_gives("typ: zzz", "steps[0].typ: unknown key 'typ'\n"
                             "steps[0].typ: unknown step type 'zzz'\n");
    member_gives("type: foreach, on_yes: a",
                 "steps[0].type: step type 'foreach' is not supported by this version\n");
    member_gives("type: secret, prompt: a", "steps[0].type: unknown step type 'secret'\n");
    member_gives("type: x-mine, on_yes: a",
                 "steps[0].type: step type 'x-mine' is not supported by this version\n");
}
END_TEST

START_TEST(values)
{
    member_gives(D ", timeout: 90s", "");
    member_gives(D ", timeout: 0.5", "");
    member_gives(D ", timeout: 90x", "steps[0].timeout: '90x' is no duration\n");
    member_gives(D ", timeout: [1]", "steps[0].timeout: wrong type: this is an array\n");
    member_gives(D ", timeout: 3650d", "");
    member_gives(D ", timeout: 3651d", "steps[0].timeout: 3.15446e+08 s is out of range\n");
    member_gives(D ", max_iterations: 0", "steps[0].max_iterations: 0 is out of range\n");
    member_gives(D ", max_iterations: 1", "");
    member_gives(D ", repeat: often", "steps[0].repeat: unknown value 'often'\n");
    member_gives(D ", retry: {max_retries: 100}", "");
    member_gives(D ", retry: {max_retries: 101}",
                 "steps[0].retry.max_retries: 101 is out of range\n");
    member_gives(D ", retry: {on: timeout}", "steps[0].retry.on: wrong type: this is text\n");
    member_gives(D ", when: true", "steps[0].when: wrong type: this is a boolean\n");
    member_gives("type: command, argv: []", "steps[0].argv: 'argv' is empty\n");
    member_gives("type: command, argv: [a, 1]",
                 "steps[0].argv[1]: wrong type: this is an integer\n");
    member_gives("type: command, argv: [a], ok_codes: [0, 256]",
                 "steps[0].ok_codes[1]: 256 is out of range\n");
    member_gives("type: command, argv: [a], env: {A: 1}",
                 "steps[0].env.A: wrong type: this is an integer\n");
    member_gives("type: command, argv: [a], save_to: {stdot: x}",
                 "steps[0].save_to.stdot: unknown key 'stdot'\n");
    member_gives("type: command, argv: [a], save_to: 'a b'",
                 "steps[0].save_to: 'a b' is no variable\n");
    member_gives("type: ci_ask, prompt: x, temperature: 2", "");
    member_gives("type: ci_ask, prompt: x, temperature: 2.1",
                 "steps[0].temperature: 2.1 is out of range\n");
    member_gives("type: ci_ask, prompt: x, schema: []",
                 "steps[0].schema: wrong type: this is an array\n");
    member_gives("type: save_file, filename: x, content: y, mode: '0644'", "");
    member_gives("type: save_file, filename: x, content: y, mode: '0844'",
                 "steps[0].mode: '0844' is no mode\n");
    member_gives("type: save_file, filename: x, content: {a: [1, '{{given}}']}", "");
    member_gives("type: user_ask, prompt: x, validate: {pattern: '^[a-z]+$'}", "");
    ag_auto_free char *bad =
        problems_of_steps("  - {step: a, type: user_ask, prompt: x, validate: {pattern: '['}}\n");
    ck_assert_msg(ag_starts_with(bad, "steps[0].validate.pattern: bad pattern: "), "%s", bad);
    member_gives("type: set, values: {1a: 1}", "steps[0].values.1a: '1a' is no variable\n");
    member_gives("type: set, values: {context.a.b: 1}", "");
    member_gives("type: user_choose, prompt: x, options: []",
                 "steps[0].options: 'options' is empty\n");
    member_gives("type: user_choose, prompt: x, options: [{labl: y}]",
                 "steps[0].options[0].labl: unknown key 'labl'\n");
    member_gives("type: user_choose, prompt: x, options: [{label: y, step: a}]", "");
    member_gives("type: read_file, source: x, save_to: y, parse: xml",
                 "steps[0].parse: unknown value 'xml'\n");
}
END_TEST

START_TEST(waits)
{
    member_gives("type: wait, seconds: 0", "");
    member_gives("type: wait, seconds: 1.5", "");
    member_gives("type: wait, seconds: 3650d", "");
    member_gives("type: wait, seconds: '{{given}}m'", "");
    member_gives("type: wait, seconds: '{given}'", "");
    member_gives("type: wait, at: '2026-01-31T12:00:00+01:00'", "");
    member_gives("type: wait, at: '{{given}}T12:00:00Z'", "");
    member_gives("type: wait, at: 2026-01-31T12:00:00Z", "");
    member_gives("type: wait", "steps[0].seconds: missing required key 'seconds'\n");
    member_gives("type: wait, seconds: 1, at: '2026-01-31T12:00:00Z'",
                 "steps[0].at: 'at' beside 'seconds'\n");
    member_gives("type: wait, seconds: -1", "steps[0].seconds: -1 s is out of range\n");
    member_gives("type: wait, seconds: 3651d", "steps[0].seconds: 3.15446e+08 s is out of range\n");
    member_gives("type: wait, seconds: soon", "steps[0].seconds: 'soon' is no duration\n");
    member_gives("type: wait, seconds: [1]", "steps[0].seconds: wrong type: this is an array\n");
    member_gives("type: wait, seconds: '{{nobody}}'",
                 "steps[0].seconds: variable 'nobody' is set by no step\n");
    member_gives("type: wait, at: tomorrow", "steps[0].at: 'tomorrow' is no time\n");
    member_gives("type: wait, at: 2026-02-30T12:00:00Z",
                 "steps[0].at: '2026-02-30T12:00:00Z' is no time\n");
    member_gives("type: wait, at: 5", "steps[0].at: wrong type: this is an integer\n");
    member_gives("type: wait, at: '{{nobody}}'",
                 "steps[0].at: variable 'nobody' is set by no step\n");
    member_gives("type: wait, secnods: 1", "steps[0].secnods: unknown key 'secnods'\n");
}
END_TEST

START_TEST(targets)
{
    member_gives(D ", next_step: EXIT", "");
    member_gives(D ", next_step: a", "");
    member_gives(D ", next_step: 7", "steps[0].next_step: no step is named '7'\n");
    member_gives(D ", next_step: true", "steps[0].next_step: wrong type: this is a boolean\n");
    member_gives(D ", on_error: {action: goto}",
                 "steps[0].on_error.target: missing required key 'target'\n");
    member_gives(D ", on_error: {action: jump}",
                 "steps[0].on_error.action: unknown value 'jump'\n");
    member_gives(D ", on_error: {action: goto, target: no}",
                 "steps[0].on_error.target: no step is named 'no'\n");
    text_gives("workflow_name: x\non_error: nope\nsteps:\n"
               "  - {step: a, " D "}\n  - {step: b, " D "}\n",
               "on_error: no step is named 'nope'\n");
}
END_TEST

START_TEST(reachability)
{
    steps_give("  - {step: a, " D ", next_step: c}\n  - {step: b, " D "}\n  - {step: c, " D "}\n",
               "steps[1]: step 'b' is unreachable\n");
    /* Of a chain and of a circle only the first. */
    steps_give("  - {step: a, " D ", next_step: EXIT}\n  - {step: b, " D "}\n"
               "  - {step: c, " D "}\n",
               "steps[1]: step 'b' is unreachable\n");
    steps_give("  - {step: a, " D ", next_step: EXIT}\n  - {step: b, " D "}\n"
               "  - {step: c, " D ", next_step: b}\n",
               "steps[1]: step 'b' is unreachable\n");
    /* What is skipped, fails or is not chosen goes on. */
    steps_give("  - {step: a, " D ", next_step: c, when: given}\n  - {step: b, " D "}\n"
               "  - {step: c, " D "}\n",
               "steps[1]: step 'b' is unreachable\n");
    steps_give("  - {step: a, type: fail, message: x}\n  - {step: b, " D "}\n",
               "steps[1]: step 'b' is unreachable\n");
    steps_give("  - {step: a, type: fail, message: x, when: given}\n  - {step: b, " D "}\n", "");
    steps_give("  - {step: a, type: decide, condition: given, if_true: c}\n  - {step: b, " D "}\n"
               "  - {step: c, " D "}\n",
               "");
    steps_give("  - {step: a, type: decide, condition: given, if_true: c, if_false: c}\n"
               "  - {step: b, " D "}\n  - {step: c, " D "}\n",
               "steps[1]: step 'b' is unreachable\n");
    steps_give("  - {step: a, " D ", next_step: c, on_error: b}\n  - {step: b, " D "}\n"
               "  - {step: c, " D "}\n",
               "");
    /* One mistake, one problem. */
    steps_give("  - {step: first, " D ", next_step: thirdd}\n"
               "  - {step: second, " D ", next_step: EXIT}\n  - {step: third, " D "}\n",
               "steps[0].next_step: no step is named 'thirdd'\n"
               "steps[1]: step 'second' is unreachable\n");
    steps_give("  - {step: a, " D ", next_step: zzzz}\n  - {step: b, " D "}\n",
               "steps[0].next_step: no step is named 'zzzz'\n");
    steps_give("  - {step: a, " D ", nxt_step: c}\n  - {step: b, " D ", next_step: EXIT}\n"
               "  - {step: c, " D ", next_step: b}\n",
               "steps[0].nxt_step: unknown key 'nxt_step'\n");
    steps_give("  - {step: a, type: decidd, condition: given, if_true: c, if_false: b}\n"
               "  - {step: b, " D ", next_step: EXIT}\n  - {step: c, " D "}\n",
               "steps[0].type: unknown step type 'decidd'\n");
}
END_TEST

#define SHOW(name, text) "  - {step: " name ", type: display, message: '" text "'}\n"
#define ASK(name, to)    "  - {step: " name ", type: user_ask, prompt: x, save_to: " to "}\n"

START_TEST(variables)
{
    steps_give(SHOW("a", "{{given}} {{workflow_id}} {{context.branch}} {{now}}"), "");
    steps_give(SHOW("a", "{{x}} {{x}} {x}"), "steps[0].message: variable 'x' is set by no step\n");
    steps_give(SHOW("a", "{{x | default(\"\")}} {x}"), "");
    steps_give(SHOW("a", "{{x}}") ASK("b", "context.x"),
               "steps[0].message: variable 'x' is not set by any step before this one\n");
    steps_give(ASK("b", "context.x.y") SHOW("a", "{{x.z.length}}"), "");
    steps_give(ASK("a", "'{{x}}'"), "steps[0].save_to: '{{x}}' is no variable\n");
    /* A step does not see what it sets itself, but for `until`. */
    steps_give("  - {step: a, type: ci_ask, prompt: '{{x}}', save_to: x}\n",
               "steps[0].prompt: variable 'x' is not set by any step before this one\n");
    steps_give("  - {step: a, type: ci_ask, prompt: y, save_to: x, until: x == 1}\n", "");
    steps_give("  - {step: a, type: ci_ask, prompt: y, save_to: x, when: x == 1}\n",
               "steps[0].when: variable 'x' is not set by any step before this one\n");
    /* On some path is enough. */
    steps_give("  - {step: a, type: decide, condition: given, if_true: c, if_false: b}\n" ASK(
                   "b", "x") SHOW("c", "{{x}}"),
               "");
    steps_give("  - {step: a, type: command, argv: ['{{p}}'], stdin: '{{q}}', env: {A: '{{r}}'},\n"
               "     save_to: {stdout: out, exit_code: code}}\n" SHOW("b", "{{out}} {{code}}"),
               "steps[0].argv[0]: variable 'p' is set by no step\n"
               "steps[0].stdin: variable 'q' is set by no step\n"
               "steps[0].env.A: variable 'r' is set by no step\n");
    steps_give("  - {step: a, type: set, values: {x: ['{{p}}', {b: '{{q}}'}]}}\n",
               "steps[0].values.x[0]: variable 'p' is set by no step\n"
               "steps[0].values.x[1].b: variable 'q' is set by no step\n");
    /* Mistakes that hide a name. */
    steps_give("  - {step: a, type: user_ask, prompt: x, save_too: x}\n" SHOW("b", "{{x}}"),
               "steps[0].save_too: unknown key 'save_too'\n");
    steps_give("  - {step: a, type: user_ask, prompt: x, save_to: [x]}\n" SHOW("b", "{{x}}"),
               "steps[0].save_to: wrong type: this is an array\n");
    steps_give("  - {step: a, type: user_ask, prompt: x, save_to: 1}\n" SHOW("b", "{{x}}")
                   SHOW("c", "{{y}} {{x}}"),
               "steps[0].save_to: wrong type: this is an integer\n"
               "steps[2].message: variable 'y' is set by no step\n");
    steps_give("  - {step: a, type: foreach, save_to: x}\n" SHOW("b", "{{x}}"),
               "steps[0].type: step type 'foreach' is not supported by this version\n");
    text_gives("workflow_name: x\nparameters: [p]\nsteps:\n" SHOW("a", "{{p}}"),
               "parameters: wrong type: this is an array\n");
    text_gives("workflow_name: x\nparamters: {p: {}}\nsteps:\n" SHOW("a", "{{p}}"),
               "paramters: unknown key 'paramters'\n");
}
END_TEST

START_TEST(declarations)
{
    static const struct {
        const char *declared;
        const char *problem;
    } cases[] = {
        {"{type: enum, values: [a, 1], default: 1}", ""},
        {"{type: enum, values: [a], default: b}",
         "parameters.p.default: the default is no value of this parameter\n"},
        {"{type: enum, values: []}", "parameters.p.values: 'values' is empty\n"},
        {"{type: enum, values: a}", "parameters.p.values: wrong type: this is text\n"},
        {"{type: enum, default: b}",
         "parameters.p.values: missing required key 'values' of an enum\n"},
        {"{values: [a]}", "parameters.p.values: 'values' of a parameter that is no enum\n"},
        {"{type: number, default: '2'}",
         "parameters.p.default: the default is no value of this parameter\n"},
        {"{type: boolean, default: yes}",
         "parameters.p.default: the default is no value of this parameter\n"},
        {"{type: int, default: x}", "parameters.p.type: unknown value 'int'\n"},
        {"{default: 5}", "parameters.p.default: the default is no value of this parameter\n"},
        {"5", "parameters.p: wrong type: this is an integer\n"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *text = ag_asprintf("workflow_name: x\nparameters:\n  p: %s\nsteps:\n%s",
                                              cases[i].declared, SHOW("a", "{{p}}"));
        text_gives(text, cases[i].problem);
    }
    text_gives("workflow_name: x\nparameters: {a.b: {}}\nsteps:\n" SHOW("a", "x"),
               "parameters[\"a.b\"]: bad parameter name 'a.b'\n");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-validate");
    TCase *tc = tcase_create("validate");
    tcase_add_test(tc, top_level);
    tcase_add_test(tc, names);
    tcase_add_test(tc, types);
    tcase_add_test(tc, values);
    tcase_add_test(tc, waits);
    tcase_add_test(tc, targets);
    tcase_add_test(tc, reachability);
    tcase_add_test(tc, variables);
    tcase_add_test(tc, declarations);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
