/*
 * Reading KEY=VALUE lines: blank lines and comments, bare values up to " #", '...' as it stands,
 * "..." with \" and \\.
 */
#include "base/dotenv.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define BLANKS " \t\r"

struct place {
    const char *file;
    unsigned line;
};

static int wrong(const struct place *at, argo_error **err, const char *what)
{
    return ag_error_set(err, ARGO_E_INVALID, "%s:%u: %s", at->file, at->line, what);
}

static bool is_key_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* What follows a quoted value: nothing but a comment. */
static int check_rest(const char *rest, const struct place *at, argo_error **err)
{
    rest += strspn(rest, BLANKS);
    return *rest == '\0' || *rest == '#'
               ? 0
               : wrong(at, err, "expected nothing but a comment after the closing quote");
}

static int read_quoted(const char *text, const struct place *at, struct ag_buf *value,
                       argo_error **err)
{
    char quote = *text++;
    while (*text != quote) {
        if (quote == '"' && *text == '\\') {
            text++;
            if (*text != '"' && *text != '\\') {
                return wrong(at, err, "expected \\\" or \\\\ after a backslash in double quotes");
            }
        }
        if (*text == '\0') {
            return wrong(at, err, "the closing quote is missing");
        }
        ag_buf_add_char(value, *text++);
    }
    return check_rest(text + 1, at, err);
}

static void read_bare(const char *text, struct ag_buf *value)
{
    size_t len = 0;
    while (text[len] != '\0' &&
           !(text[len] == '#' && (len == 0 || strchr(BLANKS, text[len - 1]) != NULL))) {
        len++;
    }
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
        len--;
    }
    ag_buf_add(value, text, len);
}

static int read_line(char *line, const struct place *at, ag_dotenv_fn fn, void *user,
                     argo_error **err)
{
    char *key = line + strspn(line, BLANKS);
    if (*key == '\0' || *key == '#') {
        return 0;
    }
    size_t len = 0;
    while (is_key_char(key[len], len == 0)) {
        len++;
    }
    if (len == 6 && strncmp(key, "export", len) == 0 && strchr(BLANKS, key[len]) != NULL) {
        return wrong(at, err, "expected KEY=VALUE without 'export': this is no shell script");
    }
    if (len == 0 || key[len] != '=') {
        return wrong(at, err, "expected KEY=VALUE, without blanks around the '='");
    }
    key[len] = '\0';
    const char *text = key + len + 1;
    ag_auto_buf value = AG_BUF_INIT(AG_DOTENV_MAX);
    ag_buf_add_text(&value, "");
    if (*text == '\'' || *text == '"') {
        int r = read_quoted(text, at, &value, err);
        if (r < 0) {
            return r;
        }
    } else {
        read_bare(text, &value);
    }
    if (value.failed != 0) {
        return ag_buf_check(&value, at->file, err);
    }
    return fn(key, ag_buf_text(&value), at->line, user, err);
}

int ag_dotenv_parse(const char *file, const char *text, ag_dotenv_fn fn, void *user,
                    argo_error **err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* some editors begin with it */
    struct place at = {file, 0};
    int r = 0;
    text += ag_starts_with(text, mark) ? strlen(mark) : 0;
    while (r == 0 && *text != '\0') {
        size_t len = strcspn(text, "\n");
        ag_auto_free char *line = ag_strndup(text, len);
        at.line++;
        r = line == NULL ? ag_error_nomem(err) : read_line(line, &at, fn, user, err);
        text += len + (text[len] == '\n' ? 1 : 0);
    }
    return r;
}

char *ag_dotenv_quote(const char *value)
{
    static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_./:@%+,=-";
    ag_auto_buf b = AG_BUF_INIT(AG_DOTENV_MAX);
    if (value[strspn(value, bare)] == '\0') {
        return ag_strdup(value);
    }
    ag_buf_add_char(&b, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            ag_buf_add_char(&b, '\\');
        }
        ag_buf_add_char(&b, *value);
    }
    ag_buf_add_char(&b, '"');
    return ag_buf_take(&b);
}
