/*
 * Hashes by nettle, randomness from the kernel. Nothing else in the project hashes or draws
 * random bytes.
 */
#include "base/crypto.h"

#include <assert.h>
#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#define READ_CHUNK 65536

static const char hex_digit[] = "0123456789abcdef";

static void to_hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digit[bytes[i] >> 4];
        out[2 * i + 1] = hex_digit[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static void finish_sha256(struct sha256_ctx *ctx, char out[AG_SHA256_HEX])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(ctx, sizeof(digest), digest);
    to_hex(digest, sizeof(digest), out);
}

void ag_sha256_hex(const void *data, size_t len, char out[AG_SHA256_HEX])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    finish_sha256(&ctx, out);
}

int ag_sha256_fd(int fd, char out[AG_SHA256_HEX], argo_error **err)
{
    struct sha256_ctx ctx;
    ag_auto_free uint8_t *chunk = malloc(READ_CHUNK);
    if (chunk == NULL) {
        return ag_error_nomem(err);
    }
    sha256_init(&ctx);
    for (off_t offset = 0;;) {
        ssize_t n = pread(fd, chunk, READ_CHUNK, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ag_error_errno(err, errno, "read the file to hash");
        }
        if (n == 0) {
            break;
        }
        sha256_update(&ctx, (size_t)n, chunk);
        offset += n;
    }
    finish_sha256(&ctx, out);
    return 0;
}

void ag_hmac_sha256_hex(const char *key, const char *text, char out[AG_SHA256_HEX])
{
    struct hmac_sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    hmac_sha256_set_key(&ctx, strlen(key), (const uint8_t *)key);
    hmac_sha256_update(&ctx, strlen(text), (const uint8_t *)text);
    hmac_sha256_digest(&ctx, sizeof(digest), digest);
    to_hex(digest, sizeof(digest), out);
    explicit_bzero(&ctx, sizeof(ctx));
}

int ag_random(void *out, size_t len, argo_error **err)
{
    uint8_t *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ag_error_errno(err, errno, "get random bytes");
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int ag_random_hex(char *out, size_t hex_digits, argo_error **err)
{
    int rc = ag_random(out, hex_digits, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < hex_digits; i++) {
        out[i] = hex_digit[(uint8_t)out[i] & 15];
    }
    out[hex_digits] = '\0';
    return 0;
}

int ag_uuid(char out[AG_UUID_SIZE], argo_error **err)
{
    static const char pattern[] = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx"; /* RFC 9562, version 4 */
    char uuid[AG_UUID_SIZE];
    static_assert(sizeof(pattern) == AG_UUID_SIZE, "a UUID has 36 characters");
    int rc = ag_random_hex(uuid, AG_UUID_SIZE - 1, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < AG_UUID_SIZE - 1; i++) {
        if (pattern[i] == 'v') {
            uuid[i] = hex_digit[8 + ((uint8_t)uuid[i] & 3)]; /* the variant: 8, 9, a or b */
        } else if (pattern[i] != 'x') {
            uuid[i] = pattern[i];
        }
    }
    memcpy(out, uuid, sizeof(uuid));
    return 0;
}

bool ag_equal_constant_time(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strlen(b) == len && memeql_sec(a, b, len) != 0; /* only the length is no secret */
}
