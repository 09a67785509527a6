/*
 * HOME/trust: which files of repositories somebody has looked at and let count, by their hashes.
 * Lines as sha256sum writes them. Reading it needs no daemon; only the daemon writes it.
 */
#ifndef AG_BASE_TRUST_H
#define AG_BASE_TRUST_H

#include "base/crypto.h"

enum ag_trust {
    AG_TRUST_NONE,    /* nobody has trusted this path */
    AG_TRUST_CHANGED, /* somebody has, with another content */
    AG_TRUST_GIVEN
};

extern const char *const ag_trust_words[]; /* "untrusted", "changed", "trusted" */

/* How far PATH (absolute, without links) is trusted with this content. */
int ag_trust_look(const char *home, const char *path, const char *text, size_t len,
                  enum ag_trust *out, argo_error **err);
int ag_trust_each(const char *home,
                  int (*fn)(const char *path, const char *sha256, void *user, argo_error **err),
                  void *user, argo_error **err);
/* Records, or with a SHA256 of NULL forgets. 1: it is as it was before. Durable. ARGO_E_QUOTA
 * above 1,000 files. */
int ag_trust_put(const char *home, const char *path, const char *sha256, argo_error **err);

#endif
