/*
 * Field tables: each type decoded at both sides of its limits, the error's path and text, what is
 * freed, and that encoding brings back what was decoded.
 */
#include <math.h>
#include <string.h>

#include "lib/runner.h"
#include "wire/json.h"
#include "wire/records.h"

struct item {
    char *kind;
    int64_t seq;
};

struct sample {
    char *text;
    char *id;
    int64_t n;
    double real;
    bool flag;
    ag_value *any;
    ag_value *object;
    ag_value *array;
    int64_t at;
    int64_t wait;
    int mode;
    struct ag_list_of items;
    struct ag_list_of single;
};

static const char *const modes[] = {"off", "slow", "fast", NULL};

static const struct ag_field item_fields[] = {
    {"kind", AG_FIELD_TEXT, offsetof(struct item, kind), AG_REQUIRED, 0, 4, NULL, NULL},
    {"seq", AG_FIELD_INT, offsetof(struct item, seq), AG_OMIT_EMPTY, 0, INT64_MAX, NULL, NULL},
};
static const struct ag_record item_record = {"item", sizeof(struct item), item_fields,
                                             AG_ARRAY_SIZE(item_fields)};

#define FIELD(key, type, member, min, max, words, sub)                          \
    {                                                                           \
        key, type, offsetof(struct sample, member), FLAGS, min, max, words, sub \
    }
#define FIELDS                                                                 \
    {                                                                          \
        FIELD("text", AG_FIELD_TEXT, text, 0, 5, NULL, NULL),                  \
            FIELD("id", AG_FIELD_ID, id, 0, 0, NULL, NULL),                    \
            FIELD("n", AG_FIELD_INT, n, 1, 9, NULL, NULL),                     \
            FIELD("real", AG_FIELD_REAL, real, -1, 2, NULL, NULL),             \
            FIELD("flag", AG_FIELD_BOOL, flag, 0, 0, NULL, NULL),              \
            FIELD("any", AG_FIELD_VALUE, any, 0, 8, NULL, NULL),               \
            FIELD("object", AG_FIELD_OBJECT, object, 0, 8, NULL, NULL),        \
            FIELD("array", AG_FIELD_ARRAY, array, 0, 2, NULL, NULL),           \
            FIELD("at", AG_FIELD_TIME, at, 0, 0, NULL, NULL),                  \
            FIELD("wait", AG_FIELD_DURATION, wait, 500, 60000, NULL, NULL),    \
            FIELD("mode", AG_FIELD_ENUM, mode, 0, 0, modes, NULL),             \
            FIELD("items", AG_FIELD_LIST, items, 0, 3, NULL, &item_record),    \
            FIELD("single", AG_FIELD_LIST, single, -1, 1, NULL, &item_record), \
    }

#define FLAGS 0
static const struct ag_field full_fields[] = FIELDS;
#undef FLAGS
#define FLAGS AG_OMIT_EMPTY
static const struct ag_field short_fields[] = FIELDS;
#undef FLAGS
#define FLAGS AG_REQUIRED
static const struct ag_field strict_fields[] = FIELDS;
#undef FLAGS

static const struct ag_record full_record = {"sample", sizeof(struct sample), full_fields,
                                             AG_ARRAY_SIZE(full_fields)};
static const struct ag_record short_record = {"sample", sizeof(struct sample), short_fields,
                                              AG_ARRAY_SIZE(short_fields)};
static const struct ag_record strict_record = {"sample", sizeof(struct sample), strict_fields,
                                               AG_ARRAY_SIZE(strict_fields)};

static ag_value *parse(const char *text)
{
    ag_value *v = NULL;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_value_parse(text, strlen(text), &v, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, argo_error_details(err));
    return v;
}

static int decode(const char *text, struct sample *out, argo_error **err)
{
    AG_AUTO(ag_value) v = parse(text);
    memset(out, 0xA5, sizeof(*out));
    return ag_record_decode(&full_record, v, out, err);
}

static void check_ok(const char *text)
{
    struct sample s;
    AG_AUTO(argo_error) err = NULL;
    int rc = decode(text, &s, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, argo_error_details(err));
    ag_record_clear(&full_record, &s);
}

static void check_refused(const char *text, int code, const char *field, const char *details)
{
    static const struct sample zero;
    struct sample s;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_msg(decode(text, &s, &err) == code, "%s: %d", text, argo_error_code(err));
    ck_assert_int_eq(argo_error_code(err), code);
    ck_assert_pstr_eq(argo_error_field(err), field);
    ck_assert_str_eq(argo_error_details(err), details);
    ck_assert_mem_eq(&s, &zero, sizeof(s));
    ck_assert_int_eq(decode(text, &s, NULL), code);
}

static const char everything[] =
    "{\"text\":\"hallo\",\"id\":\"a.b-1\",\"n\":9,\"real\":1.5,\"flag\":true,\"any\":[1,null],"
    "\"object\":{\"a\":1},\"array\":[1,2],\"at\":\"2026-01-31T12:00:00.250Z\",\"wait\":1.5,"
    "\"mode\":\"fast\",\"items\":[{\"kind\":\"a\",\"seq\":1},{\"kind\":\"b\"}],"
    "\"single\":{\"kind\":\"c\",\"seq\":7}}";

START_TEST(decodes_everything)
{
    struct sample s;
    ck_assert_int_eq(decode(everything, &s, NULL), 0);
    ck_assert_str_eq(s.text, "hallo");
    ck_assert_str_eq(s.id, "a.b-1");
    ck_assert_int_eq(s.n, 9);
    ck_assert_double_eq(s.real, 1.5);
    ck_assert(s.flag);
    ck_assert_uint_eq(ag_value_size(s.any), 2);
    ck_assert_int_eq(ag_value_get_int(s.object, "a", 0), 1);
    ck_assert_uint_eq(ag_value_size(s.array), 2);
    ck_assert_int_eq(s.at, 1769860800250);
    ck_assert_int_eq(s.wait, 1500);
    ck_assert_int_eq(s.mode, 2);
    ck_assert_uint_eq(s.items.n, 2);
    const struct item *items = s.items.items;
    ck_assert_str_eq(items[0].kind, "a");
    ck_assert_int_eq(items[0].seq, 1);
    ck_assert_str_eq(items[1].kind, "b");
    ck_assert_int_eq(items[1].seq, 0);
    ck_assert_uint_eq(s.single.n, 1);
    ck_assert_str_eq(((const struct item *)s.single.items)->kind, "c");

    AG_AUTO(ag_value) back = ag_record_encode(&short_record, &s);
    ag_auto_free char *text = ag_value_print(back, NULL);
    ck_assert_str_eq(text, everything);
    ag_record_clear(&full_record, &s);
    static const struct sample zero;
    ck_assert_mem_eq(&s, &zero, sizeof(s));
    ag_record_clear(&full_record, &s);
}
END_TEST

START_TEST(absent_null_and_unknown)
{
    static const struct sample zero;
    struct sample s;
    ck_assert_int_eq(decode("{}", &s, NULL), 0);
    ck_assert_mem_eq(&s, &zero, sizeof(s));
    ck_assert_int_eq(decode("{\"text\":null,\"n\":null,\"at\":null,\"items\":null,\"any\":null,"
                            "\"single\":null,\"future\":{\"x\":1}}",
                            &s, NULL),
                     0);
    ck_assert_mem_eq(&s, &zero, sizeof(s));
    ck_assert_int_eq(decode("{\"items\":[]}", &s, NULL), 0);
    ck_assert_mem_eq(&s, &zero, sizeof(s));
}
END_TEST

START_TEST(required)
{
    struct sample s;
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) v = parse(everything);
    ck_assert_int_eq(ag_record_decode(&strict_record, v, &s, NULL), 0);
    ag_record_clear(&strict_record, &s);
    AG_AUTO(ag_value) missing = parse("{\"text\":\"x\"}");
    ck_assert_int_eq(ag_record_decode(&strict_record, missing, &s, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_field(err), "id");
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "id: expected an id ("));
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), ", got nothing"));
    AG_AUTO(ag_value) null = parse("{\"text\":null}");
    ck_assert_int_eq(ag_record_decode(&strict_record, null, &s, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err), "text: expected text of at most 5 bytes, got null");
}
END_TEST

START_TEST(limits)
{
    check_ok("{\"text\":\"12345\"}");
    check_refused("{\"text\":\"123456\"}", ARGO_E_INVALID, "text",
                  "text: expected text of at most 5 bytes, got 6");
    check_ok("{\"n\":1}");
    check_ok("{\"n\":9}");
    check_ok("{\"n\":2.0}");
    check_refused("{\"n\":0}", ARGO_E_INVALID, "n", "n: expected integer from 1 to 9, got '0'");
    check_refused("{\"n\":10}", ARGO_E_INVALID, "n", "n: expected integer from 1 to 9, got '10'");
    check_refused("{\"n\":1.5}", ARGO_E_INVALID, "n", "n: expected integer from 1 to 9, got '1.5'");
    check_ok("{\"real\":-1}");
    check_ok("{\"real\":2.0}");
    check_refused("{\"real\":2.5}", ARGO_E_INVALID, "real",
                  "real: expected number from -1 to 2, got '2.5'");
    check_refused("{\"real\":-1.5}", ARGO_E_INVALID, "real",
                  "real: expected number from -1 to 2, got '-1.5'");
    check_ok("{\"any\":\"123456\"}");
    check_refused("{\"any\":\"1234567\"}", ARGO_E_INVALID, "any",
                  "any: expected a value of at most 8 bytes, got 9");
    check_ok("{\"object\":{\"ab\":1}}");
    check_refused("{\"object\":{\"abc\":1}}", ARGO_E_INVALID, "object",
                  "object: expected object of at most 8 bytes, got 9");
    check_refused("{\"array\":[1,2,3]}", ARGO_E_INVALID, "array",
                  "array: expected array of at most 2 elements, got 3");
    check_ok("{\"wait\":0.5}");
    check_ok("{\"wait\":60}");
    check_refused("{\"wait\":0.499}", ARGO_E_INVALID, "wait",
                  "wait: expected seconds from 0.5 to 60, got '0.499'");
    check_refused("{\"wait\":60.001}", ARGO_E_INVALID, "wait",
                  "wait: expected seconds from 0.5 to 60, got '60.001'");
    check_refused("{\"wait\":1e300}", ARGO_E_INVALID, "wait",
                  "wait: expected seconds from 0.5 to 60, got '1e300'");
    check_ok("{\"items\":[{\"kind\":\"a\"},{\"kind\":\"a\"},{\"kind\":\"a\"}]}");
    check_refused("{\"items\":[{},{},{},{}]}", ARGO_E_INVALID, "items",
                  "items: expected array of at most 3 elements, got 4");
}
END_TEST

START_TEST(types)
{
    check_refused("{\"text\":1}", ARGO_E_INVALID, "text",
                  "text: expected text of at most 5 bytes, got integer");
    check_refused("{\"n\":\"1\"}", ARGO_E_INVALID, "n",
                  "n: expected integer from 1 to 9, got text");
    check_refused("{\"real\":true}", ARGO_E_INVALID, "real",
                  "real: expected number from -1 to 2, got boolean");
    check_refused("{\"flag\":0}", ARGO_E_INVALID, "flag",
                  "flag: expected true or false, got integer");
    check_refused("{\"object\":[]}", ARGO_E_INVALID, "object",
                  "object: expected object of at most 8 bytes, got array");
    check_refused("{\"array\":{}}", ARGO_E_INVALID, "array",
                  "array: expected array of at most 2 elements, got object");
    check_refused("{\"at\":5}", ARGO_E_INVALID, "at",
                  "at: expected a time such as 2026-01-31T12:00:00Z, got integer");
    check_refused("{\"at\":\"soon\"}", ARGO_E_INVALID, "at",
                  "at: expected a time such as 2026-01-31T12:00:00Z, got 'soon'");
    check_refused("{\"wait\":\"5s\"}", ARGO_E_INVALID, "wait",
                  "wait: expected seconds from 0.5 to 60, got text");
    check_refused("{\"mode\":\"FAST\"}", ARGO_E_INVALID, "mode",
                  "mode: expected one of off, slow, fast, got 'FAST'");
    check_refused("{\"mode\":1}", ARGO_E_INVALID, "mode",
                  "mode: expected one of off, slow, fast, got integer");
    check_refused("[]", ARGO_E_INVALID, NULL, "sample: expected object, got array");
    check_refused("{\"id\":\"a/b\"}", ARGO_E_ID, "id",
                  "id: expected an id (1 to 64 letters, digits, '.', '_' or '-', no \"..\"), got "
                  "'a/b'");
    check_refused("{\"id\":7}", ARGO_E_INVALID, "id",
                  "id: expected an id (1 to 64 letters, digits, '.', '_' or '-', no \"..\"), got "
                  "integer");
}
END_TEST

START_TEST(lists_name_the_element)
{
    /* What was decoded before the failure is freed: the leak checker watches. */
    check_refused("{\"text\":\"x\",\"any\":[1],\"items\":[{\"kind\":\"a\"},{\"seq\":1}]}",
                  ARGO_E_INVALID, "items[1].kind",
                  "items[1].kind: expected text of at most 4 bytes, got nothing");
    check_refused("{\"items\":[{\"kind\":\"a\"},{\"kind\":\"a\"},{\"kind\":\"abcde\"}]}",
                  ARGO_E_INVALID, "items[2].kind",
                  "items[2].kind: expected text of at most 4 bytes, got 5");
    check_refused("{\"items\":[{\"kind\":\"a\",\"seq\":-1}]}", ARGO_E_INVALID, "items[0].seq",
                  "items[0].seq: expected integer of at least 0, got '-1'");
    check_refused("{\"items\":[\"x\"]}", ARGO_E_INVALID, "items[0]",
                  "items[0]: expected object, got text");
    check_refused("{\"items\":[null]}", ARGO_E_INVALID, "items[0]",
                  "items[0]: expected object, got null");
    check_refused("{\"items\":{}}", ARGO_E_INVALID, "items",
                  "items: expected array of at most 3 elements, got object");
}
END_TEST

START_TEST(single_is_an_object)
{
    check_ok("{\"single\":{\"kind\":\"a\"}}");
    check_refused("{\"single\":[{\"kind\":\"a\"}]}", ARGO_E_INVALID, "single",
                  "single: expected object, got array");
    check_refused("{\"single\":{\"kind\":1}}", ARGO_E_INVALID, "single.kind",
                  "single.kind: expected text of at most 4 bytes, got integer");
}
END_TEST

START_TEST(quotes_are_cut_at_characters)
{
    char text[300] = "{\"mode\":\"x";
    for (int i = 0; i < 60; i++) {
        strcat(text, "\xc3\xa4");
    }
    strcat(text, "\"}");
    struct sample s;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(decode(text, &s, &err), ARGO_E_INVALID);
    AG_AUTO(ag_value) printable = ag_value_text(argo_error_details(err));
    ck_assert_ptr_nonnull(printable);
    ck_assert_uint_eq(strlen(strstr(argo_error_details(err), "got ")), strlen("got 'x'") + 62);
}
END_TEST

/* Both ways of saying a record are one: here, byte for byte. */
static void check_written(const struct ag_record *record, const void *in)
{
    ag_auto_buf text = AG_BUF_INIT(1 << 20);
    AG_AUTO(ag_value) tree = ag_record_encode(record, in);
    ag_auto_free char *printed = ag_value_print(tree, NULL);
    ag_record_write(record, in, &text);
    ck_assert_int_eq(text.failed, 0);
    ck_assert_str_eq(ag_buf_text(&text), printed);
}

static void check_written_everywhere(const struct ag_record *record, const void *in)
{
    ag_auto_buf text = AG_BUF_INIT(1 << 20);
    ag_record_write(record, in, &text);
    ck_assert_int_eq(text.failed, 0);
    size_t whole = text.len;
    for (size_t max = 0; max < whole; max++) {
        ag_auto_buf cut = AG_BUF_INIT(max);
        ag_record_write(record, in, &cut);
        ck_assert_int_eq(cut.failed, ARGO_E_TOO_LARGE);
    }
}

START_TEST(writes_what_it_encodes)
{
    char all[300], dirty[] = "\"a\xff\\\xc3\xa4\xed\xa0\x80\x7f", plain[] = "a", empty[] = "";
    for (int i = 1; i < 256; i++) {
        all[i - 1] = (char)i;
    }
    all[255] = '\0';
    char *const texts[] = {NULL, empty, plain, dirty, all};
    static const int64_t numbers[] = {0, 1, -1, 9, 10, 1000, 1500, INT64_MAX, INT64_MIN};
    static const double reals[] = {0, 1, -0.5, 0.1, 1e300, 5e-324, 1.0 / 3, NAN, INFINITY};
    AG_AUTO(ag_value)
    deep = parse("{\"a\":[{},[],null,true,-1,0.5,\"\\u0001\\\"\xc3\xa4\"]}");
    struct item items[] = {{plain, 0}, {NULL, 7}, {dirty, INT64_MIN}};
    for (size_t i = 0; i < AG_ARRAY_SIZE(numbers); i++) {
        char *text = texts[i % AG_ARRAY_SIZE(texts)];
        struct sample s = {.text = text,
                           .id = text,
                           .n = numbers[i],
                           .real = reals[i],
                           .flag = i % 2 == 1,
                           .any = i % 3 == 0 ? NULL : deep,
                           .object = i % 2 == 0 ? NULL : deep,
                           .array = i % 3 == 1 ? NULL : deep,
                           .at = numbers[i],
                           .wait = numbers[i],
                           .mode = (int)(i % 3),
                           .items = {items, i % 4},
                           .single = {items, i % 2}};
        check_written(&full_record, &s);
        check_written(&short_record, &s);
        check_written_everywhere(&full_record, &s);
    }
}
END_TEST

/* Each member has the digits that it needs, whatever the others need. */
START_TEST(writes_short_numbers)
{
    ag_auto_buf out = AG_BUF_INIT(1000);
    AG_AUTO(ag_value) any = parse("0.30000000000000004");
    struct sample s = {.real = 0.1, .any = any, .wait = 9};
    ag_record_write(&short_record, &s, &out);
    ck_assert_str_eq(ag_buf_text(&out),
                     "{\"real\":0.1,\"any\":0.30000000000000004,\"wait\":0.009}");
}
END_TEST

/* Every record there is, with nothing in it. */
START_TEST(writes_every_record)
{
    static const struct ag_record *const records[] = {
        &ag_run_record,      &ag_run_status_record, &ag_run_item_record,      &ag_run_spec_record,
        &ag_step_row_record, &ag_checkpoint_record, &ag_stream_record_record, &ag_event_record,
        &ag_question_record, &ag_ci_record,         &ag_ci_event_record,      &ag_session_record,
        &ag_message_record,  &ag_ci_message_record, &ag_step_complete_record, &ag_health_record,
        &ag_build_record,    &ag_page_record,
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(records); i++) {
        ag_auto_free void *none = calloc(1, records[i]->size);
        check_written(records[i], none);
    }
}
END_TEST

START_TEST(writes_members_among_others)
{
    ag_auto_buf out = AG_BUF_INIT(1000);
    struct item item = {.seq = 3};
    AG_AUTO(ag_value) list = parse("[1,2]");
    ag_auto_buf none = AG_BUF_INIT(10);
    ag_auto_buf two = AG_BUF_INIT(10);
    ag_json_int(&two, 1);
    ag_json_bool(&two, false);
    ag_buf_add_text(&out, "data: ");
    ag_json_open(&out, '{');
    ag_json_key(&out, "first");
    ag_json_value(&out, list);
    ag_record_write_members(&item_record, &item, &out);
    ag_json_key(&out, "none");
    ag_json_open(&out, '[');
    ag_json_written(&out, &none);
    ag_json_close(&out, ']');
    ag_json_key(&out, "two");
    ag_json_open(&out, '[');
    ag_json_written(&out, &two);
    ag_json_value(&out, NULL);
    ag_json_open(&out, '{');
    ag_json_close(&out, '}');
    ag_json_text(&out, ",");
    ag_json_text(&out, "{");
    ag_json_text(&out, "[:");
    ag_json_close(&out, ']');
    ag_json_close(&out, '}');
    ck_assert_str_eq(ag_buf_text(&out),
                     "data: {\"first\":[1,2],\"kind\":null,\"seq\":3,\"none\":[],"
                     "\"two\":[1,false,null,{},\",\",\"{\",\"[:\"]}");
    ag_json_text(&none, "more than it may hold");
    ag_json_written(&out, &none);
    ck_assert_int_eq(out.failed, ARGO_E_TOO_LARGE);
}
END_TEST

START_TEST(encodes_empty)
{
    struct sample s = {0};
    AG_AUTO(ag_value) full = ag_record_encode(&full_record, &s);
    ag_auto_free char *text = ag_value_print(full, NULL);
    ck_assert_str_eq(text, "{\"text\":null,\"id\":null,\"n\":0,\"real\":0.0,\"flag\":false,"
                           "\"any\":null,\"object\":null,\"array\":null,\"at\":null,\"wait\":0,"
                           "\"mode\":\"off\",\"items\":[],\"single\":null}");
    AG_AUTO(ag_value) brief = ag_record_encode(&short_record, &s);
    ag_auto_free char *nothing = ag_value_print(brief, NULL);
    ck_assert_str_eq(nothing, "{}");
}
END_TEST

START_TEST(encodes_into)
{
    char dirty[] = "a\xff";
    struct sample s = {.text = dirty, .wait = 90000, .real = INFINITY};
    AG_AUTO(ag_value) object = ag_value_object();
    ck_assert_int_eq(ag_value_set(object, "first", ag_value_int(1)), 0);
    ck_assert_int_eq(ag_record_encode_into(&short_record, &s, object), 0);
    ag_auto_free char *text = ag_value_print(object, NULL);
    ck_assert_str_eq(text, "{\"first\":1,\"text\":\"a\xef\xbf\xbd\",\"real\":null,\"wait\":90}");
    AG_AUTO(ag_value) array = ag_value_array();
    ck_assert_int_eq(ag_record_encode_into(&short_record, &s, array), ARGO_E_INVALID);
}
END_TEST

START_TEST(durations_keep_milliseconds)
{
    static const struct ag_field fields[] = {
        {"d", AG_FIELD_DURATION, 0, 0, 0, 0, NULL, NULL},
    };
    static const struct ag_record record = {"wait", sizeof(int64_t), fields, 1};
    static const int64_t cases[] = {0, 1, 10, 999, 1001, 1500, 86400001, INT64_C(1) << 53};
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        int64_t back = -1;
        AG_AUTO(ag_value) v = ag_record_encode(&record, &cases[i]);
        ck_assert_int_eq(ag_record_decode(&record, v, &back, NULL), 0);
        ck_assert_int_eq(back, cases[i]);
    }
    int64_t ms = 100;
    AG_AUTO(ag_value) v = ag_record_encode(&record, &ms);
    ag_auto_free char *text = ag_value_print(v, NULL);
    ck_assert_str_eq(text, "{\"d\":0.1}");
    AG_AUTO(ag_value) negative = parse("{\"d\":-1}");
    AG_AUTO(ag_value) huge = parse("{\"d\":9007199254741.0}");
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_record_decode(&record, negative, &ms, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err), "d: expected seconds, got '-1'");
    ck_assert_int_eq(ag_record_decode(&record, huge, &ms, &err), ARGO_E_INVALID);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire-field");
    TCase *decoding = tcase_create("decode");
    tcase_add_test(decoding, decodes_everything);
    tcase_add_test(decoding, absent_null_and_unknown);
    tcase_add_test(decoding, required);
    tcase_add_test(decoding, limits);
    tcase_add_test(decoding, types);
    tcase_add_test(decoding, lists_name_the_element);
    tcase_add_test(decoding, single_is_an_object);
    tcase_add_test(decoding, quotes_are_cut_at_characters);
    suite_add_tcase(s, decoding);
    TCase *encoding = tcase_create("encode");
    tcase_add_test(encoding, writes_what_it_encodes);
    tcase_add_test(encoding, writes_short_numbers);
    tcase_add_test(encoding, writes_every_record);
    tcase_add_test(encoding, writes_members_among_others);
    tcase_add_test(encoding, encodes_empty);
    tcase_add_test(encoding, encodes_into);
    tcase_add_test(encoding, durations_keep_milliseconds);
    suite_add_tcase(s, encoding);
    return s;
}

ARGO_TEST_MAIN(suite)
