/*
 * Resolving what a run was given against the declared parameters.
 */
#include "template-lib.h"

static const char text[] = "workflow_name: x\n"
                           "parameters:\n"
                           "  topic: {type: string, required: true, description: what about}\n"
                           "  n: {type: number, default: 2}\n"
                           "  deep: {type: boolean}\n"
                           "  tone: {type: enum, values: [dry, 3], default: dry}\n"
                           "  free: {}\n"
                           "steps: [{step: a, type: display, message: x}]\n";

static int resolve(const char *given, char **out, argo_error **err)
{
    AG_AUTO(ag_template) t = must_load(text);
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(ag_value) result = NULL;
    ck_assert(given == NULL || ag_value_parse(given, strlen(given), &v, NULL) == 0);
    int rc = ag_template_resolve_parameters(t, v, &result, err);
    ck_assert((rc == 0) == (result != NULL));
    *out = rc == 0 ? ag_value_print_sorted(result, NULL) : NULL;
    return rc;
}

static void gives(const char *given, const char *expected)
{
    ag_auto_free char *got = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_msg(resolve(given, &got, &err) == 0, "%s", argo_error_details(err));
    ck_assert_str_eq(got, expected);
}

/* PROBLEMS: "path: message (expected) nearest\n" of each. */
static void refused(const char *given, const char *problems)
{
    ag_auto_free char *got = NULL;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_buf b = AG_BUF_INIT(65536);
    ck_assert_int_eq(resolve(given, &got, &err), ARGO_E_INVALID);
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        ag_buf_printf(&b, "%s: %s (%s) %s\n", p->path, p->message,
                      p->expected != NULL ? p->expected : "", p->nearest != NULL ? p->nearest : "");
    }
    ck_assert_str_eq(ag_buf_text(&b), problems);
}

START_TEST(defaults_and_types)
{
    gives("{\"topic\":\"t\"}", "{\"n\":2,\"tone\":\"dry\",\"topic\":\"t\"}");
    gives("{\"topic\":\"\",\"n\":1.5,\"deep\":true,\"tone\":3,\"free\":\"f\"}",
          "{\"deep\":true,\"free\":\"f\",\"n\":1.5,\"tone\":3,\"topic\":\"\"}");
}
END_TEST

START_TEST(text_for_others)
{
    gives("{\"topic\":\"5\",\"n\":\"3\",\"deep\":\"false\",\"tone\":\"3\"}",
          "{\"deep\":false,\"n\":3,\"tone\":3,\"topic\":\"5\"}");
    gives("{\"topic\":\"t\",\"n\":\"-2.5\"}", "{\"n\":-2.5,\"tone\":\"dry\",\"topic\":\"t\"}");
}
END_TEST

START_TEST(all_problems_at_once)
{
    refused(NULL, "parameters.topic: missing, it is required: what about () \n");
    refused("{\"topik\":1,\"n\":\"abc\",\"deep\":\"yes\",\"tone\":\"wet\",\"free\":1}",
            "parameters.topik: the template has no such parameter () topic\n"
            "parameters.topic: missing, it is required: what about () \n"
            "parameters.n: wrong value (a number) \n"
            "parameters.deep: wrong value (true or false) \n"
            "parameters.tone: wrong value (one of dry, 3) \n"
            "parameters.free: wrong value (text) \n");
    refused("[]", "");
    refused("{\"topic\":null}", "parameters.topic: wrong value (text) \n");
    refused("{\"topic\":\"t\",\"n\":\"\"}", "parameters.n: wrong value (a number) \n");
    refused("{\"topic\":\"t\",\"n\":\"1e999\"}", "parameters.n: wrong value (a number) \n");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-parameters");
    TCase *tc = tcase_create("parameters");
    tcase_add_test(tc, defaults_and_types);
    tcase_add_test(tc, text_for_others);
    tcase_add_test(tc, all_problems_at_once);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
