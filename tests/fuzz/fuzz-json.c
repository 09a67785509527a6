/*
 * Fuzz target: JSON text from outside. What parses must print, parse again as the same value and
 * print the same again; what does not must say why.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (ag_value_parse((const char *)data, size, &v, &err) != 0) {
        FUZZ_CHECK(v == NULL && argo_error_details(err)[0] != '\0');
        return 0;
    }
    size_t len = 0;
    ag_auto_free char *text = ag_value_print(v, &len);
    FUZZ_CHECK(text != NULL && strlen(text) == len);

    AG_AUTO(ag_value) again = NULL;
    FUZZ_CHECK(ag_value_parse(text, len, &again, NULL) == 0);
    FUZZ_CHECK(ag_value_equal(v, again));
    ag_auto_free char *same = ag_value_print(again, NULL);
    FUZZ_CHECK(same != NULL && strcmp(same, text) == 0);

    AG_AUTO(ag_value) copy = ag_value_copy(v);
    ag_auto_free char *sorted = ag_value_print_sorted(copy, NULL);
    FUZZ_CHECK(sorted != NULL && strlen(sorted) == len);
    return 0;
}
