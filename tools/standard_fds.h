/*
 * Standard input, output and error are there, and are nothing else: of those that a program has been
 * started without (`arc list >&-`) each becomes one that cannot be used either, before a socket or
 * the database gets its number.
 */
#ifndef TOOLS_STANDARD_FDS_H
#define TOOLS_STANDARD_FDS_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

static inline bool standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return false;
        }
    }
    return true;
}

#endif
