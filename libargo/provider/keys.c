/*
 * Keys of CIs: HOME/keys/NAME, a private file with the key or the command that prints it. A key is
 * never logged, never part of an error, and wiped when it has been used.
 */
#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "provider/internal.h"

#define MIN_SECRET 8 /* shorter ones could be a part of any word, and are cut out as words only */

void ag_key_free(char *key)
{
    if (key != NULL) {
        explicit_bzero(key, strlen(key));
        free(key);
    }
}

/* Without the white space around it; a key goes into a header, so it is one line of ASCII. */
int ag_key_clean(char *text, const char *what, const char *file, char **out, argo_error **err)
{
    size_t start = strspn(text, " \t\r\n");
    size_t len = strlen(text + start);
    while (len > 0 && strchr(" \t\r\n", text[start + len - 1]) != NULL) {
        len--;
    }
    if (len == 0) {
        return ag_error_set(err, ARGO_E_NO_KEY, "%s: %s is empty; put the key there", file, what);
    }
    for (size_t i = start; i < start + len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) {
            return ag_error_set(err, ARGO_E_NO_KEY,
                                "%s: %s is not one key: expected one line of ASCII", file, what);
        }
    }
    *out = ag_strndup(text + start, len);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

/* A key, or the JSON array of a command. */
static int take(char *text, const char *path, char **out, ag_value **out_command, argo_error **err)
{
    if (text[strspn(text, " \t\r\n")] != '[') {
        return ag_key_clean(text, "its content", path, out, err);
    }
    if (ag_value_parse(text, strlen(text), out_command, NULL) < 0) {
        return ag_error_set(err, ARGO_E_NO_KEY, "%s: expected a command as a JSON array of texts",
                            path);
    }
    return 0;
}

int ag_key_read(const char *home, const char *name, char **out, ag_value **out_command,
                argo_error **err)
{
    *out = NULL;
    *out_command = NULL;
    int rc = ag_id_check(name, "the CI's name", err);
    if (rc < 0) {
        return rc;
    }
    ag_auto_free char *path = ag_key_path(home, name);
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(path)) {
        return 0;
    }
    char *text = NULL;
    rc = ag_file_read_private(path, AG_KEY_MAX, &text, err);
    rc = rc < 0 ? rc : take(text, path, out, out_command, err);
    ag_key_free(text);
    return rc;
}

char *ag_key_path(const char *home, const char *name)
{
    return ag_asprintf("%s/keys/%s", home, name);
}

/* Is TEXT[0..LEN), at START or after it, a word of its own? */
static bool is_word(const char *start, const char *text, size_t len)
{
    return (text == start || !isalnum((unsigned char)text[-1])) &&
           !isalnum((unsigned char)text[len]);
}

char *ag_key_redact(char *text, const char *key)
{
    size_t len = key != NULL ? strlen(key) : 0;
    char *at = len > 0 && text != NULL ? strstr(text, key) : NULL;
    while (at != NULL) {
        bool cut = len >= MIN_SECRET || is_word(text, at, len);
        if (cut) {
            memset(at, '*', len);
        }
        at = strstr(at + (cut ? len : 1), key);
    }
    return text;
}
