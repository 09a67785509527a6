/*
 * A program that is given text and says something: its standard input, what it writes, as it comes,
 * and the end of what it writes to standard error. In a process group of its own.
 */
#ifndef AG_BASE_PROGRAM_H
#define AG_BASE_PROGRAM_H

#include "base/loop.h"
#include "base/process.h"

enum { AG_PROGRAM_ERRORS = 512 }; /* bytes of standard error that are kept */

typedef struct ag_program ag_program;

/* Either may free the program. */
struct ag_program_events {
    void (*output)(const char *data, size_t len, void *user);
    /* Once, after all output. STATUS as of waitpid, or -1; ERRORS: the last that it wrote to standard
     * error, UTF-8. Whoever else holds the pipes is not waited for. */
    void (*ended)(int status, const char *errors, void *user);
};

/* SPEC's fds are set here, and its group. INPUT is copied. */
int ag_program_start(ag_loop *loop, const struct ag_spawn *spec, const char *input, size_t len,
                     const struct ag_program_events *events, void *user, ag_program **out,
                     argo_error **err);
/* Kills the whole group, if it has not ended. */
void ag_program_free(ag_program *p);

/* A file in memory, open for reading at its beginning: nothing has to be fed, and a program that
 * does not read harms nobody. */
int ag_text_fd(const char *text, size_t len, int *out_fd, argo_error **err);

#endif
