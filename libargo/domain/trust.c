/*
 * Trust in files that come with a repository: what may be trusted, and that it is what was looked
 * at. The record is HOME/trust (base/trust.h); writing it is one small file, synced on the loop,
 * because a person does it now and then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/dotenv.h"
#include "base/file.h"
#include "base/text.h"
#include "domain/internal.h"

void ag_trust_file_clear(struct ag_trust_file *f)
{
    free(f->path);
    free(f->text);
    *f = (struct ag_trust_file){0};
}

static int kind_of(const char *path, bool *out_config, argo_error **err)
{
    const char *name = strrchr(path, '/') + 1;
    *out_config = strcmp(name, ".env.argo") == 0 || strcmp(name, ".env.argo.local") == 0;
    if (*out_config || ag_catalog_takes(name)) {
        return 0;
    }
    return ag_error_field(err, ARGO_E_INVALID, "path",
                          "'%s' is no template (.json, .yaml, .yml) and no .env.argo or "
                          ".env.argo.local: nothing else needs trust",
                          path);
}

/* Of F its path is known. */
static int read_content(struct ag_trust_file *f, argo_error **err)
{
    int r = kind_of(f->path, &f->config, err);
    r = r < 0 ? r
              : ag_file_read(f->path, f->config ? AG_DOTENV_MAX : AG_MAX_BODY, &f->text, &f->len,
                             err);
    if (r == 0) {
        ag_sha256_hex(f->text, f->len, f->sha256);
    }
    return r;
}

static int check_path(const char *path, argo_error **err)
{
    return path != NULL && path[0] == '/'
               ? 0
               : ag_error_field(err, ARGO_E_INVALID, "path", "path: expected an absolute path");
}

int ag_trust_view(ag_domain *d, const char *path, struct ag_trust_file *out, argo_error **err)
{
    int r = check_path(path, err);
    if (r < 0) {
        return r;
    }
    struct ag_trust_file f = {.path = realpath(path, NULL)};
    r = f.path == NULL
            ? ag_error_field(err, ARGO_E_INVALID, "path", "'%s': %s", path, strerror(errno))
            : read_content(&f, err);
    if (r == 0) {
        r = ag_trust_look(argo_context_home(d->ctx), f.path, f.text, f.len, &f.trust, err);
    }
    if (r < 0) {
        ag_trust_file_clear(&f);
        return r;
    }
    *out = f;
    return 0;
}

int ag_trust_give(ag_domain *d, const char *path, const char *sha256, struct ag_trust_file *out,
                  argo_error **err)
{
    struct ag_trust_file f = {0};
    if (sha256 == NULL || strlen(sha256) != AG_SHA256_HEX - 1) {
        return ag_error_field(err, ARGO_E_INVALID, "sha256",
                              "sha256: expected the hash of what was looked at");
    }
    int r = ag_trust_view(d, path, &f, err);
    if (r == 0 && strcmp(f.sha256, sha256) != 0) {
        r = ag_error_field(err, ARGO_E_STATE, "sha256",
                           "'%s' has changed since it was looked at; look at it again", f.path);
    }
    if (r == 0 && strchr(f.path, '\n') != NULL) {
        r = ag_error_field(err, ARGO_E_INVALID, "path", "a path with a newline cannot be trusted");
    }
    if (r == 0) {
        r = ag_trust_put(argo_context_home(d->ctx), f.path, sha256, err);
    }
    if (r < 0) {
        ag_trust_file_clear(&f);
        return r;
    }
    f.trust = AG_TRUST_GIVEN;
    *out = f;
    return 0;
}

/* The record has paths without links. What has gone, or become a link, is known as it was. */
int ag_trust_take(ag_domain *d, const char *path, argo_error **err)
{
    const char *home = argo_context_home(d->ctx);
    int r = check_path(path, err);
    r = r < 0 ? r : ag_trust_put(home, path, NULL, err);
    ag_auto_free char *real = r == 1 ? realpath(path, NULL) : NULL;
    if (real != NULL) {
        r = ag_trust_put(home, real, NULL, err);
    }
    return r == 1 ? ag_error_field(err, ARGO_E_NO_TEMPLATE, "path", "'%s' is not trusted", path)
                  : r;
}

struct each {
    ag_trust_file_fn fn;
    void *user;
};

static int each_recorded(const char *path, const char *sha256, void *user, argo_error **err)
{
    const struct each *e = user;
    struct ag_trust_file f = {.path = ag_strdup(path)};
    if (f.path == NULL) {
        return ag_error_nomem(err);
    }
    ag_auto_free char *real = realpath(path, NULL);
    f.missing = !ag_streq(real, path) || read_content(&f, NULL) < 0;
    f.trust = strcmp(f.sha256, sha256) == 0 ? AG_TRUST_GIVEN : AG_TRUST_CHANGED;
    memcpy(f.sha256, sha256, sizeof(f.sha256));
    int r = e->fn(&f, e->user);
    ag_trust_file_clear(&f);
    return r;
}

int ag_trust_list(ag_domain *d, ag_trust_file_fn fn, void *user, argo_error **err)
{
    struct each e = {fn, user};
    return ag_trust_each(argo_context_home(d->ctx), each_recorded, &e, err);
}
