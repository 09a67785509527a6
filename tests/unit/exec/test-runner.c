/*
 * The runner's rules: order, branches, loops, skips, limits, variables, the end.
 */
#include <string.h>

#include "base/text.h"
#include "exec/step.h"
#include "lib/fakeport.h"
#include "lib/runner.h"

START_TEST(test_end_to_end)
{
    struct fakeport *f =
        fakeport_flow("'parameters':{'who':{'type':'string'}},",
                      "{'step':'hello','type':'display','message':'hello {{who}}'},"
                      "{'step':'run','type':'command','argv':['echo','{{who}}; $(x)'],"
                      "'save_to':'out'},"
                      "{'step':'calc','type':'set','values':{'n':'{{out.length}}'}},"
                      "{'step':'check','type':'decide','condition':'n > 3',"
                      "'if_true':'yes','if_false':'no'},"
                      "{'step':'no','type':'display','message':'no'},"
                      "{'step':'yes','type':'display','message':'yes\\n'}");
    f->parameters = fake_json("{'who':'world'}");
    fakeport_run(f);
    ck_trace(f, "hello:done run:done calc:done check:done yes:done");
    ck_output(f, NULL, "hello world\nworld; $(x)\nyes\n");
    fakeport_expect(f, "out", "'world; $(x)'");
    fakeport_expect(f, "n", "11");
    ck_assert_str_eq(fakeport_status(f), "done");
    ck_assert_int_eq(ag_value_get_int(ag_value_get(f->finish, "result"), "steps", 0), 5);
    ck_assert_int_eq(f->end_code, 0);
    /* checkpoint, 5 completions, 1 output: a step costs one request, the end costs none. */
    ck_assert_uint_eq(f->calls, 7);
    ck_assert_int_eq(ag_value_get_int(f->progress, "current_step", 0), 6);
    ck_assert_int_eq(ag_value_get_int(f->progress, "total_steps", 0), 6);
    fakeport_free(f);
}
END_TEST

START_TEST(test_same_types)
{
    ck_assert_uint_eq(ag_step_rows_count, ag_step_types_count);
    for (size_t i = 0; i < ag_step_types_count; i++) {
        ck_assert_msg(ag_step_ops_find(ag_step_types[i].name) != NULL, "%s has no row",
                      ag_step_types[i].name);
    }
    for (size_t i = 0; i < ag_step_rows_count; i++) {
        const struct ag_step_type *type = ag_step_type_find(ag_step_rows[i]->name);
        ck_assert_msg(type != NULL && strcmp(type->name, ag_step_rows[i]->name) == 0,
                      "%s is in no table", ag_step_rows[i]->name);
    }
    ck_assert_ptr_null(ag_step_ops_find("nonsense"));
}
END_TEST

START_TEST(test_numbers_and_exit)
{
    struct fakeport *f =
        fakeport_flow("'parameters':{'n':{'type':'number','default':0}},",
                      "{'step':1,'type':'set','values':{'n':'{{n + 1}}'},'next_step':3},"
                      "{'step':2,'type':'display','message':'b','next_step':1},"
                      "{'step':3,'type':'decide','condition':'n == 2',"
                      "'if_true':'EXIT','if_false':2}");
    f->parameters = fake_json("{'n':0}");
    fakeport_run(f);
    ck_trace(f, "1:done 3:done 2:done 1#2:done 3#2:done");
    ck_output(f, NULL, "b\n");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_decide)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'decide','condition':'1 > 2','if_true':'EXIT'},"
                          "{'step':'b','type':'decide','condition':'2 > 1','if_true':'EXIT'},"
                          "{'step':'c','type':'display','message':'never'}");
    fakeport_run(f);
    ck_trace(f, "a:done b:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_when)
{
    struct fakeport *f =
        fakeport_flow("'parameters':{'n':{'type':'number','default':1}},",
                      "{'step':'a','type':'command','argv':['false'],'when':'n > 1',"
                      "'next_step':'c'},"
                      "{'step':'b','type':'display','message':'b'},"
                      "{'step':'c','type':'display','message':'c','when':'n == 1'},"
                      "{'step':'d','type':'decide','condition':'true','if_true':'b',"
                      "'when':'false'}");
    f->parameters = fake_json("{'n':1}");
    fakeport_run(f);
    ck_trace(f, "a:skipped c:done d:skipped");
    ck_output(f, NULL, "c\n");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_when_fails)
{
    struct fakeport *f =
        fakeport_flow("'parameters':{'n':{'type':'number','default':1}},",
                      "{'step':'a','type':'display','message':'a','when':'n + true > 1'}");
    f->parameters = fake_json("{'n':{}}");
    fakeport_run(f);
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "template");
    ck_assert_str_eq(fakeport_error(f, "step"), "a");
    ck_assert_str_eq(fakeport_error(f, "path"), "a");
    ck_assert_ptr_nonnull(strstr(fakeport_error(f, "message"), "when"));
    fakeport_free(f);
}
END_TEST

#define COUNT_UP                                     \
    "{'step':'zero','type':'set','values':{'n':0}}," \
    "{'step':'count','type':'set','values':{'n':'{{n + 1}}'}"

START_TEST(test_until)
{
    struct fakeport *f = fakeport_flow("", COUNT_UP ",'until':'n >= 3'},"
                                                    "{'step':'end','type':'display',"
                                                    "'message':'{{n}} {{step}} {{step_number}}'}");
    fakeport_run(f);
    ck_trace(f, "zero:done count:done count#2:done count#3:done end:done");
    ck_output(f, NULL, "3 end 3\n");
    fakeport_free(f);
}
END_TEST

START_TEST(test_max_iterations)
{
    struct fakeport *f = fakeport_flow("", COUNT_UP ",'until':'n >= 3','max_iterations':3}");
    fakeport_run(f);
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_expect(f, "n", "3");
    fakeport_free(f);
    f = fakeport_flow("", COUNT_UP ",'until':'n >= 3','max_iterations':2}");
    fakeport_run(f);
    ck_trace(f, "zero:done count:done count#2:done count#3:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "max_iterations");
    ck_assert_str_eq(fakeport_error(f, "path"), "count#3");
    fakeport_expect(f, "n", "2");
    fakeport_free(f);
}
END_TEST

START_TEST(test_max_steps)
{
    const char *steps = "{'step':'a','type':'set','values':{'x':1}},"
                        "{'step':'b','type':'set','values':{'x':2}},"
                        "{'step':'c','type':'set','values':{'x':3}}";
    struct fakeport *f = fakeport_flow("'limits':{'max_steps':3},", steps);
    fakeport_run(f);
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
    f = fakeport_flow("'limits':{'max_steps':2},", steps);
    fakeport_run(f);
    ck_trace(f, "a:done b:done c:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "max_steps");
    fakeport_expect(f, "x", "2");
    fakeport_free(f);
}
END_TEST

START_TEST(test_set)
{
    struct fakeport *f = fakeport_flow(
        "", "{'step':'a','type':'set','values':{'x':{'y':[1,'{{workflow_id}}']},'s':'v'}},"
            "{'step':'b','type':'set','values':{'context.x.z':'{{s}}-{{x.y.0}}','s':'{{x}}'}},"
            "{'step':'c','type':'set','values':{'x.y':'{{s.y}}'}}");
    fakeport_run(f);
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_expect(f, "x", "{'y':[1,'flow_1'],'z':'v-1'}");
    fakeport_expect(f, "s", "{'y':[1,'flow_1']}");
    fakeport_free(f);
}
END_TEST

START_TEST(test_builtins)
{
    struct fakeport *f = fakeport_flow(
        "", "{'step':'a','type':'display','message':'{{workflow_id}} {{workflow_name}} "
            "{{instance}} {{branch}} {{environment}} [{{session_id}}] {{step}} {{step_number}} "
            "{{attempt}} {{effect_key}} {{now.length}}'}");
    fakeport_run(f);
    ck_output(f, "text", "flow_1 flow 1 main dev [] a 1 1 flow_1/a 24\n");
    fakeport_free(f);
}
END_TEST

START_TEST(test_missing_variable)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'set','values':{'x':{}}},"
                                           "{'step':'b','type':'display','message':'{{x.y}}'}");
    fakeport_run(f);
    ck_trace(f, "a:done b:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "template");
    ck_assert_ptr_nonnull(strstr(fakeport_error(f, "message"), "message"));
    char *text = fakeport_output(f, "error");
    ck_assert_ptr_nonnull(strstr(text, "step 'b' failed"));
    free(text);
    fakeport_free(f);
}
END_TEST

START_TEST(test_bad_template)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'nonsense'}");
    fakeport_run(f);
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "template");
    ck_trace(f, "");
    fakeport_free(f);
}
END_TEST

/* A completion that the daemon refuses is a failed attempt; its variables are not kept. */
START_TEST(test_refused)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'set','values':{'x':1},'on_error':'c'},"
                          "{'step':'b','type':'display','message':'b'},"
                          "{'step':'c','type':'display','message':'x={{x | default(1)}}'}");
    f->refuse_next = ARGO_E_TOO_LARGE;
    fakeport_run(f);
    ck_trace(f, "a:failed c:done");
    ck_output(f, "text", "x=1\n");
    fakeport_expect(f, "x", "null");
    ck_assert_str_eq(fakeport_status(f), "done");
    ck_assert_int_eq(ag_value_get_int(ag_value_get(f->finish, "result"), "steps", 0), 2);
    fakeport_free(f);
}
END_TEST

/* The end that went along is refused with its completion: the run goes on. */
START_TEST(test_refused_with_the_end)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'set','values':{'x':1},"
                                           "'next_step':'EXIT','on_error':'b'},"
                                           "{'step':'b','type':'display','message':'b'},"
                                           "{'step':'c','type':'display','message':'c'}");
    f->refuse_next = ARGO_E_TOO_LARGE;
    fakeport_run(f);
    ck_trace(f, "a:failed b:done c:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    ck_assert_int_eq(ag_value_get_int(ag_value_get(f->finish, "result"), "steps", 0), 3);
    fakeport_free(f);
}
END_TEST

static void ck_end(bool old, const char *step, size_t calls, const char *status, const char *code)
{
    struct fakeport *f = fakeport_flow("", step);
    f->old = old;
    fakeport_run(f);
    ck_assert_uint_eq(f->calls, calls);
    ck_assert_str_eq(fakeport_status(f), status);
    ck_assert_str_eq(fakeport_error(f, "code"), code);
    ck_assert_int_eq(f->end_code, 0);
    fakeport_free(f);
}

/* With the last completion, or by itself, as a daemon wants it that knows of nothing else. */
START_TEST(test_how_the_end_is_told)
{
    ck_end(false, "{'step':'a','type':'set','values':{'x':1}}", 2, "done", "");
    ck_end(true, "{'step':'a','type':'set','values':{'x':1}}", 3, "done", "");
    ck_end(false, "{'step':'a','type':'read_file','source':'none','save_to':'x'}", 2, "failed",
           "io");
    ck_end(true, "{'step':'a','type':'read_file','source':'none','save_to':'x'}", 3, "failed",
           "io");
    ck_end(false, "{'step':'a','type':'read_file','source':'none','save_to':'x','on_error':'EXIT'}",
           2, "done", "");
    ck_end(false, "{'step':'a','type':'read_file','source':'none','save_to':'x','when':'false'}", 2,
           "done", "");
}
END_TEST

START_TEST(test_fenced)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'display','message':'a'},"
                                           "{'step':'b','type':'display','message':'b'}");
    f->refuse_next = ARGO_E_FENCED;
    fakeport_run(f);
    ck_assert_int_eq(f->end_code, ARGO_E_FENCED);
    ck_assert_ptr_null(f->finish);
    ck_trace(f, "");
    fakeport_free(f);
}
END_TEST

START_TEST(test_cancel_idle)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'user_ask','prompt':'?'}");
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    ck_assert(f->listening);
    fakeport_cancel(f);
    ck_assert_ptr_null(f->finish);
    ck_trace(f, "");
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/runner");
    TCase *t = tcase_create("rules");
    tcase_add_test(t, test_end_to_end);
    tcase_add_test(t, test_same_types);
    tcase_add_test(t, test_numbers_and_exit);
    tcase_add_test(t, test_decide);
    tcase_add_test(t, test_when);
    tcase_add_test(t, test_when_fails);
    tcase_add_test(t, test_until);
    tcase_add_test(t, test_max_iterations);
    tcase_add_test(t, test_max_steps);
    tcase_add_test(t, test_set);
    tcase_add_test(t, test_builtins);
    tcase_add_test(t, test_missing_variable);
    tcase_add_test(t, test_bad_template);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_refused_with_the_end);
    tcase_add_test(t, test_how_the_end_is_told);
    tcase_add_test(t, test_fenced);
    tcase_add_test(t, test_cancel_idle);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
