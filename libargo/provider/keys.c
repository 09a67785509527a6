/*
 * Keys of CIs: HOME/keys/NAME, a private file. A key is never logged, never part of an error, and
 * wiped when it has been used.
 */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "provider/internal.h"

#define KEY_MAX    8192
#define MIN_SECRET 8 /* shorter ones are cut out of nothing: they could be any word */

void ag_key_free(char *key)
{
    if (key != NULL) {
        explicit_bzero(key, strlen(key));
        free(key);
    }
}

/* Without the white space around it; a key goes into a header, so it is one line of ASCII. */
static int trim(char *key, const char *path, argo_error **err)
{
    size_t start = strspn(key, " \t\r\n");
    size_t len = strlen(key + start);
    while (len > 0 && strchr(" \t\r\n", key[start + len - 1]) != NULL) {
        len--;
    }
    memmove(key, key + start, len);
    explicit_bzero(key + len, strlen(key + len));
    if (len == 0) {
        return ag_error_set(err, ARGO_E_NO_KEY, "%s is empty; put the key there", path);
    }
    for (size_t i = 0; i < len; i++) {
        if (key[i] <= 0x20 || key[i] >= 0x7f) {
            return ag_error_set(err, ARGO_E_NO_KEY,
                                "%s does not hold one key: expected one line of ASCII", path);
        }
    }
    return 0;
}

int ag_key_read(const char *home, const char *name, char **out, argo_error **err)
{
    int rc = ag_id_check(name, "the CI's name", err);
    if (rc < 0) {
        return rc;
    }
    ag_auto_free char *path = ag_asprintf("%s/keys/%s", home, name);
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(path)) {
        *out = NULL;
        return 0;
    }
    char *key = NULL;
    rc = ag_file_read_private(path, KEY_MAX, &key, err);
    rc = rc < 0 ? rc : trim(key, path, err);
    if (rc < 0) {
        ag_key_free(key);
        return rc;
    }
    *out = key;
    return 0;
}

char *ag_key_redact(char *text, const char *key)
{
    size_t len = key != NULL ? strlen(key) : 0;
    if (len >= MIN_SECRET) {
        for (char *at = text; at != NULL && (at = strstr(at, key)) != NULL; at += len) {
            memset(at, '*', len);
        }
    }
    return text;
}
