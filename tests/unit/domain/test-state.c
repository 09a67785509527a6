/*
 * The transition table, against a literal copy: a change of the machine must be meant.
 */
#include "domain/domain.h"
#include "lib/runner.h"

/* Row: from; column: to; in the order of enum ag_run_state. */
static const char *const legal[] = {
    /* queued running waiting paused stalled done failed interrupted abandoned */
    ".r.p..f.a", /* queued */
    "q.wpsdfia", /* running */
    "qr.psdfia", /* waiting */
    "qrw..dfia", /* paused */
    "qrwp.dfia", /* stalled */
    ".........", /* done */
    ".........", /* failed */
    "q..p..f.a", /* interrupted */
    ".........", /* abandoned */
};

START_TEST(the_table)
{
    for (int from = AG_RUN_QUEUED; from <= AG_RUN_ABANDONED; from++) {
        for (int to = AG_RUN_QUEUED; to <= AG_RUN_ABANDONED; to++) {
            ck_assert_msg(ag_run_may_become(from, to) == (legal[from][to] != '.'), "%s -> %s",
                          ag_run_state_words[from], ag_run_state_words[to]);
        }
    }
}
END_TEST

START_TEST(ends_lead_nowhere)
{
    for (int from = AG_RUN_QUEUED; from <= AG_RUN_ABANDONED; from++) {
        bool leaves = false;
        for (int to = AG_RUN_QUEUED; to <= AG_RUN_ABANDONED; to++) {
            leaves = leaves || ag_run_may_become(from, to);
        }
        ck_assert_int_eq(leaves, !ag_run_state_ended(from));
        ck_assert_int_eq(ag_run_may_become(from, AG_RUN_ABANDONED), leaves);
    }
}
END_TEST

static Suite *state_suite(void)
{
    Suite *suite = suite_create("domain-state");
    TCase *tc = tcase_create("state");
    tcase_add_test(tc, the_table);
    tcase_add_test(tc, ends_lead_nowhere);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(state_suite)
