/*
 * The sanitizer: the hostile texts of sequences.txt, whole, cut in two at every byte, byte by byte.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "terminal.h"

enum { SAMPLES_MAX = 256, TEXT_MAX = 256 };

struct sample {
    char in[TEXT_MAX];
    char out[TEXT_MAX];
};

static struct sample samples[SAMPLES_MAX];
static int n_samples;

static void decode(const char *text, char *out)
{
    unsigned byte = 0;
    for (size_t n = 0; *text != '\0' && n + 1 < TEXT_MAX; n++) {
        bool escaped = sscanf(text, "\\x%2x", &byte) == 1;
        out[n] = escaped ? (char)byte : *text;
        text += escaped ? 4 : 1;
    }
}

/* Before the tests are counted; SEQUENCES is the file's path. */
static void read_samples(void)
{
    char line[4 * TEXT_MAX];
    FILE *file = fopen(SEQUENCES, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL && n_samples < SAMPLES_MAX) {
        char *out = strchr(line, '\t');
        if (line[0] != '#' && out != NULL) {
            *out++ = '\0';
            out[strcspn(out, "\n")] = '\0';
            decode(line, samples[n_samples].in);
            decode(out, samples[n_samples++].out);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void check_cut(const struct sample *sample, size_t cut)
{
    char out[512];
    size_t len = strlen(sample->in);
    struct arc_clean clean = {0};
    size_t n = arc_clean_feed(&clean, sample->in, cut, out);
    ck_assert_uint_le(n, ARC_CLEAN_SIZE(cut));
    n += arc_clean_feed(&clean, sample->in + cut, len - cut, out + n);
    n += arc_clean_finish(&clean, out + n);
    out[n] = '\0';
    ck_assert_msg(strcmp(out, sample->out) == 0, "cut at %zu of '%s': got '%s'", cut, sample->out,
                  out);
}

START_TEST(test_cut_at_every_byte)
{
    const struct sample *sample = &samples[_i];
    for (size_t cut = 0; cut <= strlen(sample->in); cut++) {
        check_cut(sample, cut);
    }
}
END_TEST

START_TEST(test_byte_by_byte)
{
    const struct sample *sample = &samples[_i];
    char out[512];
    size_t n = 0;
    struct arc_clean clean = {0};
    for (const char *p = sample->in; *p != '\0'; p++) {
        n += arc_clean_feed(&clean, p, 1, out + n);
    }
    n += arc_clean_finish(&clean, out + n);
    out[n] = '\0';
    ck_assert_str_eq(out, sample->out);
}
END_TEST

START_TEST(test_every_byte_alone_is_harmless)
{
    char out[16];
    char c = (char)_i;
    struct arc_clean clean = {0};
    size_t n = arc_clean_feed(&clean, &c, 1, out);
    n += arc_clean_finish(&clean, out + n);
    for (size_t i = 0; i < n; i++) {
        unsigned char o = (unsigned char)out[i];
        ck_assert(o == '\n' || o == '\t' || (o >= 0x20 && o != 0x7f));
    }
    ck_assert_int_eq((int)n, _i >= 0x80                                              ? 3
                             : _i == '\n' || _i == '\t' || (_i >= 0x20 && _i < 0x7f) ? 1
                                                                                     : 0);
}
END_TEST

START_TEST(test_nul_is_dropped)
{
    char out[32];
    struct arc_clean clean = {0};
    size_t n = arc_clean_feed(&clean, "a\0b", 3, out);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(memcmp(out, "ab", 2), 0);
}
END_TEST

START_TEST(test_whole_text)
{
    char *text = arc_clean_text("a\nb\t\x1b[31mc\xe2\x82", 0);
    ck_assert_str_eq(text, "a\nb\tc\xef\xbf\xbd");
    free(text);
    text = arc_clean_text("a\nb\tc", 1);
    ck_assert_str_eq(text, "a b c");
    free(text);
    text = arc_clean_text(NULL, 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(test_there_are_many)
{
    ck_assert_int_ge(n_samples, 120);
}
END_TEST

static Suite *terminal_suite(void)
{
    read_samples();
    Suite *s = suite_create("arc terminal");
    TCase *tc = tcase_create("sanitizer");
    tcase_add_test(tc, test_there_are_many);
    tcase_add_loop_test(tc, test_cut_at_every_byte, 0, n_samples);
    tcase_add_loop_test(tc, test_byte_by_byte, 0, n_samples);
    tcase_add_loop_test(tc, test_every_byte_alone_is_harmless, 0, 256);
    tcase_add_test(tc, test_nul_is_dropped);
    tcase_add_test(tc, test_whole_text);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(terminal_suite)
