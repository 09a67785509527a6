/*
 * Fuzz target: a JSON array of a schema and a value. A schema is refused with a place, or says of
 * the value whether it fits: never both of itself and of its negation, and always with a reason.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "template/answers.h"

/* 1: it fits, 0: it does not, -1: a limit. */
static int fits(const ag_value *schema, const ag_value *value)
{
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_schema_validate(schema, "v", value, false, &err);
    FUZZ_CHECK(rc == 0 || (rc == ARGO_E_ANSWER && argo_error_details(err)[0] != '\0'));
    if (rc < 0 && argo_error_problem_count(err) == 0) {
        return -1;
    }
    return rc == 0;
}

static void fuzz_pair(const ag_value *schema, const ag_value *value)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) negation = ag_value_object();
    if (ag_schema_check("s", schema, &err) < 0) {
        FUZZ_CHECK(argo_error_code(err) == ARGO_E_INVALID && argo_error_problem_count(err) > 0);
        FUZZ_CHECK(argo_error_problem(err, 0)->path[0] == 's');
        return;
    }
    FUZZ_CHECK(ag_value_set(negation, "not", ag_value_ref(schema)) == 0);
    int yes = fits(schema, value);
    int no = fits(negation, value);
    FUZZ_CHECK(yes < 0 || no < 0 || yes + no == 1);
    AG_AUTO(ag_value) typed = ag_answer_typed(schema, value);
    FUZZ_CHECK(typed != NULL && (yes != 1 || fits(schema, typed) != 0));
    if (ag_value_is(value, ARGO_TYPE_OBJECT)) {
        AG_AUTO(ag_value) filled = NULL;
        FUZZ_CHECK(ag_form_fill(schema, value, &filled, &err) == 0);
        FUZZ_CHECK(ag_value_size(filled) >= ag_value_size(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AG_AUTO(ag_value) pair = NULL;
    if (ag_value_parse((const char *)data, size, &pair, NULL) == 0 && ag_value_size(pair) == 2 &&
        ag_value_is(pair, ARGO_TYPE_ARRAY)) {
        fuzz_pair(ag_value_at(pair, 0), ag_value_at(pair, 1));
    }
    return 0;
}
