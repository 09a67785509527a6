/*
 * Hashes against published vectors; randomness by its shape.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "lib/runner.h"

#define SHA256_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST(sha256_vectors)
{
    char hex[AG_SHA256_HEX];
    ag_sha256_hex("abc", 3, hex);
    ck_assert_str_eq(hex, SHA256_ABC);
    ag_sha256_hex("", 0, hex);
    ck_assert_str_eq(hex, SHA256_EMPTY);
}
END_TEST

START_TEST(sha256_of_a_file_leaves_the_offset)
{
    char hex[AG_SHA256_HEX];
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    fputs("abc", f);
    fflush(f);
    ck_assert_int_eq(lseek(fileno(f), 1, SEEK_SET), 1);
    ck_assert_int_eq(ag_sha256_fd(fileno(f), hex, NULL), 0);
    ck_assert_str_eq(hex, SHA256_ABC);
    ck_assert_int_eq(lseek(fileno(f), 0, SEEK_CUR), 1);

    /* Larger than one chunk. */
    char big[100000];
    char expected[AG_SHA256_HEX];
    memset(big, 'q', sizeof(big));
    ck_assert_int_eq(pwrite(fileno(f), big, sizeof(big), 0), (ssize_t)sizeof(big));
    ag_sha256_hex(big, sizeof(big), expected);
    ck_assert_int_eq(ag_sha256_fd(fileno(f), hex, NULL), 0);
    ck_assert_str_eq(hex, expected);
    fclose(f);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_sha256_fd(-1, hex, &err), ARGO_E_SYSTEM);
}
END_TEST

START_TEST(hmac_vector)
{
    /* RFC 4231, test case 2. */
    char hex[AG_SHA256_HEX];
    ag_hmac_sha256_hex("Jefe", "what do ya want for nothing?", hex);
    ck_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

START_TEST(random_hex_has_its_length)
{
    char a[42];
    char b[42];
    memset(a, '!', sizeof(a));
    ck_assert_int_eq(ag_random_hex(a, 40, NULL), 0);
    ck_assert_int_eq(ag_random_hex(b, 40, NULL), 0);
    ck_assert_uint_eq(strlen(a), 40);
    ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 40);
    ck_assert_int_eq(a[41], '!');
    ck_assert_str_ne(a, b);
    ck_assert_int_eq(ag_random_hex(a, 0, NULL), 0);
    ck_assert_str_eq(a, "");
}
END_TEST

START_TEST(random_fills_large_areas)
{
    static unsigned char area[100000];
    size_t zeros = 0;
    ck_assert_int_eq(ag_random(area, sizeof(area), NULL), 0);
    for (size_t i = 0; i < sizeof(area); i++) {
        zeros += area[i] == 0 ? 1 : 0;
    }
    ck_assert_uint_lt(zeros, 2000); /* 390 are expected */
    ck_assert_uint_gt(zeros, 1);
}
END_TEST

START_TEST(uuid_is_version_4)
{
    for (int i = 0; i < 100; i++) {
        char u[AG_UUID_SIZE];
        ck_assert_int_eq(ag_uuid(u, NULL), 0);
        ck_assert_uint_eq(strlen(u), 36);
        ck_assert_int_eq(u[8], '-');
        ck_assert_int_eq(u[13], '-');
        ck_assert_int_eq(u[14], '4');
        ck_assert_int_eq(u[18], '-');
        ck_assert_ptr_nonnull(strchr("89ab", u[19]));
        ck_assert_int_eq(u[23], '-');
        ck_assert_uint_eq(strspn(u, "0123456789abcdef-"), 36);
    }
}
END_TEST

START_TEST(constant_time_comparison)
{
    ck_assert(ag_equal_constant_time("", ""));
    ck_assert(ag_equal_constant_time("token", "token"));
    ck_assert(!ag_equal_constant_time("token", "tokem"));
    ck_assert(!ag_equal_constant_time("token", "toke"));
    ck_assert(!ag_equal_constant_time("toke", "token"));
}
END_TEST

static Suite *crypto_suite(void)
{
    Suite *s = suite_create("crypto");
    TCase *tc = tcase_create("crypto");
    tcase_add_test(tc, sha256_vectors);
    tcase_add_test(tc, sha256_of_a_file_leaves_the_offset);
    tcase_add_test(tc, hmac_vector);
    tcase_add_test(tc, random_hex_has_its_length);
    tcase_add_test(tc, random_fills_large_areas);
    tcase_add_test(tc, uuid_is_version_4);
    tcase_add_test(tc, constant_time_comparison);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(crypto_suite)
