/*
 * Template files: where they are looked for, and in which order. Those of the directory that a run
 * starts in come first, and count only as somebody has trusted them.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "domain/internal.h"

/* Somebody else may have filled a directory, and the loop waits for a listing. */
#define NAMES_MAX  1000                       /* of one directory */
#define LISTED_MAX ((size_t)16 * 1024 * 1024) /* bytes that are read for a list */

static const char *const endings[] = {".json", ".yaml", ".yml"};

void ag_template_file_clear(struct ag_template_file *f)
{
    free(f->name);
    free(f->path);
    free(f->text);
    free(f->shadows);
    argo_error_free(f->error);
    *f = (struct ag_template_file){0};
}

/* The path of NAME in DIR, or NULL when it has none. */
static char *locate(const char *dir, const char *name)
{
    for (size_t i = 0; dir != NULL && i < AG_ARRAY_SIZE(endings); i++) {
        char *path = ag_asprintf("%s/%s%s", dir, name, endings[i]);
        if (path != NULL && ag_file_exists(path)) {
            return path;
        }
        free(path);
    }
    return NULL;
}

int ag_cwd_check(const char *cwd, argo_error **err)
{
    return cwd == NULL || cwd[0] == '/'
               ? 0
               : ag_error_field(err, ARGO_E_INVALID, "cwd",
                                "cwd is '%s', expected an absolute path", cwd);
}

/* ---- finding ------------------------------------------------------------------------------------ */

static bool is_there(const char *dir, const char *name, struct stat *st)
{
    ag_auto_free char *path = ag_path_join(dir, name);
    return path != NULL && stat(path, st) == 0;
}

/* Whether templates of DIR, above the directory that was named, are its: what is somebody else's
 * does not count, and beside Argo's own home there is no project. */
static bool counts(const ag_domain *d, const char *dir)
{
    struct stat st, argo, home;
    bool ours = stat(dir, &st) == 0 && st.st_uid == geteuid();
    return ours && !(is_there(dir, ".argo", &argo) && stat(argo_context_home(d->ctx), &home) == 0 &&
                     argo.st_dev == home.st_dev && argo.st_ino == home.st_ino);
}

/* The directory of the templates that are local to CWD (may be NULL), or NULL. Trust is asked for
 * what is found in any case. */
static char *local_dir(const ag_domain *d, const char *cwd)
{
    ag_auto_free char *dir = cwd == NULL ? NULL : realpath(cwd, NULL);
    struct stat st;
    while (dir != NULL && !is_there(dir, AG_LOCAL_TEMPLATES, &st)) {
        char *slash = strrchr(dir, '/');
        if (slash == dir || is_there(dir, ".git", &st)) {
            return NULL;
        }
        *slash = '\0';
        if (!counts(d, dir)) {
            return NULL;
        }
    }
    return dir == NULL ? NULL : ag_path_join(dir, AG_LOCAL_TEMPLATES);
}

static char *locate_own(const ag_domain *d, const char *name)
{
    char *path = locate(d->config.home_templates, name);
    return path != NULL ? path : locate(d->config.installed_templates, name);
}

/* 1 and *OUT without its text, or 0 when there is no such template. */
static int find(const ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                argo_error **err)
{
    ag_auto_free char *dir = local_dir(d, cwd);
    char *local = locate(dir, name);
    char *own = locate_own(d, name);
    struct ag_template_file f = {.path = local != NULL ? local : own,
                                 .local = local != NULL,
                                 .shadows = local != NULL ? own : NULL};
    if (f.path == NULL) {
        return 0;
    }
    f.name = ag_strdup(name);
    if (f.name == NULL) {
        ag_template_file_clear(&f);
        return ag_error_nomem(err);
    }
    *out = f;
    return 1;
}

/* A local one gets the path that the record of trust has. */
static int read_text(const ag_domain *d, struct ag_template_file *f, argo_error **err)
{
    if (f->local) {
        char *real = realpath(f->path, NULL);
        if (real == NULL) {
            return ag_error_field(err, ARGO_E_NO_TEMPLATE, "template", "'%s': %s", f->path,
                                  strerror(errno));
        }
        free(f->path);
        f->path = real;
    }
    int r = ag_file_read(f->path, AG_MAX_BODY, &f->text, &f->len, err);
    return r < 0 || !f->local
               ? r
               : ag_trust_look(argo_context_home(d->ctx), f->path, f->text, f->len, &f->trust, err);
}

/* ---- listing ------------------------------------------------------------------------------------ */

struct names {
    char **items;
    size_t n;
};

static void names_free(struct names *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

static bool has_name(const struct names *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static char *name_of_file(const char *file)
{
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot != NULL && i < AG_ARRAY_SIZE(endings); i++) {
        if (strcmp(dot, endings[i]) == 0) {
            return ag_strndup(file, (size_t)(dot - file));
        }
    }
    return NULL;
}

bool ag_catalog_takes(const char *file)
{
    ag_auto_free char *name = name_of_file(file);
    return name != NULL && ag_id_valid(name);
}

static int add_name(struct names *list, const char *file)
{
    ag_auto_free char *name = name_of_file(file);
    if (name == NULL || !ag_id_valid(name) || has_name(list, name)) {
        return 0;
    }
    char **more = realloc(list->items, (list->n + 1) * sizeof(*more));
    if (more == NULL) {
        return ARGO_E_NOMEM;
    }
    list->items = more;
    list->items[list->n++] = ag_take(name);
    return 0;
}

static int scan(struct names *list, const char *dir, argo_error **err)
{
    DIR *d = dir == NULL ? NULL : opendir(dir);
    if (d == NULL) {
        return 0; /* a directory that is not there holds no templates */
    }
    int r = 0;
    size_t before = list->n;
    struct dirent *e;
    while (r == 0 && (e = readdir(d)) != NULL) {
        r = add_name(list, e->d_name);
        if (r < 0) {
            ag_error_nomem(err);
        } else if (list->n - before > NAMES_MAX) {
            r = ag_error_set(err, ARGO_E_QUOTA, "'%s' holds more than %d templates", dir,
                             NAMES_MAX);
        }
    }
    closedir(d);
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int scan_all(ag_domain *d, const char *cwd, struct names *list, argo_error **err)
{
    ag_auto_free char *local = local_dir(d, cwd);
    int r = scan(list, local, err);
    if (r == 0) {
        r = scan(list, d->config.home_templates, err);
    }
    if (r == 0) {
        r = scan(list, d->config.installed_templates, err);
    }
    if (r == 0 && list->n > 0) {
        qsort(list->items, list->n, sizeof(*list->items), by_name);
    }
    return r;
}

static void read_listed(const ag_domain *d, struct ag_template_file *f, size_t *bytes)
{
    if (*bytes > LISTED_MAX) {
        ag_error_set(&f->error, ARGO_E_TOO_LARGE,
                     "not read: the templates before it have more than %zu bytes", LISTED_MAX);
        return;
    }
    (void)read_text(d, f, &f->error);
    *bytes += f->len;
}

int ag_catalog_each(ag_domain *d, const char *cwd,
                    int (*fn)(const struct ag_template_file *file, void *user), void *user,
                    argo_error **err)
{
    struct names list = {0};
    size_t bytes = 0;
    int r = ag_cwd_check(cwd, err);
    r = r < 0 ? r : scan_all(d, cwd, &list, err);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        struct ag_template_file file = {0};
        r = find(d, list.items[i], cwd, &file, err);
        if (r > 0) { /* else it has gone meanwhile */
            read_listed(d, &file, &bytes);
            r = fn(&file, user);
        }
        ag_template_file_clear(&file);
    }
    names_free(&list);
    return r;
}

/* ---- the public face ---------------------------------------------------------------------------- */

static int not_found(ag_domain *d, const char *name, const char *cwd, argo_error **err)
{
    struct names list = {0};
    const char *nearest = NULL;
    if (scan_all(d, cwd, &list, NULL) == 0 && list.n > 0) {
        nearest = ag_nearest_word(name, (const char *const *)list.items, list.n);
    }
    int r =
        ag_error_field(err, ARGO_E_NO_TEMPLATE, "template", "Template '%s' does not exist%s%s%s",
                       name, nearest == NULL ? "" : "; did you mean '",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    names_free(&list);
    return r;
}

int ag_catalog_look(ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                    argo_error **err)
{
    struct ag_template_file f = {0};
    int r = ag_id_check(name, "template", err);
    r = r < 0 ? r : ag_cwd_check(cwd, err);
    r = r < 0 ? r : find(d, name, cwd, &f, err);
    if (r <= 0) {
        return r < 0 ? r : not_found(d, name, cwd, err);
    }
    r = read_text(d, &f, err);
    if (r < 0) {
        ag_template_file_clear(&f);
        return r;
    }
    *out = f;
    return 0;
}

int ag_catalog_find(ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                    argo_error **err)
{
    struct ag_template_file f = {0};
    int r = ag_catalog_look(d, name, cwd, &f, err);
    if (r == 0 && f.local && f.trust != AG_TRUST_GIVEN) {
        r = ag_error_field(err, ARGO_E_UNTRUSTED, "template", "'%s' %s%s%s%s", f.path,
                           f.trust == AG_TRUST_CHANGED ? "has changed since it was trusted"
                                                       : "is not trusted",
                           f.shadows == NULL ? "" : "; it would take the place of '",
                           f.shadows == NULL ? "" : f.shadows, f.shadows == NULL ? "" : "'");
    }
    if (r < 0) {
        ag_template_file_clear(&f);
        return r;
    }
    *out = f;
    return 0;
}
