/*
 * Paths that count from the run's directory, and how much text fits into a variable.
 */
#include "exec/files.h"

#include "base/file.h"
#include "base/text.h"

char *ag_strand_path(const struct ag_strand *s, const char *path)
{
    const char *cwd = ag_strand_checkpoint(s)->cwd;
    if (path[0] == '/' || cwd == NULL) {
        return ag_strdup(path);
    }
    return ag_path_join(cwd, path);
}

static size_t json_size(unsigned char c)
{
    if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f') {
        return 2;
    }
    return c < 0x20 ? 6 : 1;
}

size_t ag_text_fits(const char *text, size_t len)
{
    size_t size = 2; /* the quotes */
    for (size_t i = 0; i < len; i++) {
        size += json_size((unsigned char)text[i]);
        if (size > AG_MAX_VALUE) {
            return ag_utf8_complete(text, i);
        }
    }
    return len;
}
