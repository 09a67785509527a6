/*
 * Files: bounded reads, atomic writes, private directories, locks. Nothing here follows a link
 * in the last component unless it says so.
 */
#ifndef AG_BASE_FILE_H
#define AG_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Reads a whole regular file (links are followed): what could keep us waiting for ever is
 * ARGO_E_DENIED. Larger than MAX: ARGO_E_TOO_LARGE. */
int ag_file_read(const char *path, size_t max, char **out, size_t *out_len, argo_error **err);
/* Reads a secret, which is text: a regular file, owned by us, mode without group or other bits, not
 * a link, without NUL bytes. */
int ag_file_read_private(const char *path, size_t max, char **out, argo_error **err);
/* The same of what others may read but not write. */
int ag_file_read_own(const char *path, size_t max, char **out, size_t *out_len, argo_error **err);
/* tmp + fsync + rename + fsync(dir). */
int ag_file_write(const char *path, const void *data, size_t len, mode_t mode, argo_error **err);
/* PATH.tmp + rename, without a sync: whole or not at all, but after a power cut perhaps neither. For
 * one writer; whatever bears one of the names is replaced, a link is not followed. */
int ag_file_replace(const char *path, const void *data, size_t len, mode_t mode, argo_error **err);
int ag_file_append(const char *path, const void *data, size_t len, mode_t mode, argo_error **err);
/* Appends whole lines to a private regular file (created 0600, and its directory 0700) and returns
 * when they are durable. A line that a crash has left without an end is given one first. LEN 0
 * only checks that it could be done. */
int ag_file_append_lines(const char *path, const void *lines, size_t len, argo_error **err);
bool ag_file_exists(const char *path);
/* Creates PATH and its missing parents with 0700. An existing one must be a directory owned by
 * us and writable by nobody else (not a link): else ARGO_E_DENIED with what to do. */
int ag_dir_private(const char *path, argo_error **err);
/* Creates missing parents of a file's path with mode 0777 & ~umask. */
int ag_dir_parents(const char *path, argo_error **err);
char *ag_path_join(const char *a, const char *b); /* NULL without memory */

/* Exclusive fcntl write lock on PATH (created 0600, O_CLOEXEC); not inherited by children.
 * Held by another process: ARGO_E_LOCKED, and *HOLDER (may be NULL) is its pid. */
int ag_lock_take(const char *path, int *out_fd, pid_t *holder, argo_error **err);
/* The pid that holds the lock on PATH, 0 for none, negative code on failure. */
int ag_lock_holder(const char *path, pid_t *out, argo_error **err);
/* Waits until nobody else has DIR locked, and locks it until *OUT_FD is closed: for as long as it takes
 * to read a file there and to write it again. */
int ag_dir_lock(const char *dir, int *out_fd, argo_error **err);

#endif
