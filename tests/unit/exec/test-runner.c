/*
 * The runner's rules: order, branches, loops, skips, limits, variables, the end.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exec/step.h"
#include "lib/fakeport.h"
#include "lib/runner.h"

/* TOP is what stands beside the steps. */
static struct fakeport *flow(const char *top, const char *steps)
{
    char *text = ag_asprintf("{'workflow_name':'flow',%s'steps':[%s]}", top, steps);
    struct fakeport *f = fakeport_new(text);
    free(text);
    return f;
}

START_TEST(test_end_to_end)
{
    struct fakeport *f = flow("'parameters':{'who':{'type':'string'}},",
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
    /* checkpoint, 5 completions, 1 output, finish: a step costs one request. */
    ck_assert_uint_eq(f->calls, 8);
    ck_assert_int_eq(ag_value_get_int(f->progress, "current_step", 0), 6);
    ck_assert_int_eq(ag_value_get_int(f->progress, "total_steps", 0), 6);
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/runner");
    TCase *t = tcase_create("rules");
    tcase_add_test(t, test_end_to_end);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
