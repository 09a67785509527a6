/*
 * Running a program on the loop. It never goes through a shell and never blocks, but for the moment
 * that the kernel takes to end what has been killed.
 */
#include "base/program.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/text.h"

#define CHUNK (64 * 1024)

struct ag_program {
    struct ag_program_events events;
    void *user;
    ag_child *child;
    pid_t group;
    int fds[2]; /* output, errors; -1 when closed */
    ag_io *ios[2];
    struct ag_buf errors;
    bool ended;
    bool *gone;
    char chunk[CHUNK];
};

int ag_text_fd(const char *text, size_t len, int *out_fd, argo_error **err)
{
    ag_auto_close int fd = memfd_create("argo-text", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0) {
        return ag_error_errno(err, errno, "prepare the input");
    }
    *out_fd = ag_take_fd(&fd);
    return 0;
}

static void close_pipe(ag_program *p, int i)
{
    ag_io_free(ag_take(p->ios[i]));
    if (p->fds[i] >= 0) {
        close(ag_take_fd(&p->fds[i]));
    }
}

/* One read; how much came, 0 at the end, -1 when there is nothing now. */
static ssize_t take(const ag_program *p, int i, char *chunk)
{
    ssize_t n;
    do {
        n = read(p->fds[i], chunk, CHUNK);
    } while (n < 0 && errno == EINTR);
    return n < 0 && errno != EAGAIN ? 0 : n;
}

/* False: the program has been freed meanwhile. */
static bool hand_on(ag_program *p, int i, size_t len)
{
    if (i == 1) {
        (void)ag_buf_add(&p->errors, p->chunk, len);
        if (p->errors.len > AG_PROGRAM_ERRORS) {
            ag_buf_consume(&p->errors, p->errors.len - AG_PROGRAM_ERRORS);
        }
        return true;
    }
    bool gone = false;
    p->gone = &gone;
    p->events.output(p->chunk, len, p->user);
    if (!gone) {
        p->gone = NULL;
    }
    return !gone;
}

static void readable(ag_io *io, int fd, uint32_t events, void *user)
{
    ag_program *p = user;
    int i = fd == p->fds[0] ? 0 : 1;
    ssize_t n = take(p, i, p->chunk);
    if (n > 0) {
        (void)hand_on(p, i, (size_t)n);
    } else if (n == 0) {
        close_pipe(p, i);
    }
}

/* No more than what is there now: another process may go on writing for ever. */
static bool drain(ag_program *p, int i)
{
    int left = 0;
    if (p->fds[i] < 0 || ioctl(p->fds[i], FIONREAD, &left) < 0) {
        left = 0;
    }
    while (left > 0) {
        ssize_t n = take(p, i, p->chunk);
        if (n <= 0) {
            break;
        }
        if (!hand_on(p, i, (size_t)n)) {
            return false;
        }
        left -= (int)n;
    }
    close_pipe(p, i);
    return true;
}

static void child_ended(ag_child *child, pid_t pid, int status, void *user)
{
    ag_program *p = user;
    p->ended = true;
    if (!drain(p, 1) || !drain(p, 0)) {
        return;
    }
    ag_auto_free char *errors = ag_utf8_sanitise(ag_buf_text(&p->errors), p->errors.len, NULL);
    p->events.ended(status, errors != NULL ? errors : "", p->user);
}

static int open_pipe(ag_program *p, ag_loop *loop, int i, int *out_fd, argo_error **err)
{
    int fds[2];
    int rc = ag_pipe(fds, err);
    if (rc < 0) {
        return rc;
    }
    p->fds[i] = fds[0];
    *out_fd = fds[1];
    return ag_io_new(loop, fds[0], EPOLLIN, readable, p, &p->ios[i], err);
}

static int launch(ag_program *p, ag_loop *loop, const struct ag_spawn *spec, int input,
                  argo_error **err)
{
    ag_auto_close int output = -1;
    ag_auto_close int errors = -1;
    int pidfd = -1;
    int rc = open_pipe(p, loop, 0, &output, err);
    rc = rc < 0 ? rc : open_pipe(p, loop, 1, &errors, err);
    if (rc < 0) {
        return rc;
    }
    struct ag_spawn whole = *spec;
    whole.fds[0] = input;
    whole.fds[1] = output;
    whole.fds[2] = errors;
    whole.new_group = true;
    rc = ag_spawn(&whole, &p->group, &pidfd, err);
    if (rc < 0) {
        return rc;
    }
    rc = ag_child_new(loop, p->group, pidfd, child_ended, p, &p->child, err);
    if (rc < 0) {
        (void)kill(-p->group, SIGKILL);
        (void)waitpid(p->group, NULL, 0);
        close(pidfd);
    }
    return rc;
}

int ag_program_start(ag_loop *loop, const struct ag_spawn *spec, const char *input, size_t len,
                     const struct ag_program_events *events, void *user, ag_program **out,
                     argo_error **err)
{
    ag_auto_close int fd = -1;
    int rc = ag_text_fd(input, len, &fd, err);
    if (rc < 0) {
        return rc;
    }
    ag_program *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return ag_error_nomem(err);
    }
    p->events = *events;
    p->user = user;
    p->fds[0] = p->fds[1] = -1;
    ag_buf_init(&p->errors, AG_PROGRAM_ERRORS + CHUNK);
    rc = launch(p, loop, spec, fd, err);
    if (rc < 0) {
        ag_program_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void ag_program_free(ag_program *p)
{
    if (p == NULL) {
        return;
    }
    if (p->gone != NULL) {
        *p->gone = true;
    }
    if (p->child != NULL && !p->ended) {
        /* Not reaped yet: the number is still the group's. */
        (void)kill(-p->group, SIGKILL);
        (void)waitpid(p->group, NULL, 0);
    }
    /* Orphans of the group that became ours, where the process is a subreaper. */
    while (p->child != NULL && waitpid(-p->group, NULL, WNOHANG) > 0) {
    }
    ag_child_free(p->child);
    close_pipe(p, 0);
    close_pipe(p, 1);
    ag_buf_free(&p->errors);
    explicit_bzero(p->chunk, sizeof(p->chunk)); /* it may have said a key */
    free(p);
}
