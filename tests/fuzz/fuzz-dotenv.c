/*
 * Fuzz target: files of settings. What is read can be written and is read again as the same; what is
 * not read says in which line.
 */
#include <string.h>

#include "base/buf.h"
#include "base/dotenv.h"
#include "base/text.h"
#include "fuzz/fuzz.h"

static int write_line(const char *key, const char *value, unsigned line, void *user,
                      argo_error **err)
{
    ag_auto_free char *quoted = ag_dotenv_quote(value);
    FUZZ_CHECK(quoted != NULL && line > 0 && *key != '\0');
    return ag_buf_printf(user, "%s=%s\n", key, quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_buf once = AG_BUF_INIT(4 * AG_DOTENV_MAX);
    ag_auto_buf twice = AG_BUF_INIT(4 * AG_DOTENV_MAX);
    ag_auto_free char *text =
        size > AG_DOTENV_MAX / 2 ? NULL : ag_strndup((const char *)data, size);
    if (text == NULL) {
        return 0;
    }
    if (ag_dotenv_parse("f", text, write_line, &once, &err) != 0) {
        FUZZ_CHECK(ag_starts_with(argo_error_details(err), "f:"));
        return 0;
    }
    FUZZ_CHECK(ag_dotenv_parse("f", ag_buf_text(&once), write_line, &twice, NULL) == 0);
    FUZZ_CHECK(strcmp(ag_buf_text(&once), ag_buf_text(&twice)) == 0);
    return 0;
}
