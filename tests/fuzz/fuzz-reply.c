/*
 * Fuzz target: what a server says. Streamed (Server-Sent Events) and whole, in both dialects. What is
 * handed on must be what is kept, the same however the bytes are cut, and valid UTF-8.
 */
#include <string.h>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "provider/reply.h"
#include "provider/sse.h"

/* Feeds the bytes in pieces of STEP; *SHOWN gets what would be shown. The code of the first failure. */
static int stream(const struct ag_dialect *dialect, const ag_value *request, const char *data,
                  size_t size, size_t step, struct ag_reply *r, struct ag_buf *shown)
{
    struct ag_sse sse;
    AG_AUTO(argo_error) err = NULL;
    int rc = 0;
    ag_sse_init(&sse);
    ag_reply_init(r, dialect, request);
    for (size_t at = 0; rc >= 0 && at < size; at += step) {
        const char *event;
        size_t len;
        rc = ag_sse_feed(&sse, data + at, size - at < step ? size - at : step, &err);
        while (rc >= 0 && (rc = ag_sse_next(&sse, &event, &len, &err)) == 1) {
            const char *text = NULL;
            rc = ag_reply_event(r, event, len, &text, &err);
            if (rc == 0 && text != NULL) {
                ag_buf_add_text(shown, text);
            }
        }
    }
    rc = rc < 0 ? rc : ag_reply_finish(r, &err);
    FUZZ_CHECK(rc >= 0 || argo_error_details(err)[0] != '\0');
    ag_sse_free(&sse);
    return rc;
}

static void check(const struct ag_dialect *dialect, const ag_value *request, const char *data,
                  size_t size)
{
    struct ag_reply r[2];
    struct ag_buf shown[2] = {AG_BUF_INIT(SIZE_MAX), AG_BUF_INIT(SIZE_MAX)};
    int all = stream(dialect, request, data, size, size + 1, &r[0], &shown[0]);
    int one = stream(dialect, request, data, size, 1, &r[1], &shown[1]);
    FUZZ_CHECK(all == one);
    FUZZ_CHECK(strcmp(ag_buf_text(&shown[0]), ag_buf_text(&shown[1])) == 0);
    FUZZ_CHECK(strcmp(ag_buf_text(&r[0].text), ag_buf_text(&r[1].text)) == 0);
    FUZZ_CHECK(r[0].finished == r[1].finished);
    FUZZ_CHECK(ag_utf8_valid(ag_buf_text(&r[0].text), r[0].text.len));
    FUZZ_CHECK(r[0].whole ? shown[0].len == 0
                          : strcmp(ag_buf_text(&shown[0]), ag_buf_text(&r[0].text)) == 0);
    AG_AUTO(ag_value) usage = ag_reply_usage(&r[0], request);
    FUZZ_CHECK(usage != NULL);
    for (int i = 0; i < 2; i++) {
        ag_reply_free(&r[i]);
        ag_buf_free(&shown[i]);
    }
    ag_reply_init(&r[0], dialect, request);
    if (ag_reply_read(&r[0], data, size, NULL) == 0 && ag_reply_finish(&r[0], NULL) == 0) {
        FUZZ_CHECK(ag_utf8_valid(ag_buf_text(&r[0].text), r[0].text.len));
    }
    ag_reply_free(&r[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char asked[] = "{\"model\":\"m\",\"schema\":{\"type\":\"array\"}}";
    AG_AUTO(ag_value) request = NULL;
    ag_auto_free char *text = malloc(size + 1); /* a reply ends in a NUL, as http/ hands it on */
    FUZZ_CHECK(text != NULL && ag_value_parse(asked, strlen(asked), &request, NULL) == 0);
    memcpy(text, data, size);
    text[size] = '\0';
    check(&ag_dialect_chat, request, text, size);
    check(&ag_dialect_messages, request, text, size);
    AG_AUTO(ag_value) plain = ag_value_object();
    check(&ag_dialect_messages, plain, text, size);
    ag_auto_free char *words = ag_error_words(text, size);
    FUZZ_CHECK(words != NULL);
    return 0;
}
