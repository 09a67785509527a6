/*
 * Hashes (nettle) and randomness.
 */
#ifndef AG_BASE_CRYPTO_H
#define AG_BASE_CRYPTO_H

#include "base/error.h"

#define AG_SHA256_HEX 65
#define AG_UUID_SIZE  37

void ag_sha256_hex(const void *data, size_t len, char out[AG_SHA256_HEX]);
/* SHA-256 of a file's content, read from FD at offset 0; the offset is left as it was. */
int ag_sha256_fd(int fd, char out[AG_SHA256_HEX], argo_error **err);
void ag_hmac_sha256_hex(const char *key, const char *text, char out[AG_SHA256_HEX]);
int ag_random(void *out, size_t len, argo_error **err);
int ag_random_hex(char *out, size_t hex_digits, argo_error **err); /* writes a NUL too */
int ag_uuid(char out[AG_UUID_SIZE], argo_error **err);
bool ag_equal_constant_time(const char *a, const char *b);

#endif
