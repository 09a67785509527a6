/*
 * Template files: where they are looked for, and in which order.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "domain/internal.h"

static const char *const endings[] = {".json", ".yaml", ".yml"};

void ag_template_file_clear(struct ag_template_file *f)
{
    free(f->name);
    free(f->path);
    free(f->text);
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

static int read_template(const char *name, char *path, struct ag_template_file *out,
                         argo_error **err)
{
    *out = (struct ag_template_file){.name = ag_strdup(name), .path = path};
    int r = ag_file_read(path, AG_MAX_BODY, &out->text, &out->len, err);
    if (r < 0) {
        ag_template_file_clear(out);
    }
    return r;
}

/* ---- listing ------------------------------------------------------------------------------------ */

struct entry {
    char *name, *path;
};

struct entries {
    struct entry *items;
    size_t n;
};

static void entries_free(struct entries *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].name);
        free(list->items[i].path);
    }
    free(list->items);
}

static bool has_entry(const struct entries *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
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

static int add_entry(struct entries *list, const char *dir, const char *file)
{
    ag_auto_free char *name = name_of_file(file);
    if (name == NULL || !ag_id_valid(name) || has_entry(list, name)) {
        return 0;
    }
    ag_auto_free char *path = locate(dir, name);
    struct entry *more = realloc(list->items, (list->n + 1) * sizeof(*more));
    if (more == NULL) {
        return ARGO_E_NOMEM;
    }
    list->items = more;
    list->items[list->n++] = (struct entry){.name = ag_take(name), .path = ag_take(path)};
    return 0;
}

static int scan(struct entries *list, const char *dir, argo_error **err)
{
    DIR *d = dir == NULL ? NULL : opendir(dir);
    if (d == NULL) {
        return 0; /* a directory that is not there holds no templates */
    }
    int r = 0;
    struct dirent *e;
    while (r == 0 && (e = readdir(d)) != NULL) {
        r = add_entry(list, dir, e->d_name);
    }
    closedir(d);
    return r < 0 ? ag_error_nomem(err) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int scan_all(ag_domain *d, struct entries *list, argo_error **err)
{
    int r = scan(list, d->config.home_templates, err);
    if (r == 0) {
        r = scan(list, d->config.installed_templates, err);
    }
    if (r == 0 && list->n > 0) {
        qsort(list->items, list->n, sizeof(*list->items), by_name);
    }
    return r;
}

int ag_catalog_each(ag_domain *d, int (*fn)(const char *name, const char *path, void *user),
                    void *user, argo_error **err)
{
    struct entries list = {0};
    int r = scan_all(d, &list, err);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        if (list.items[i].path != NULL) {
            r = fn(list.items[i].name, list.items[i].path, user);
        }
    }
    entries_free(&list);
    return r;
}

/* ---- finding ------------------------------------------------------------------------------------ */

static int not_found(ag_domain *d, const char *name, argo_error **err)
{
    struct entries list = {0};
    const char *nearest = NULL;
    const char **words = NULL;
    if (scan_all(d, &list, NULL) == 0 && list.n > 0) {
        words = calloc(list.n, sizeof(*words));
        for (size_t i = 0; words != NULL && i < list.n; i++) {
            words[i] = list.items[i].name;
        }
        nearest = words == NULL ? NULL : ag_nearest_word(name, words, list.n);
    }
    int r =
        ag_error_field(err, ARGO_E_NO_TEMPLATE, "template", "Template '%s' does not exist%s%s%s",
                       name, nearest == NULL ? "" : "; did you mean '",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    free(words);
    entries_free(&list);
    return r;
}

int ag_catalog_find(ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                    argo_error **err)
{
    int r = ag_id_check(name, "template", err);
    if (r < 0) {
        return r;
    }
    ag_auto_free char *local = cwd == NULL ? NULL : ag_path_join(cwd, ".argo/workflows");
    ag_auto_free char *untrusted = locate(local, name);
    if (untrusted != NULL) {
        return ag_error_field(err, ARGO_E_UNTRUSTED, "template",
                              "'%s' shadows template '%s' and is not trusted; start it by its path "
                              "if you mean it",
                              untrusted, name);
    }
    char *path = locate(d->config.home_templates, name);
    if (path == NULL) {
        path = locate(d->config.installed_templates, name);
    }
    return path == NULL ? not_found(d, name, err) : read_template(name, path, out, err);
}
