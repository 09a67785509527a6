/*
 * The JSON Schema test suite (Debian: json-schema-test-suite), draft 7, the newest that it has:
 * every file of it is named here or run as a whole. A case has the outcome that the suite says, or
 * its schema is refused for the word that is named here; nothing is passed over.
 *
 * Draft 2020-12 has the same words, but for tuples: groups of those are run as they would be
 * written in it.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/runner.h"
#include "template/schema.h"

#define SUITE    "/usr/share/json-schema-test-suite/tests/draft7"
#define PACKAGE  "json-schema-test-suite"
#define ANY      "*"
#define MAX_FILE (1024 * 1024)

/* Schemas that are refused: file, group, and the word that is to blame. A file whose text has
 * integers beyond 64 bits cannot be read at all. */
static const struct {
    const char *file, *group, *word;
} refused[] = {
    {"additionalProperties.json",
     "additionalProperties being false does not allow other properties", "patternProperties"},
    {"additionalProperties.json", "non-ASCII pattern with additionalProperties",
     "patternProperties"},
    {"contains.json", ANY, "contains"},
    {"definitions.json", ANY, "$ref"},
    {"dependencies.json", ANY, "dependencies"},
    {"if-then-else.json", "ignore if without then or else", "if"},
    {"if-then-else.json", "ignore then without if", "then"},
    {"if-then-else.json", "ignore else without if", "else"},
    {"if-then-else.json", ANY, "if"},
    {"patternProperties.json", ANY, "patternProperties"},
    {"properties.json", "properties, patternProperties, additionalProperties interaction",
     "patternProperties"},
    {"propertyNames.json", ANY, "propertyNames"},
    {"ref.json", "root pointer ref", "$ref"},
    {"ref.json", "relative pointer ref to object", "$ref"},
    {"ref.json", "relative pointer ref to array", "$ref"},
    {"ref.json", "escaped pointer ref", "tilda~field"},
    {"ref.json", "nested refs", "definitions"},
    {"ref.json", "ref overrides any sibling keywords", "definitions"},
    {"ref.json", "remote ref, containing refs itself", "$ref"},
    {"ref.json", "$ref to boolean schema true", "$ref"},
    {"ref.json", "$ref to boolean schema false", "$ref"},
    {"ref.json", "Recursive references between schemas", "$id"},
    {"refRemote.json", "remote ref", "$ref"},
    {"refRemote.json", "fragment within remote ref", "$ref"},
    {"refRemote.json", "ref within remote ref", "$ref"},
    {"refRemote.json", ANY, "$id"},
    {"optional/content.json", "validation of binary string-encoding", "contentEncoding"},
    {"optional/content.json", ANY, "contentMediaType"},
    {"optional/ecmascript-regex.json", ANY, "format"},
    {"optional/format/hostname.json", ANY, "format"},
    {"optional/format/idn-email.json", ANY, "format"},
    {"optional/format/idn-hostname.json", ANY, "format"},
    {"optional/format/ipv4.json", ANY, "format"},
    {"optional/format/ipv6.json", ANY, "format"},
    {"optional/format/iri.json", ANY, "format"},
    {"optional/format/iri-reference.json", ANY, "format"},
    {"optional/format/json-pointer.json", ANY, "format"},
    {"optional/format/regex.json", ANY, "format"},
    {"optional/format/relative-json-pointer.json", ANY, "format"},
    {"optional/format/time.json", ANY, "format"},
    {"optional/format/uri-reference.json", ANY, "format"},
    {"optional/format/uri-template.json", ANY, "format"},
};

static const char *const unreadable[] = {"optional/bignum.json"};

static size_t cases, groups, files;
static bool used[AG_ARRAY_SIZE(refused)];

/* The word that FILE's GROUP is refused for, or NULL. */
static const char *refusal(const char *file, const char *group)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(refused); i++) {
        if (strcmp(refused[i].file, file) == 0 &&
            (strcmp(refused[i].group, ANY) == 0 || strcmp(refused[i].group, group) == 0)) {
            used[i] = true;
            return refused[i].word;
        }
    }
    return NULL;
}

/* ---- tuples -------------------------------------------------------------------------------- */

/* `items` with a list is `prefixItems` in 2020-12, and `additionalItems` beside it `items`. */
static ag_value *translated(const ag_value *v)
{
    bool tuple = ag_value_is(ag_value_get(v, "items"), ARGO_TYPE_ARRAY);
    struct ag_value_iter it = {0};
    ag_value *out = NULL;
    if (ag_value_is(v, ARGO_TYPE_ARRAY)) {
        out = ag_value_array();
        while (ag_value_next(v, &it)) {
            ck_assert_int_eq(ag_value_append(out, translated(it.value)), 0);
        }
    } else if (ag_value_is(v, ARGO_TYPE_OBJECT)) {
        out = ag_value_object();
        while (ag_value_next(v, &it)) {
            const char *key = it.key;
            if (strcmp(key, "additionalItems") == 0) {
                if (!tuple) {
                    continue; /* it means nothing then */
                }
                key = "items";
            } else if (tuple && strcmp(key, "items") == 0) {
                key = "prefixItems";
            }
            ck_assert_int_eq(ag_value_set(out, key, translated(it.value)), 0);
        }
    } else {
        out = ag_value_ref(v);
    }
    ck_assert_ptr_nonnull(out);
    return out;
}

/* ---- running ------------------------------------------------------------------------------- */

static void run_case(const char *file, const char *group, const ag_value *schema,
                     const ag_value *one)
{
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_schema_validate(schema, "value", ag_value_get(one, "data"), false, &err);
    ck_assert_msg(rc == 0 || rc == ARGO_E_ANSWER, "%s: %s: %d", file, group, rc);
    ck_assert_msg((rc == 0) == ag_value_get_bool(one, "valid", false), "%s: %s: %s: %s", file,
                  group, ag_value_get_text(one, "description", ""),
                  rc == 0 ? "is taken" : argo_error_details(err));
    ck_assert(rc == 0 || argo_error_problem_count(err) > 0);
    cases++;
}

static void run_refused(const char *file, const char *group, const ag_value *schema,
                        const char *word)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *quoted = ag_asprintf("unknown word '%s'", word);
    bool named = false;
    ck_assert_msg(ag_schema_check("schema", schema, &err) == ARGO_E_INVALID, "%s: %s: is taken",
                  file, group);
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        named = named || strcmp(p->message, quoted) == 0 ||
                (strcmp(word, "format") == 0 && strstr(p->message, "no format") != NULL);
    }
    ck_assert_msg(named, "%s: %s: %s", file, group, argo_error_details(err));
    groups++;
}

static void run_group(const char *file, const ag_value *group)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) schema = translated(ag_value_get(group, "schema"));
    const char *name = ag_value_get_text(group, "description", "");
    const char *word = refusal(file, name);
    struct ag_value_iter it = {0};
    if (word != NULL) {
        run_refused(file, name, schema, word);
        return;
    }
    ck_assert_msg(ag_schema_check("schema", schema, &err) == 0, "%s: %s: %s", file, name,
                  argo_error_details(err));
    while (ag_value_next(ag_value_get(group, "tests"), &it)) {
        run_case(file, name, schema, it.value);
    }
}

static bool is_unreadable(const char *file)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(unreadable); i++) {
        if (strcmp(unreadable[i], file) == 0) {
            return true;
        }
    }
    return false;
}

static void run_file(const char *file)
{
    ag_auto_free char *path = ag_asprintf("%s/%s", SUITE, file);
    ag_auto_free char *text = NULL;
    AG_AUTO(ag_value) list = NULL;
    AG_AUTO(argo_error) err = NULL;
    struct ag_value_iter it = {0};
    size_t len = 0;
    ck_assert_int_eq(ag_file_read(path, MAX_FILE, &text, &len, NULL), 0);
    int rc = ag_value_parse(text, len, &list, &err);
    files++;
    if (is_unreadable(file)) {
        ck_assert_int_eq(rc, ARGO_E_JSON);
        return;
    }
    ck_assert_msg(rc == 0, "%s: %s", file, argo_error_details(err));
    while (ag_value_next(list, &it)) {
        run_group(file, it.value);
    }
}

static void run_directory(const char *below)
{
    ag_auto_free char *path = ag_asprintf("%s/%s", SUITE, below);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        ag_auto_free char *name =
            ag_asprintf("%s%s%s", below, below[0] != '\0' ? "/" : "", entry->d_name);
        size_t len = strlen(name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (len > 5 && strcmp(name + len - 5, ".json") == 0) {
            run_file(name);
        } else {
            run_directory(name);
        }
    }
    closedir(dir);
}

START_TEST(every_file)
{
    run_directory("");
    for (size_t i = 0; i < AG_ARRAY_SIZE(refused); i++) {
        ck_assert_msg(used[i], "%s: %s: is not there", refused[i].file, refused[i].group);
    }
    printf("%zu files: %zu cases as they should be, %zu schemas refused\n", files, cases, groups);
    ck_assert_uint_ge(files, 56);
    ck_assert_uint_ge(cases, 313);
    ck_assert_uint_ge(groups, 62);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-schema-suite");
    TCase *tc = tcase_create("suite");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_file);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    struct stat st;
    if (stat(SUITE, &st) != 0) {
        puts("skipped: the package " PACKAGE " is not installed");
        return 77;
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
