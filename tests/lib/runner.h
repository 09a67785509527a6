/*
 * The main function of every Check executable: `ARGO_TEST_MAIN(suite_fn)`.
 */
#ifndef TESTS_LIB_RUNNER_H
#define TESTS_LIB_RUNNER_H

#include <stdlib.h>

#include <check.h>

#define ARGO_TEST_MAIN(suite_fn)                          \
    int main(void)                                        \
    {                                                     \
        SRunner *runner = srunner_create(suite_fn());     \
        srunner_run_all(runner, CK_ENV);                  \
        int failed = srunner_ntests_failed(runner);       \
        srunner_free(runner);                             \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
    }

#endif
