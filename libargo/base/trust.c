/*
 * The record of trust. A line that is not understood is an error: it is never taken for less, nor
 * written over.
 */
#include "base/trust.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#define TRUST_FILES 1000
#define TRUST_MAX   ((size_t)TRUST_FILES * 4200) /* bytes: so many lines with the longest path */
#define HASH_LEN    (AG_SHA256_HEX - 1)

const char *const ag_trust_words[] = {"untrusted", "changed", "trusted", NULL};

static bool line_valid(const char *line)
{
    return strlen(line) > HASH_LEN + 2 && strspn(line, "0123456789abcdef") == HASH_LEN &&
           line[HASH_LEN] == ' ' && line[HASH_LEN + 1] == ' ' && line[HASH_LEN + 2] == '/';
}

int ag_trust_each(const char *home,
                  int (*fn)(const char *path, const char *sha256, void *user, argo_error **err),
                  void *user, argo_error **err)
{
    ag_auto_free char *file = ag_path_join(home, "trust");
    ag_auto_free char *text = NULL;
    if (file == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(file)) {
        return 0;
    }
    int r = ag_file_read_private(file, TRUST_MAX, &text, err);
    unsigned n = 0;
    for (char *line = text, *end; r == 0 && *line != '\0'; line = end) {
        end = strchrnul(line, '\n');
        if (*end != '\0') {
            *end++ = '\0';
        }
        n++;
        if (!line_valid(line)) {
            return ag_error_set(err, ARGO_E_CORRUPT,
                                "%s:%u: expected a SHA-256, two blanks and an absolute path", file,
                                n);
        }
        line[HASH_LEN] = '\0';
        r = fn(line + HASH_LEN + 2, line, user, err);
    }
    return r;
}

struct look {
    const char *path;
    char sha256[AG_SHA256_HEX];
    enum ag_trust found;
};

static int look_at(const char *path, const char *sha256, void *user, argo_error **err)
{
    struct look *l = user;
    if (strcmp(path, l->path) == 0) {
        l->found = strcmp(sha256, l->sha256) == 0 ? AG_TRUST_GIVEN : AG_TRUST_CHANGED;
    }
    return 0;
}

int ag_trust_look(const char *home, const char *path, const char *text, size_t len,
                  enum ag_trust *out, argo_error **err)
{
    struct look l = {.path = path, .found = AG_TRUST_NONE};
    ag_sha256_hex(text, len, l.sha256);
    int r = ag_trust_each(home, look_at, &l, err);
    if (r == 0) {
        *out = l.found;
    }
    return r;
}

struct rewrite {
    const char *path, *sha256;
    struct ag_buf lines;
    size_t n;
    bool same; /* as it was before */
};

static int keep_other(const char *path, const char *sha256, void *user, argo_error **err)
{
    struct rewrite *w = user;
    if (strcmp(path, w->path) == 0) {
        w->same = w->sha256 != NULL && strcmp(w->sha256, sha256) == 0; /* else it is gone now */
        return 0;
    }
    w->n++;
    ag_buf_printf(&w->lines, "%s  %s\n", sha256, path);
    return 0;
}

static int write_all(const char *home, struct rewrite *w, argo_error **err)
{
    ag_auto_free char *file = ag_path_join(home, "trust");
    if (w->sha256 != NULL) {
        ag_buf_printf(&w->lines, "%s  %s\n", w->sha256, w->path);
    }
    int r = file == NULL ? ag_error_nomem(err) : ag_buf_check(&w->lines, file, err);
    return r < 0 ? r : ag_file_write(file, ag_buf_text(&w->lines), w->lines.len, 0600, err);
}

int ag_trust_put(const char *home, const char *path, const char *sha256, argo_error **err)
{
    struct rewrite w = {path, sha256, AG_BUF_INIT(TRUST_MAX), 0, sha256 == NULL};
    int r = ag_trust_each(home, keep_other, &w, err);
    if (r == 0 && sha256 != NULL && w.n >= TRUST_FILES) {
        r = ag_error_set(err, ARGO_E_QUOTA,
                         "%d files are trusted already; forget some: "
                         "arc template trust --remove PATH",
                         TRUST_FILES);
    }
    if (r == 0 && !w.same) {
        r = write_all(home, &w, err);
    }
    ag_buf_free(&w.lines);
    return r < 0 ? r : w.same;
}
