/*
 * The JSON files in the home that mirror the store, and the import of a home that has them and
 * nothing else. Part of daemon/ only.
 */
#ifndef AG_DAEMON_MIRROR_H
#define AG_DAEMON_MIRROR_H

#include "daemon/internal.h"

enum ag_mirror_kind { AG_MIRROR_CIS, AG_MIRROR_WORKFLOWS, AG_MIRROR_SESSIONS, AG_MIRROR_COUNT };

struct ag_mirror_file {
    const char *dir, *name; /* below the home */
    const char *key;        /* of the one member, a list */
};

extern const struct ag_mirror_file ag_mirror_files[AG_MIRROR_COUNT];
char *ag_mirror_path(const char *home, enum ag_mirror_kind kind); /* NULL without memory */

/* Writes all of them from what STORE has committed. */
int ag_mirror_write(const char *home, ag_store *store, argo_error **err);

int ag_mirror_new(struct argo_daemon *daemon, ag_mirror **out, argo_error **err);
/* Something that they show has changed. */
void ag_mirror_touch(void *mirror);
/* Writes them now; DONE, from the loop, when they show what is committed by now, or why not. */
void ag_mirror_sync(ag_mirror *m, ag_done_fn done, void *user);
/* The store has settled: they are written a last time. Who still waits is told that this is the
 * end. NULL is allowed, here and below. */
void ag_mirror_finish(ag_mirror *m);
void ag_mirror_free(ag_mirror *m); /* after ag_mirror_finish */

/* import.c: fills a store that has never held anything from the files, once. What is damaged in
 * them is ARGO_E_CORRUPT, and nothing is imported. */
int ag_import(struct argo_daemon *daemon, argo_error **err);

#endif
