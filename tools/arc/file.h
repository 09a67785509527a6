/*
 * Small files: templates and keys in, keys and other private things out.
 */
#ifndef ARC_FILE_H
#define ARC_FILE_H

#include "arc.h"

/* True for what start and validate take as a file: with a '/', or ending in .json, .yaml, .yml. */
bool arc_is_file_name(const char *text);
/* Reads FD to its end, at most MAX bytes, NUL-terminated; refuses NUL bytes. NULL with errno
 * (EFBIG: larger; EILSEQ: a NUL). The caller frees it. */
char *arc_read_fd(int fd, size_t max);
/* The same of a file. */
char *arc_read_file(const char *path, size_t max);

enum { ARC_TEMPLATE_MAX = 1024 * 1024, ARC_KEY_MAX = 16 * 1024 };

/* Adds the template TEXT names to BODY, as start and validate send it: a file's text or a name.
 * Returns 0, or an exit code after saying what is wrong. */
int arc_put_template(struct arc *arc, const char *text, argo_value *body);

/* Writes TEXT to DIR/NAME in HOME: mode 0600, atomically, through no symbolic link, in directories
 * that are nobody else's business. -1 with errno. */
int arc_private_write(const char *home, const char *dir, const char *name, const char *text);
/* Removes it; 1 when there was one, 0 when not, -1 with errno. */
int arc_private_remove(const char *home, const char *dir, const char *name);

#endif
