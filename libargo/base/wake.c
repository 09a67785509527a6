/*
 * Work that does not come from an fd: wake-ups from other threads and signal handlers (an
 * eventfd), and work put off to the end of the iteration (a list). ag_wake_signal is the only
 * function of the loop that another thread may call.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "base/loop-internal.h"

struct ag_wake {
    struct ag_source source;
    ag_loop *loop;
    int fd;
    ag_wake_fn fn;
    void *user;
};

struct ag_defer {
    struct ag_list link;
    ag_loop *loop;
    ag_defer_fn fn;
    void *user;
};

static void wake_ready(struct ag_source *source, uint32_t events)
{
    ag_wake *wake = AG_CONTAINER_OF(source, ag_wake, source);
    wake->fn(wake, wake->user);
}

int ag_wake_new(ag_loop *loop, ag_wake_fn fn, void *user, ag_wake **out, argo_error **err)
{
    ag_auto_close int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return ag_error_errno(err, errno, "create a wake-up");
    }
    ag_wake *wake = calloc(1, sizeof(*wake));
    if (wake == NULL) {
        return ag_error_nomem(err);
    }
    /* Each write is an edge: the count need not be read, and at one a nanosecond it is full in
     * centuries. */
    int rc = ag_source_add(&wake->source, loop, fd, EPOLLIN | EPOLLET, wake_ready, err);
    if (rc < 0) {
        free(wake);
        return rc;
    }
    wake->loop = loop;
    wake->fd = ag_take_fd(&fd);
    wake->fn = fn;
    wake->user = user;
    loop->handles++;
    *out = wake;
    return 0;
}

void ag_wake_signal(ag_wake *wake)
{
    /* A signal handler may not change errno. */
    int saved = errno;
    eventfd_write(wake->fd, 1);
    errno = saved;
}

void ag_wake_free(ag_wake *wake)
{
    if (wake == NULL) {
        return;
    }
    ag_source_remove(&wake->source);
    close(wake->fd);
    wake->loop->handles--;
    free(wake);
}

static void run_round(ag_loop *loop)
{
    struct ag_list now = AG_LIST_INIT(now);
    ag_defer *defer;
    ag_list_splice(&now, &loop->defers);
    while ((defer = ag_list_first(&now, ag_defer, link)) != NULL) {
        ag_list_remove(&defer->link);
        defer->fn(defer, defer->user);
    }
}

/* What deferred work defers again is done at once, without a look at the fds in between, unless
 * there is no end to it. */
void ag_defers_run(ag_loop *loop)
{
    for (int round = 0; round < AG_DEFER_ROUNDS && !ag_list_empty(&loop->defers); round++) {
        run_round(loop);
    }
}

int ag_defer_new(ag_loop *loop, ag_defer_fn fn, void *user, ag_defer **out, argo_error **err)
{
    ag_defer *defer = calloc(1, sizeof(*defer));
    if (defer == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_init(&defer->link);
    defer->loop = loop;
    defer->fn = fn;
    defer->user = user;
    loop->handles++;
    *out = defer;
    return 0;
}

void ag_defer_schedule(ag_defer *defer)
{
    if (ag_list_empty(&defer->link)) {
        ag_list_append(&defer->loop->defers, &defer->link);
    }
}

void ag_defer_free(ag_defer *defer)
{
    if (defer == NULL) {
        return;
    }
    ag_list_remove(&defer->link);
    defer->loop->handles--;
    free(defer);
}
