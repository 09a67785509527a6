/*
 * A directory of its own for each test: use both functions as a checked fixture. Paths below it
 * come from temp_path, which keeps the last few alive.
 */
#ifndef TESTS_LIB_TEMPDIR_H
#define TESTS_LIB_TEMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <check.h>

static char temp_dir[64];

static inline void temp_dir_setup(void)
{
    snprintf(temp_dir, sizeof(temp_dir), "/tmp/argo-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(temp_dir));
}

static inline int temp_dir_remove_one(const char *path, const struct stat *st, int flag,
                                      struct FTW *ftw)
{
    return remove(path);
}

static inline void temp_dir_teardown(void)
{
    nftw(temp_dir, temp_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* NAME below the directory; valid until the eighth call after this one. */
static inline const char *temp_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", temp_dir, name);
    return path;
}

#endif
