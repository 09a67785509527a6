/*
 * Channels over sockets, and the null channel, through the public calls: what is read, what is
 * buffered, their limits on both sides, and what becomes of them when the peer goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <argo/io_channel.h>

#include "base/error.h"
#include "lib/runner.h"

static argo_io_channel *ch;
static int peer;

static void setup(void)
{
    ck_assert_int_eq(argo_io_channel_new_socketpair(&ch, &peer, NULL), 0);
}

static void teardown(void)
{
    argo_io_channel_free(ch);
    if (peer >= 0) {
        close(peer);
    }
}

static void hang_up(void)
{
    ck_assert_int_eq(close(peer), 0);
    peer = -1;
}

static void peer_says(const void *data, size_t len)
{
    ck_assert_int_eq(send(peer, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* What has arrived at the peer, at most SIZE bytes; 0 when there is nothing. */
static size_t peer_hears(char *buffer, size_t size)
{
    ssize_t n = recv(peer, buffer, size, MSG_DONTWAIT);
    ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
    return n > 0 ? (size_t)n : 0;
}

static void ck_line(const char *expected)
{
    char *line = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, NULL), 0);
    ck_assert_str_eq(line, expected);
    free(line);
}

/* ---- reading ------------------------------------------------------------------------------------ */

START_TEST(a_read_takes_what_is_there)
{
    char buffer[16];
    size_t len = 99;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, &err),
                     ARGO_E_WOULDBLOCK);
    ck_assert_ptr_null(err);
    ck_assert_uint_eq(len, 99);
    peer_says("abc", 3);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 2, &len, &err), 0);
    ck_assert_uint_eq(len, 2);
    ck_assert_mem_eq(buffer, "ab", 2);
    peer_says("def", 3); /* what is kept comes first, and alone */
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, &err), 0);
    ck_assert_uint_eq(len, 1);
    ck_assert_mem_eq(buffer, "c", 1);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, &err), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(buffer, "def", 3);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, &err),
                     ARGO_E_WOULDBLOCK);
}
END_TEST

START_TEST(the_end_comes_after_the_last_byte)
{
    char buffer[16];
    size_t len;
    peer_says("abc", 3);
    hang_up();
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 2, &len, NULL), 0);
    ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
    ck_assert(!argo_io_channel_eof(ch));
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 2, &len, NULL), 0);
    ck_assert_uint_eq(len, 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(argo_io_channel_read(ch, buffer, 2, &len, NULL), ARGO_IO_EOF);
        ck_assert(argo_io_channel_eof(ch));
    }
    char *line = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, NULL), ARGO_IO_EOF);
    ck_assert_ptr_null(line);
}
END_TEST

START_TEST(half_a_close_is_the_end_of_reading_only)
{
    char buffer[16];
    size_t len;
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, NULL), ARGO_IO_EOF);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "still here", NULL), 0);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, NULL), 0);
    ck_assert_uint_eq(peer_hears(buffer, sizeof(buffer)), 10);
}
END_TEST

START_TEST(lines_lose_their_newline)
{
    char *line = NULL;
    size_t len = 0;
    peer_says("one\n\ntwo\r\nth", 12);
    ck_line("one");
    ck_line("");
    ck_line("two\r");
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, NULL), ARGO_E_WOULDBLOCK);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, 1, &line, NULL, &err), ARGO_E_TIMEOUT);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_TIMEOUT);
    peer_says("ree\na\0b\nlast", 12); /* nothing of it was lost */
    ck_line("three");
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, &len, NULL), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(line, "a\0b", 4);
    free(line);
    line = NULL;
    hang_up(); /* which ends a line too */
    ck_line("last");
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, NULL), ARGO_IO_EOF);
    ck_assert_ptr_null(line);
}
END_TEST

/* Sends LEN bytes 'x', however much the socket takes at once. */
static void peer_says_xs(size_t len)
{
    char xs[8192];
    memset(xs, 'x', sizeof(xs));
    while (len > 0) {
        size_t n = len < sizeof(xs) ? len : sizeof(xs);
        peer_says(xs, n);
        ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
        len -= n;
    }
}

static void ck_long_line(size_t expected)
{
    char *line = NULL;
    size_t len = 0;
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, &len, NULL), 0);
    ck_assert_uint_eq(len, expected);
    ck_assert_uint_eq(strspn(line, "x"), expected);
    free(line);
}

static void ck_too_long(void)
{
    char *line = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, &err), ARGO_E_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "65536"));
    ck_assert_ptr_null(line);
}

START_TEST(the_longest_line)
{
    peer_says_xs(ARGO_IO_LINE_MAX);
    char *line = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, NULL), ARGO_E_WOULDBLOCK);
    peer_says("\n", 1);
    ck_long_line(ARGO_IO_LINE_MAX);
    peer_says_xs(ARGO_IO_LINE_MAX);
    hang_up();
    ck_long_line(ARGO_IO_LINE_MAX);
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, NULL), ARGO_IO_EOF);
}
END_TEST

START_TEST(a_line_that_is_too_long)
{
    char buffer[ARGO_IO_LINE_MAX];
    size_t len;
    peer_says_xs(ARGO_IO_LINE_MAX + 1);
    ck_too_long(); /* whether its end comes or not */
    peer_says("\nnext\n", 6);
    ck_too_long();
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, ARGO_IO_LINE_MAX, &len, NULL), 0);
    ck_assert_uint_eq(len, ARGO_IO_LINE_MAX);
    ck_line("x");
    ck_line("next");
    peer_says_xs(ARGO_IO_LINE_MAX + 1);
    hang_up();
    ck_too_long();
}
END_TEST

static void *slow_peer(void *unused)
{
    const char *text = "slowly\n";
    for (size_t i = 0; text[i] != '\0'; i++) {
        peer_says(text + i, 1);
    }
    return NULL;
}

START_TEST(a_line_is_waited_for)
{
    pthread_t thread;
    char *line = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, slow_peer, NULL), 0);
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, NULL), 0);
    ck_assert_str_eq(line, "slowly");
    free(line);
    pthread_join(thread, NULL);
}
END_TEST

/* ---- writing ------------------------------------------------------------------------------------ */

START_TEST(what_is_written_goes_with_the_flush)
{
    char buffer[16];
    ck_assert_int_eq(argo_io_channel_write(ch, "ab", 2, NULL), 0);
    ck_assert_int_eq(argo_io_channel_write(ch, NULL, 0, NULL), 0);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "c", NULL), 0);
    ck_assert_uint_eq(peer_hears(buffer, sizeof(buffer)), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 3);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, NULL), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_uint_eq(peer_hears(buffer, sizeof(buffer)), 3);
    ck_assert_mem_eq(buffer, "abc", 3);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "d", NULL), 0);
    ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
    ck_assert_uint_eq(peer_hears(buffer, sizeof(buffer)), 1);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, NULL), 0); /* nothing is nothing */
}
END_TEST

/* A channel over a socket that takes as little as a socket can. */
static void with_tiny_buffer(void)
{
    int fds[2];
    int one = 1;
    teardown();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &one, sizeof(one)), 0);
    ck_assert_int_eq(argo_io_channel_new_fd(fds[0], &ch, NULL), 0);
    peer = fds[1];
}

static char pattern(size_t i)
{
    return (char)('a' + i % 23);
}

START_TEST(short_writes_lose_nothing)
{
    static char data[ARGO_IO_BUFFER_MAX];
    static char heard[ARGO_IO_BUFFER_MAX];
    size_t n = 0;
    size_t turns = 0;
    with_tiny_buffer();
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = pattern(i);
    }
    ck_assert_int_eq(argo_io_channel_write(ch, data, sizeof(data), NULL), 0);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, NULL), ARGO_E_WOULDBLOCK);
    ck_assert_int_eq(argo_io_channel_flush(ch, 1, NULL), ARGO_E_TIMEOUT);
    while (n < sizeof(heard)) {
        n += peer_hears(heard + n, sizeof(heard) - n);
        ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
        ck_assert_uint_lt(turns++, sizeof(data));
    }
    ck_assert_uint_gt(turns, 10);
    ck_assert_mem_eq(heard, data, sizeof(data));
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, NULL), 0);
}
END_TEST

START_TEST(the_buffer_is_bounded)
{
    static char data[ARGO_IO_BUFFER_MAX + 1];
    AG_AUTO(argo_error) err = NULL;
    with_tiny_buffer();
    ck_assert_int_eq(argo_io_channel_write(ch, data, sizeof(data), &err), ARGO_E_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "1048576"));
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    size_t before;
    ck_assert_int_eq(argo_io_channel_write(ch, data, sizeof(data) - 1, NULL), 0);
    do { /* until the socket takes no more */
        before = argo_io_channel_pending(ch);
        ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
    } while (argo_io_channel_pending(ch) < before);
    argo_error *untouched = NULL;
    size_t room = ARGO_IO_BUFFER_MAX - before;
    ck_assert_int_eq(argo_io_channel_write(ch, data, room + 1, &untouched), ARGO_E_WOULDBLOCK);
    ck_assert_ptr_null(untouched);
    ck_assert_uint_eq(argo_io_channel_pending(ch), before);
    ck_assert_int_eq(argo_io_channel_write(ch, data, room, NULL), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), ARGO_IO_BUFFER_MAX);
    ck_assert_int_eq(argo_io_channel_write(ch, data, 1, NULL), ARGO_E_WOULDBLOCK);
    while (peer_hears(data, sizeof(data)) > 0) {
    }
    ck_assert_int_eq(argo_io_channel_write(ch, data, 1, NULL), 0); /* which sends by itself */
}
END_TEST

/* Dies of SIGPIPE when that is raised. */
START_TEST(a_peer_that_has_gone)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    peer_says("bye", 3);
    hang_up();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello", NULL), 0);
    ck_assert_int_eq(argo_io_channel_flush(ch, -1, &err), ARGO_E_SYSTEM);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "Broken pipe"));
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello?", &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(argo_io_channel_flush(ch, -1, &err), ARGO_E_SYSTEM);
    ck_line("bye");
    ck_assert(argo_io_channel_eof(ch));
    ck_assert_int_eq(argo_io_channel_close(ch, -1, &err), ARGO_E_SYSTEM);
}
END_TEST

/* ---- other sockets ------------------------------------------------------------------------------ */

static void connect_tcp(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    teardown();
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_io_channel_new_fd(listener, &ch, &err), ARGO_E_INVALID);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, len), 0);
    peer = accept(listener, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(argo_io_channel_new_fd(fd, &ch, NULL), 0);
    close(listener);
}

START_TEST(tcp_and_a_reset)
{
    char buffer[8];
    size_t len;
    AG_AUTO(argo_error) err = NULL;
    connect_tcp();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hi\n", NULL), 0);
    ck_assert_int_eq(argo_io_channel_flush(ch, -1, NULL), 0);
    ck_assert_int_eq(recv(peer, buffer, sizeof(buffer), 0), 3);
    peer_says("ho\n", 3);
    char *line = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, NULL), 0);
    ck_assert_str_eq(line, "ho");
    free(line);
    const struct linger reset = {1, 0};
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    hang_up();
    line = NULL;
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, &err), ARGO_E_SYSTEM);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "reset"));
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, &err), ARGO_E_SYSTEM);
    ck_assert(!argo_io_channel_eof(ch)); /* it did not come to its end */
}
END_TEST

static void refuses(int fd)
{
    argo_io_channel *out = NULL;
    AG_AUTO(argo_error) err = NULL;
    bool open = fcntl(fd, F_GETFD) >= 0;
    ck_assert_int_eq(argo_io_channel_new_fd(fd, &out, &err), ARGO_E_INVALID);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_INVALID);
    ck_assert_ptr_null(out);
    ck_assert(open == (fcntl(fd, F_GETFD) >= 0)); /* it stays the caller's */
    if (open) {
        close(fd);
    }
}

START_TEST(only_stream_sockets)
{
    int fds[2];
    refuses(-1);
    refuses(open("/dev/null", O_RDWR));
    refuses(socket(AF_UNIX, SOCK_DGRAM, 0));
    ck_assert_int_eq(pipe(fds), 0);
    refuses(fds[0]);
    refuses(fds[1]);
    ck_assert_int_eq(argo_io_channel_new_fd(peer, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_new_socketpair(NULL, fds, NULL), ARGO_E_INVALID);
    argo_io_channel *out = NULL;
    ck_assert_int_eq(argo_io_channel_new_socketpair(&out, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_new_null(NULL, NULL), ARGO_E_INVALID);
}
END_TEST

/* ---- the object --------------------------------------------------------------------------------- */

START_TEST(the_fd_is_the_channels)
{
    int fds[2];
    char buffer[8];
    teardown();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    peer = fds[1];
    ck_assert_int_eq(argo_io_channel_new_fd(fds[0], &ch, NULL), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0); /* its mode was left alone */
    ck_assert_int_eq(argo_io_channel_write_str(ch, "dropped", NULL), 0);
    argo_io_channel_free(ch);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
    ck_assert_int_eq(recv(peer, buffer, sizeof(buffer), 0), 0);
    close(peer);
    setup();
    ck_assert_int_ne(fcntl(peer, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(fcntl(peer, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

static void ck_closed(void)
{
    char buffer[8];
    size_t len;
    char *line = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, &line, NULL, &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_write(ch, "x", 1, &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "x", &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_close(ch, 0, &err), ARGO_E_STATE);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_STATE);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
    ck_assert_int_eq(argo_io_channel_get_timeout(ch), -1);
}

START_TEST(a_close_sends_first)
{
    char buffer[8];
    ck_assert_int_eq(argo_io_channel_write_str(ch, "last", NULL), 0);
    ck_assert_int_eq(argo_io_channel_close(ch, -2, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_close(ch, -1, NULL), 0);
    ck_assert_int_eq(recv(peer, buffer, sizeof(buffer), 0), 4);
    ck_assert_int_eq(recv(peer, buffer, sizeof(buffer), 0), 0);
    ck_closed();
}
END_TEST

START_TEST(a_close_does_not_wait_for_ever)
{
    static char data[ARGO_IO_BUFFER_MAX];
    with_tiny_buffer();
    ck_assert_int_eq(argo_io_channel_write(ch, data, sizeof(data), NULL), 0);
    ck_assert_int_eq(argo_io_channel_close(ch, 1, NULL), ARGO_E_TIMEOUT);
    ck_closed();
}
END_TEST

START_TEST(arguments_are_checked)
{
    char buffer[8];
    size_t len;
    char *line = NULL;
    ck_assert_int_eq(argo_io_channel_read(NULL, buffer, 1, &len, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read(ch, NULL, 1, &len, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 0, &len, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read_line(NULL, 0, &line, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read_line(ch, -2, &line, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_read_line(ch, 0, NULL, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_write(NULL, "x", 1, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_write(ch, NULL, 1, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_write_str(ch, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_flush(NULL, 0, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_flush(ch, -2, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_close(NULL, 0, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_dispatch(NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_get_fd(NULL), -1);
    ck_assert_int_eq(argo_io_channel_get_timeout(NULL), -1);
    ck_assert_int_eq(argo_io_channel_get_events(ch), POLLIN);
    ck_assert_uint_eq(argo_io_channel_pending(NULL), 0);
    ck_assert(!argo_io_channel_eof(NULL));
    argo_io_channel_free(NULL);
}
END_TEST

START_TEST(the_null_channel)
{
    char buffer[8];
    size_t len;
    char *line = NULL;
    teardown();
    peer = -1;
    ck_assert_int_eq(argo_io_channel_new_null(&ch, NULL), 0);
    ck_assert(argo_io_channel_eof(ch));
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, NULL), ARGO_IO_EOF);
    ck_assert_int_eq(argo_io_channel_read_line(ch, -1, &line, NULL, NULL), ARGO_IO_EOF);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "nobody hears this", NULL), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_int_eq(argo_io_channel_flush(ch, -1, NULL), 0);
    ck_assert_int_eq(argo_io_channel_close(ch, -1, NULL), 0);
    ck_closed();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("io/fd");
    TCase *t = tcase_create("fd");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_read_takes_what_is_there);
    tcase_add_test(t, the_end_comes_after_the_last_byte);
    tcase_add_test(t, half_a_close_is_the_end_of_reading_only);
    tcase_add_test(t, lines_lose_their_newline);
    tcase_add_test(t, the_longest_line);
    tcase_add_test(t, a_line_that_is_too_long);
    tcase_add_test(t, a_line_is_waited_for);
    tcase_add_test(t, what_is_written_goes_with_the_flush);
    tcase_add_test(t, short_writes_lose_nothing);
    tcase_add_test(t, the_buffer_is_bounded);
    tcase_add_test(t, a_peer_that_has_gone);
    tcase_add_test(t, tcp_and_a_reset);
    tcase_add_test(t, only_stream_sockets);
    tcase_add_test(t, the_fd_is_the_channels);
    tcase_add_test(t, a_close_sends_first);
    tcase_add_test(t, a_close_does_not_wait_for_ever);
    tcase_add_test(t, arguments_are_checked);
    tcase_add_test(t, the_null_channel);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
