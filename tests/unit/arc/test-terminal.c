/*
 * The sanitizer: hostile texts, whole and cut in two at every byte, and byte by byte.
 */
#include <string.h>

#include "lib/runner.h"
#include "terminal.h"

struct sample {
    const char *in;
    const char *out;
};

static const struct sample samples[] = {
    {"plain text\n\twith a tab", "plain text\n\twith a tab"},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    /* C0 and DEL */
    {"a\rb", "ab"},
    {"safe\r\nline", "safe\nline"},
    {"a\bb", "ab"},
    {"a\ab", "ab"},
    {"a\vb\fc", "abc"},
    {"a\x01\x02\x03\x04\x05\x06z", "az"},
    {"a\x0e\x0fz", "az"},
    {"a\x11\x13z", "az"},
    {"a\x18z", "az"},
    {"a\x7fz", "az"},
    {"a\x1c\x1d\x1e\x1fz", "az"},
    /* CSI */
    {"\x1b[31mred\x1b[0m", "red"},
    {"\x1b[38;2;1;2;3mrgb\x1b[m", "rgb"},
    {"\x1b[38:5:1mcolon", "colon"},
    {"a\x1b[2Jb", "ab"},
    {"a\x1b[Hb", "ab"},
    {"a\x1b[1;1Hb", "ab"},
    {"a\x1b[10Ab", "ab"},
    {"a\x1b[?1049hb", "ab"},
    {"a\x1b[?25lb", "ab"},
    {"a\x1b[?2004hb", "ab"},
    {"a\x1b[6nb", "ab"},
    {"a\x1b[cb", "ab"},
    {"a\x1b[>cb", "ab"},
    {"a\x1b[ qb", "ab"},
    {"a\x1b[!pb", "ab"},
    {"a\x1b[21tb", "ab"},
    {"a\x1b[3;1\x18z", "az"},
    {"a\x1b[3\x1b[31mz", "az"},
    {"a\x1b[3\nz", "a\nz"},
    {"a\x1b[3\xc3\xa4z", "a\xc3\xa4z"},
    {"a\x1b[3\rmz", "az"},
    {"a\x1b[", "a"},
    /* ESC and one letter, with intermediates */
    {"a\x1b"
     "cz",
     "az"},
    {"a\x1b"
     "7z\x1b"
     "8",
     "az"},
    {"a\x1b(0z", "az"},
    {"a\x1b#8z", "az"},
    {"a\x1b%Gz", "az"},
    {"a\x1b Fz", "az"},
    {"a\x1b=z\x1b>", "az"},
    {"a\x1bNz", "az"},
    {"a\x1b\x1b[31mz", "az"},
    {"a\x1b", "a"},
    {"a\x1b\nz", "a\nz"},
    {"a\x1b\xe2\x82\xacz", "a\xe2\x82\xacz"},
    /* OSC and the other strings */
    {"a\x1b]0;title\az", "az"},
    {"a\x1b]2;title\x1b\\z", "az"},
    {"a\x1b]52;c;aGVsbG8=\az", "az"},
    {"a\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\z", "alinkz"},
    {"a\x1b]0;t\xc3\xa4t\xc3\x9c\az", "az"},
    {"a\x1b]0;t\xc2\x9cz", "az"},
    {"a\x1b]0;open\nz", "a\nz"},
    {"a\x1b]0;x\x1b[31mz", "az"},
    {"a\x1b]0;x\x1az", "az"},
    {"a\x1bPq#0;2;0\x1b\\z", "az"},
    {"a\x1bP$q\"p\x1b\\z", "az"},
    {"a\x1bXsos\x1b\\z", "az"},
    {"a\x1b^pm\x1b\\z", "az"},
    {"a\x1b_apc\x1b\\z", "az"},
    {"a\x1b_Gf=100;AAAA\x1b\\z", "az"},
    /* C1 as UTF-8 */
    {"a\xc2\x80z", "az"},
    {"a\xc2\x85z", "az"},
    {"a\xc2\x9b"
     "31mz",
     "az"},
    {"a\xc2\x9d"
     "0;title\az",
     "az"},
    {"a\xc2\x90qdata\xc2\x9cz", "az"},
    {"a\xc2\x9f"
     "apc\x1b\\z",
     "az"},
    {"a\xc2\x9cz", "az"},
    {"a\xc2\xa0z", "a\xc2\xa0z"},
    /* bidirectional controls */
    {"a\xe2\x80\xaaz\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae", "az"},
    {"a\xe2\x81\xa6z\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "az"},
    {"a\xe2\x80\x8ez\xe2\x80\x8f", "az"},
    {"a\xd8\x9cz", "az"},
    {"a\xe2\x80\x8d\xe2\x80\xa9z", "a\xe2\x80\x8d\xe2\x80\xa9z"},
    {"a\xe2\x81\xa5\xe2\x81\xaaz", "a\xe2\x81\xa5\xe2\x81\xaaz"},
    /* invalid UTF-8 */
    {"a\x9bz", "a\xef\xbf\xbdz"},
    {"a\xffz", "a\xef\xbf\xbdz"},
    {"a\xc0\xafz", "a\xef\xbf\xbd\xef\xbf\xbdz"},
    {"a\xe2\x82z", "a\xef\xbf\xbdz"},
    {"a\xe2\x82", "a\xef\xbf\xbd"},
    {"a\xe2\x1b[31mz", "a\xef\xbf\xbdz"},
    {"a\xed\xa0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
    {"a\xf4\x90\x80\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
    {"a\xf0\x80z", "a\xef\xbf\xbd\xef\xbf\xbdz"},
    {"a\xe0\x9fz", "a\xef\xbf\xbd\xef\xbf\xbdz"},
    {"", ""},
};

enum { N_SAMPLES = sizeof(samples) / sizeof(samples[0]) };

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

static Suite *terminal_suite(void)
{
    Suite *s = suite_create("arc terminal");
    TCase *tc = tcase_create("sanitizer");
    tcase_add_loop_test(tc, test_cut_at_every_byte, 0, N_SAMPLES);
    tcase_add_loop_test(tc, test_byte_by_byte, 0, N_SAMPLES);
    tcase_add_loop_test(tc, test_every_byte_alone_is_harmless, 0, 256);
    tcase_add_test(tc, test_nul_is_dropped);
    tcase_add_test(tc, test_whole_text);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(terminal_suite)
