/*
 * Connects a socket to a run, as a server would that shows runs to its own clients: what the run
 * says goes out through the socket, lines that come in are its input. Two channels in one poll
 * loop. Ends with the run, or when the other end of the socket hangs up.
 * Usage: channel HOME WORKFLOW_ID FD
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <argo/argo.h>

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Waits until one of the two has something to do, and lets both work. */
static int turn(argo_io_channel *run, argo_io_channel *user, argo_error **err)
{
    struct pollfd fds[] = {
        {.fd = argo_io_channel_get_fd(run), .events = argo_io_channel_get_events(run)},
        {.fd = argo_io_channel_get_fd(user), .events = argo_io_channel_get_events(user)},
    };
    (void)poll(fds, 2,
               shorter(argo_io_channel_get_timeout(run), argo_io_channel_get_timeout(user)));
    int r = argo_io_channel_dispatch(run, err);
    return r < 0 ? r : argo_io_channel_dispatch(user, err);
}

/* Moves what is there, unless the other has enough to do. 0, ARGO_IO_EOF or a failure. */
static int move(argo_io_channel *from, argo_io_channel *to, argo_error **err)
{
    char bytes[4096];
    size_t len = 0;
    int r = 0;
    while (r == 0 && argo_io_channel_pending(to) < ARGO_IO_BUFFER_MAX / 2) {
        r = argo_io_channel_read(from, bytes, sizeof(bytes), &len, err);
        if (r == 0) {
            r = argo_io_channel_write(to, bytes, len, err);
        }
    }
    return r == ARGO_E_WOULDBLOCK ? 0 : r;
}

/* Tells the user why a line was refused; the run goes on asking. */
static int excuse(argo_io_channel *run, argo_io_channel *user, argo_error **err)
{
    argo_error *why = NULL;
    int r = argo_io_channel_write(run, NULL, 0, &why);
    if (r == ARGO_E_ANSWER) {
        r = argo_io_channel_write_str(user, argo_error_details(why), err);
        r = r < 0 ? r : argo_io_channel_write_str(user, "\n", err);
    } else if (r < 0) {
        *err = why;
        return r;
    }
    argo_error_free(why);
    return r;
}

static int relay(argo_io_channel *run, argo_io_channel *user, argo_error **err)
{
    int r = 0;
    while (r == 0) {
        r = turn(run, user, err);
        r = r < 0 ? r : excuse(run, user, err);
        r = r < 0 ? r : move(run, user, err);
        r = r != 0 ? r : move(user, run, err);
    }
    if (r == ARGO_IO_EOF) {
        r = argo_io_channel_close(run, 10000, err);
        r = r < 0 ? r : argo_io_channel_close(user, 10000, err);
    }
    return r;
}

static int connect_both(argo_context *ctx, const char *id, int fd, argo_error **err)
{
    struct argo_io_http_options options = ARGO_IO_HTTP_OPTIONS_INIT;
    argo_io_channel *run = NULL;
    argo_io_channel *user = NULL;
    options.workflow_id = id;
    options.name = "relay";
    int r = argo_io_channel_new_http(ctx, &options, &run, err);
    r = r < 0 ? r : argo_io_channel_new_fd(fd, &user, err);
    r = r < 0 ? r : relay(run, user, err);
    argo_io_channel_free(user);
    argo_io_channel_free(run);
    return r;
}

int main(int argc, char **argv)
{
    argo_context *ctx = NULL;
    argo_error *err = NULL;
    if (argc != 4) {
        fprintf(stderr, "Usage: %s HOME WORKFLOW_ID FD\n", argv[0]);
        return 2;
    }
    int r = argo_context_new(argv[1], &ctx, &err);
    r = r < 0 ? r : connect_both(ctx, argv[2], (int)strtol(argv[3], NULL, 10), &err);
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
    }
    argo_error_free(err);
    argo_context_free(ctx);
    return r == 0 ? 0 : 1;
}
