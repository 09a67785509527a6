/*
 * Fuzz target: a text as a condition and as a text with {{...}}. Whatever it is, the outcome is
 * a value that prints or an error that says why; the check finds what the run finds in syntax.
 */
#include <string.h>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "template/expr.h"

static const char variables[] =
    "{\"a\":1,\"b\":\"10\",\"c\":{\"d\":[1,\"x\",null,{\"e\":2.5}]},\"t\":\"one\\ntwo äö\","
    "\"n\":null,\"y\":true,\"i\":9223372036854775807}";

static int check_path(const char *path, bool defaulted, void *user)
{
    (void)defaulted;
    (void)user;
    FUZZ_CHECK(path[0] != '\0');
    return 0;
}

static void fuzz_condition(const char *text, const struct ag_scope *scope)
{
    AG_AUTO(ag_expr) e = NULL;
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) v = NULL;
    int rc = ag_expr_compile(text, &e, &err);
    rc = rc < 0 ? rc : ag_expr_eval(e, scope, &v, &err);
    if (rc < 0) {
        FUZZ_CHECK(v == NULL && argo_error_code(err) == rc && argo_error_details(err)[0] != '\0');
        return;
    }
    ag_auto_free char *shown = ag_value_print(v, NULL);
    FUZZ_CHECK(shown != NULL);
}

static void fuzz_text(const char *text, const struct ag_scope *scope)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *out = NULL;
    int checked = ag_subst_check(text, check_path, NULL, NULL);
    int rc = ag_subst_text(text, scope, &out, &err);
    FUZZ_CHECK(checked == 0 || rc < 0);
    FUZZ_CHECK(rc < 0 ? argo_error_details(err)[0] != '\0' : ag_utf8_valid(out, strlen(out)));
    if (strchr(text, '{') == NULL && rc == 0) {
        FUZZ_CHECK(strcmp(text, out) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_auto_free char *text = malloc(size + 1);
    AG_AUTO(ag_value) vars = NULL;
    FUZZ_CHECK(text != NULL);
    FUZZ_CHECK(ag_value_parse(variables, strlen(variables), &vars, NULL) == 0);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct ag_scope scope = {.variables = vars};
    fuzz_condition(text, &scope);
    fuzz_text(text, &scope);
    return 0;
}
