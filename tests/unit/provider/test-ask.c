/*
 * argo_ask: what it takes, what it gives, and that a caller may end it. The CI is a recording.
 */
#include <stdio.h>
#include <string.h>

#include <argo/ask.h>

#include "base/crypto.h"
#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

static const char asked[] =
    "{\"messages\":[{\"content\":\"Hi\",\"role\":\"user\"}],\"model\":\"m\"}";

struct heard {
    char text[256];
    char label[64];
    int calls, end_at;
};

static int on_text(void *user, const char *text, size_t len, const char *label)
{
    struct heard *h = user;
    ck_assert_uint_eq(strlen(text), len);
    strncat(h->text, text, sizeof(h->text) - strlen(h->text) - 1);
    snprintf(h->label, sizeof(h->label), "%s", label != NULL ? label : "");
    return ++h->calls == h->end_at;
}

static argo_value *parse(const char *text)
{
    argo_value *value = NULL;
    ck_assert_int_eq(argo_value_parse(text, strlen(text), &value, NULL), 0);
    return value;
}

static argo_value *recorded(void)
{
    char hash[AG_SHA256_HEX];
    ag_sha256_hex(asked, strlen(asked), hash);
    ag_auto_free char *name = ag_asprintf("rec/%s.json", hash);
    fixture_file("rec/recording.json", "{\"label\":\"scripted\"}", 0600);
    fixture_file(name, "{\"reply\":{\"chunks\":[\"Hel\",\"lo\"],\"usage\":{\"input_tokens\":3}}}",
                 0600);
    ag_auto_free char *ci = ag_asprintf("{\"name\":\"r\",\"provider\":\"replay\",\"model\":\"m\","
                                        "\"recording\":\"%s\",\"something\":\"newer\"}",
                                        fixture_path("rec"));
    return parse(ci);
}

START_TEST(asks)
{
    struct heard h = {0};
    argo_value *ci = recorded();
    argo_value *request = parse("{\"prompt\":\"Hi\"}");
    argo_value *reply = NULL;
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, request, 0, on_text, &h, &reply, NULL), 0);
    ck_assert_str_eq(argo_value_text(reply, "text", ""), "[scripted]\nHello");
    ck_assert_str_eq(argo_value_text(reply, "label", ""), "scripted");
    ck_assert_int_eq(argo_value_int(argo_value_get(reply, "usage"), "input_tokens", 0), 3);
    ck_assert_str_eq(h.text, "[scripted]\nHello");
    ck_assert_str_eq(h.label, "scripted");
    argo_value_free(reply);
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, request, 0, NULL, NULL, &reply, NULL), 0);
    argo_value_free(reply);
    argo_value_free(request);
    argo_value_free(ci);
}
END_TEST

START_TEST(the_caller_ends_it)
{
    struct heard h = {.end_at = 2};
    AG_AUTO(argo_error) err = NULL;
    argo_value *ci = recorded();
    argo_value *request = parse("{\"prompt\":\"Hi\"}");
    argo_value *reply = NULL;
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, request, 0, on_text, &h, &reply, &err),
                     ARGO_E_CANCELLED);
    ck_assert_ptr_null(reply);
    ck_assert_int_eq(h.calls, 2);
    argo_value_free(request);
    argo_value_free(ci);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    AG_AUTO(argo_error) err = NULL;
    argo_value *ci = recorded();
    argo_value *good = parse("{\"prompt\":\"another\"}");
    argo_value *empty = parse("{\"prompt\":\"\"}");
    argo_value *odd = parse("{\"name\":\"x\",\"provider\":\"opena\"}");
    argo_value *text = parse("\"x\"");
    argo_value *reply = NULL;
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, good, 0, NULL, NULL, &reply, &err),
                     ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "no recorded reply"));
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, empty, 0, NULL, NULL, &reply, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_ask(env.ctx, ci, NULL, good, -1, NULL, NULL, &reply, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_ask(NULL, ci, NULL, good, 0, NULL, NULL, &reply, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_ask(env.ctx, NULL, NULL, good, 0, NULL, NULL, &reply, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_ask(env.ctx, text, NULL, good, 0, NULL, NULL, &reply, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_ask_check(ci, NULL), 0);
    ck_assert_int_eq(argo_ask_check(odd, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_field(err), "provider");
    ck_assert_int_eq(argo_ask_check(NULL, NULL), ARGO_E_INVALID);
    argo_value_free(ci);
    argo_value_free(good);
    argo_value_free(empty);
    argo_value_free(odd);
    argo_value_free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ask");
    TCase *tc = tcase_create("ask");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, asks);
    tcase_add_test(tc, the_caller_ends_it);
    tcase_add_test(tc, what_is_wrong_is_said);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
