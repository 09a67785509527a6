/*
 * Loading sound templates: the plan that comes out, originals with numeric steps and phases,
 * both sides of the limits.
 */
#include "template-lib.h"

/* As the first version's templates were written. */
static const char original[] =
    "{\"workflow_id\": \"code_review\", \"description\": \"Reviews a change\",\n"
    " \"personas\": {\"default\": \"senior\",\n"
    "   \"senior\": {\"name\": \"Sam\", \"role\": \"reviewer\", \"style\": \"terse\",\n"
    "              \"greeting\": \"Hello {user_name}\"}},\n"
    " \"phases\": [\n"
    "  {\"phase\": \"Collect 1/2\", \"description\": \"What is it about\", \"steps\": [\n"
    "   {\"step\": 1, \"type\": \"user_ask\", \"prompt\": \"Your name?\",\n"
    "    \"save_to\": \"context.user_name\"},\n"
    "   {\"step\": 2, \"type\": \"user_choose\", \"prompt\": \"Hi {user_name}. Which?\",\n"
    "    \"options\": [{\"label\": \"all\", \"value\": \"all\", \"next_step\": 3},\n"
    "                {\"label\": \"none\", \"next_step\": \"4\"}],\n"
    "    \"save_to\": \"context.scope\", \"next_step\": 3}]},\n"
    "  {\"phase\": 2, \"steps\": [\n"
    "   {\"id\": 3, \"type\": \"ci_ask\", \"prompt_template\": \"Review {scope} for {user_name}\",\n"
    "    \"persona\": \"senior\", \"save_to\": \"context.review\", \"max_iterations\": 5},\n"
    "   {\"id\": 4, \"type\": \"decide\", \"condition\": \"context.review.length > 10\",\n"
    "    \"if_true\": 5, \"if_false\": 3},\n"
    "   {\"id\": 5, \"type\": \"save_file\", \"filename\": \"review.md\",\n"
    "    \"content\": \"{{context.review}}\", \"next_step\": \"EXIT\"}]}]}";

START_TEST(original_template)
{
    AG_AUTO(ag_template) t = must_load(original);
    ck_assert_str_eq(ag_template_name(t), "code_review");
    ck_assert_str_eq(ag_template_description(t), "Reviews a change");
    ck_assert_uint_eq(ag_template_step_count(t), 5);
    const struct ag_plan_step *choose = ag_template_step(t, 1);
    ck_assert_str_eq(choose->name, "2");
    ck_assert_uint_eq(choose->number, 2);
    ck_assert_str_eq(choose->next, "3");
    ck_assert_ptr_eq(ag_template_find(t, "4"), ag_template_step(t, 3));
    const struct ag_plan_step *ask = ag_template_step(t, 2);
    ck_assert_str_eq(ask->type->name, "ci_ask");
    ck_assert_str_eq(ask->next, "4");
    ck_assert_int_eq(ask->max_iterations, 5);
    ck_assert_str_eq(ag_value_get_text(ask->fields, "prompt_template", ""),
                     "Review {scope} for {user_name}");
    ck_assert_ptr_null(ag_value_get(ask->fields, "id"));
    const struct ag_plan_step *save = ag_template_step(t, 4);
    ck_assert_str_eq(save->next, "EXIT");
    ck_assert_str_eq(ag_value_get_text(save->fields, "destination", ""), "review.md");
    ck_assert_str_eq(ag_value_get_text(save->fields, "data", ""), "{{context.review}}");
    const ag_value *persona = ag_template_persona(t, NULL);
    ck_assert_str_eq(ag_value_get_text(persona, "name", ""), "Sam");
    ck_assert_ptr_eq(ag_template_persona(t, "senior"), persona);
    ck_assert_ptr_null(ag_template_persona(t, "default"));
    ck_assert_ptr_null(ag_template_persona(t, "junior"));
    ck_assert_ptr_null(ag_template_step(t, 5));
    ck_assert_ptr_null(ag_template_find(t, "6"));
}
END_TEST

START_TEST(plan_of_everything)
{
    AG_AUTO(ag_template)
    t = must_load(
        "workflow_name: all\n"
        "provider: local\n"
        "persona: b\n"
        "personas: {a: {}, b: {role: x}}\n"
        "limits: {max_steps: 7, timeout: 1.5}\n"
        "retry: {max_retries: 1, retry_delay: 2, retry_backoff: linear}\n"
        "on_error: {action: skip}\n"
        "steps:\n"
        "  - {step: a, type: prompt, prompt: hi, save_to: x, timeout: 5m, when: 'true',\n"
        "     until: x != null}\n"
        "  - step: b\n"
        "    type: command\n"
        "    argv: ['true']\n"
        "    retry: {max_delay: 90s, retry_backoff: exponential, on: [timeout]}\n"
        "    on_error: {action: goto, target: d}\n"
        "  - {step: c, type: command, argv: ['true'], repeat: safe, on_error: {action: retry}}\n"
        "  - {step: d, type: save_file, destination: f, data: x, append: true, on_error: a}\n"
        "  - {step: e, type: save_file, destination: f, data: x, on_error: {action: fail}}\n");
    ck_assert_int_eq(ag_template_max_steps(t), 7);
    ck_assert_int_eq(ag_template_timeout_ms(t), 1500);
    ck_assert_str_eq(ag_template_default(t, "provider"), "local");
    ck_assert_ptr_null(ag_template_default(t, "model"));
    ck_assert_str_eq(ag_value_get_text(ag_template_persona(t, NULL), "role", ""), "x");
    ck_assert_uint_eq(ag_value_size(ag_template_parameters(t)), 0);

    const struct ag_plan_step *a = ag_template_step(t, 0);
    ck_assert_str_eq(a->type->name, "ci_ask");
    ck_assert_ptr_nonnull(a->when);
    ck_assert_ptr_nonnull(a->until);
    ck_assert_int_eq(a->timeout_ms, 300000);
    ck_assert_int_eq(a->max_iterations, 1000);
    ck_assert_int_eq(a->retry.max_retries, 1);
    ck_assert_int_eq(a->retry.delay_ms, 2000);
    ck_assert_int_eq(a->retry.backoff, AG_BACKOFF_LINEAR);
    ck_assert_int_eq(a->on_error, AG_ON_ERROR_SKIP);
    ck_assert(!a->repeat_never);
    ck_assert_ptr_null(ag_value_get(a->fields, "when"));
    ck_assert_uint_eq(ag_value_size(a->fields), 2);

    const struct ag_plan_step *b = ag_template_step(t, 1);
    ck_assert_int_eq(b->retry.max_retries, 3);
    ck_assert_int_eq(b->retry.max_delay_ms, 90000);
    ck_assert_int_eq(b->retry.backoff, AG_BACKOFF_EXPONENTIAL);
    ck_assert_uint_eq(ag_value_size(b->retry.on), 1);
    ck_assert_int_eq(b->on_error, AG_ON_ERROR_GOTO);
    ck_assert_str_eq(b->on_error_target, "d");
    ck_assert(b->repeat_never);
    ck_assert_ptr_null(b->when);

    ck_assert(!ag_template_step(t, 2)->repeat_never);
    ck_assert_int_eq(ag_template_step(t, 2)->on_error, AG_ON_ERROR_RETRY);
    ck_assert_int_eq(ag_template_step(t, 3)->on_error, AG_ON_ERROR_GOTO);
    ck_assert_str_eq(ag_template_step(t, 3)->on_error_target, "a");
    ck_assert(ag_template_step(t, 3)->repeat_never);
    ck_assert(!ag_template_step(t, 4)->repeat_never);
    ck_assert_int_eq(ag_template_step(t, 4)->on_error, AG_ON_ERROR_FAIL);
    ck_assert_str_eq(ag_template_step(t, 4)->next, "EXIT");
}
END_TEST

START_TEST(defaults)
{
    AG_AUTO(ag_template)
    t = must_load("{\"workflow_name\":\"x\",\"steps\":[{\"step\":\"a\",\"type\":\"display\","
                  "\"message\":\"\"}]}");
    const struct ag_plan_step *a = ag_template_step(t, 0);
    ck_assert_int_eq(ag_template_max_steps(t), 1000);
    ck_assert_int_eq(ag_template_timeout_ms(t), 0);
    ck_assert_str_eq(ag_template_description(t), "");
    ck_assert_ptr_null(ag_template_persona(t, NULL));
    ck_assert_int_eq(a->retry.max_retries, 0);
    ck_assert_int_eq(a->timeout_ms, 0);
    ck_assert_int_eq(a->on_error, AG_ON_ERROR_FAIL);
    ck_assert_ptr_null(a->retry.on);
}
END_TEST

static char *with_steps(size_t n)
{
    ag_auto_buf b = AG_BUF_INIT(1024 * 1024);
    ag_buf_add_text(&b, "workflow_name: many\nsteps:\n");
    for (size_t i = 1; i <= n; i++) {
        ag_buf_printf(&b, "  - {step: %zu, type: display, message: x}\n", i);
    }
    return ag_buf_take(&b);
}

START_TEST(step_limit)
{
    ag_auto_free char *most = with_steps(1000);
    AG_AUTO(ag_template) t = must_load(most);
    ck_assert_uint_eq(ag_template_step_count(t), 1000);
    ag_auto_free char *over = with_steps(1001);
    ag_auto_free char *problems = problems_of(over);
    ck_assert_str_eq(problems, "steps: 1001 steps\n");
}
END_TEST

START_TEST(too_many_problems)
{
    ag_auto_buf b = AG_BUF_INIT(1024 * 1024);
    AG_AUTO(argo_error) err = NULL;
    ag_template *t = NULL;
    ag_buf_add_text(&b, "workflow_name: many\nsteps: [{step: a, type: display, message: x}]\n");
    for (int i = 0; i < 1005; i++) {
        ag_buf_printf(&b, "zzz%d: 1\n", i);
    }
    ck_assert_int_eq(ag_template_load(NULL, b.data, b.len, &t, &err), ARGO_E_TEMPLATE);
    ck_assert_uint_eq(argo_error_problem_count(err), 1000);
    ck_assert_str_eq(argo_error_details(err), "1005 problems");
}
END_TEST

START_TEST(syntax_errors_are_problems)
{
    static const char text[] = "workflow_name: x\nsteps: [\n";
    AG_AUTO(argo_error) err = NULL;
    ag_template *t = NULL;
    ck_assert_int_eq(ag_template_load("f.yaml", text, strlen(text), &t, &err), ARGO_E_TEMPLATE);
    ck_assert_uint_eq(argo_error_problem_count(err), 1);
    const struct argo_problem *p = argo_error_problem(err, 0);
    ck_assert_str_eq(p->file, "f.yaml");
    ck_assert_uint_eq(p->line, 3);
    ck_assert_uint_eq(p->column, 1);
    ag_auto_free char *json = problems_of("{\"workflow_name\": \"x\",\n \"steps\": }");
    ck_assert_str_eq(json, ": unexpected token near '}'\n");
}
END_TEST

START_TEST(too_large)
{
    ag_auto_free char *text = malloc(1024 * 1024 + 1);
    AG_AUTO(argo_error) err = NULL;
    ag_template *t = NULL;
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', 1024 * 1024 + 1);
    ck_assert_int_eq(ag_template_load("f", text, 1024 * 1024 + 1, &t, &err), ARGO_E_TOO_LARGE);
    ck_assert_ptr_null(t);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-steps");
    TCase *tc = tcase_create("steps");
    tcase_add_test(tc, original_template);
    tcase_add_test(tc, plan_of_everything);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, step_limit);
    tcase_add_test(tc, too_many_problems);
    tcase_add_test(tc, syntax_errors_are_problems);
    tcase_add_test(tc, too_large);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
