/*
 * The scripted HTTP server. It understands as much HTTP as our own clients send: a head, and a
 * body with Content-Length.
 */
#include "lib/fakehttp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <check.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/text.h"

#define MAX_BYTES    ((size_t)64 * 1024 * 1024)
#define MAX_REQUESTS 256
#define RUN_LIMIT    1000000

struct scripted {
    struct ag_list link;
    char *bytes;
    size_t len, step;
    bool hold, close;
};

struct connection {
    struct ag_list link;
    struct fakehttp *server;
    int fd;
    ag_io *io;
    ag_timer *next; /* paces a stepped reply: one step per iteration */
    struct ag_buf in;
    struct scripted *out;
    size_t sent;
};

struct fakehttp {
    ag_loop *loop;
    int listen_fd;
    ag_io *io;
    uint16_t port;
    struct ag_list replies, connections;
    fakehttp_fn fn;
    void *user;
    char *requests[MAX_REQUESTS];
    size_t n_requests, n_connections;
    struct ag_buf received;
    char scratch[4096];
};

static void scripted_free(struct scripted *s)
{
    if (s != NULL) {
        free(s->bytes);
        free(s);
    }
}

static void connection_free(struct connection *c)
{
    ag_list_remove(&c->link);
    ag_io_free(c->io);
    ag_timer_free(c->next);
    close(c->fd);
    ag_buf_free(&c->in);
    scripted_free(c->out);
    free(c);
}

static struct scripted *script(const struct fake_reply *reply)
{
    struct scripted *s = calloc(1, sizeof(*s));
    ck_assert_ptr_nonnull(s);
    s->len = reply->bytes == NULL ? 0 : reply->len > 0 ? reply->len : strlen(reply->bytes);
    s->close = reply->close || reply->bytes == NULL;
    if (reply->cut_at > 0 && reply->cut_at < s->len) {
        s->len = reply->cut_at;
        s->close = true;
    }
    s->bytes = malloc(s->len + 1);
    ck_assert_ptr_nonnull(s->bytes);
    if (s->len > 0) {
        memcpy(s->bytes, reply->bytes, s->len);
    }
    s->step = reply->step;
    s->hold = reply->hold;
    return s;
}

/* How long the request at the front is, 0 while it is not whole. */
static size_t request_length(const struct ag_buf *in)
{
    const char *end = in->len > 0 ? strstr(in->data, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - in->data) + 4;
    const char *length = strcasestr(in->data, "\r\nContent-Length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return in->len >= head + body ? head + body : 0;
}

static struct scripted *choose_reply(struct fakehttp *f, const char *request)
{
    struct scripted *s = ag_list_first(&f->replies, struct scripted, link);
    if (s != NULL) {
        ag_list_remove(&s->link);
        return s;
    }
    struct fake_reply reply = {0};
    if (f->fn == NULL || !f->fn(request, &reply, f->user)) {
        reply =
            (struct fake_reply){.bytes = "HTTP/1.1 500 Not scripted\r\nContent-Length: 0\r\n\r\n"};
    }
    return script(&reply);
}

static void proceed(struct connection *c);

static void next_request(struct connection *c)
{
    struct fakehttp *f = c->server;
    size_t len = c->out == NULL ? request_length(&c->in) : 0;
    if (len == 0) {
        return;
    }
    ck_assert_uint_lt(f->n_requests, MAX_REQUESTS);
    char *request = ag_strndup(c->in.data, len);
    ck_assert_ptr_nonnull(request);
    f->requests[f->n_requests++] = request;
    ag_buf_consume(&c->in, len);
    c->out = choose_reply(f, request);
    c->sent = 0;
    proceed(c);
}

/* Sends the next piece. May free C. */
static void proceed(struct connection *c)
{
    struct scripted *s = c->out;
    if (s == NULL || s->hold) {
        return;
    }
    size_t n = s->len - c->sent;
    n = s->step > 0 && s->step < n ? s->step : n;
    ssize_t wrote = n > 0 ? send(c->fd, s->bytes + c->sent, n, MSG_NOSIGNAL) : 0;
    if (wrote < 0 && errno != EAGAIN) {
        connection_free(c);
        return;
    }
    c->sent += wrote > 0 ? (size_t)wrote : 0;
    if (c->sent < s->len) {
        ag_timer_arm(c->next, 0);
        return;
    }
    if (s->close) {
        connection_free(c);
        return;
    }
    scripted_free(s);
    c->out = NULL;
    next_request(c);
}

static void on_next(ag_timer *timer, void *user)
{
    proceed(user);
}

static void on_readable(ag_io *io, int fd, uint32_t events, void *user)
{
    struct connection *c = user;
    char chunk[65536];
    ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
    if (n <= 0) {
        connection_free(c);
        return;
    }
    ag_buf_add(&c->server->received, chunk, (size_t)n);
    ck_assert_int_eq(ag_buf_add(&c->in, chunk, (size_t)n), 0);
    next_request(c);
}

static void on_accept(ag_io *io, int fd, uint32_t events, void *user)
{
    struct fakehttp *f = user;
    int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (conn < 0) {
        return;
    }
    struct connection *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    c->server = f;
    c->fd = conn;
    ag_buf_init(&c->in, MAX_BYTES);
    ag_list_append(&f->connections, &c->link);
    ck_assert_int_eq(ag_io_new(f->loop, conn, EPOLLIN, on_readable, c, &c->io, NULL), 0);
    ck_assert_int_eq(ag_timer_new(f->loop, on_next, c, &c->next, NULL), 0);
    f->n_connections++;
}

static void listen_tcp(struct fakehttp *f)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(f->listen_fd, (struct sockaddr *)&addr, len), 0);
    ck_assert_int_eq(getsockname(f->listen_fd, (struct sockaddr *)&addr, &len), 0);
    f->port = ntohs(addr.sin_port);
}

/* Through the directory's fd, so that the path may be longer than sun_path. */
static void listen_unix(struct fakehttp *f, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    ag_auto_free char *dir = ag_strndup(path, (size_t)(name - path));
    ag_auto_close int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ck_assert_int_ge(dir_fd, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
    unlink(path);
    f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(f->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

struct fakehttp *fakehttp_new(ag_loop *loop, const char *unix_path)
{
    struct fakehttp *f = calloc(1, sizeof(*f));
    ck_assert_ptr_nonnull(f);
    f->loop = loop;
    ag_list_init(&f->replies);
    ag_list_init(&f->connections);
    ag_buf_init(&f->received, MAX_BYTES);
    if (unix_path != NULL) {
        listen_unix(f, unix_path);
    } else {
        listen_tcp(f);
    }
    ck_assert_int_eq(listen(f->listen_fd, 16), 0);
    ck_assert_int_eq(ag_io_new(loop, f->listen_fd, EPOLLIN, on_accept, f, &f->io, NULL), 0);
    return f;
}

void fakehttp_hang_up(struct fakehttp *f)
{
    struct connection *c;
    while ((c = ag_list_first(&f->connections, struct connection, link)) != NULL) {
        connection_free(c);
    }
}

void fakehttp_kill(struct fakehttp *f)
{
    fakehttp_hang_up(f);
    if (f->listen_fd >= 0) {
        ag_io_free(ag_take(f->io));
        close(ag_take_fd(&f->listen_fd));
    }
}

void fakehttp_free(struct fakehttp *f)
{
    fakehttp_kill(f);
    struct scripted *s;
    while ((s = ag_list_first(&f->replies, struct scripted, link)) != NULL) {
        ag_list_remove(&s->link);
        scripted_free(s);
    }
    for (size_t i = 0; i < f->n_requests; i++) {
        free(f->requests[i]);
    }
    ag_buf_free(&f->received);
    free(f);
}

uint16_t fakehttp_port(const struct fakehttp *f)
{
    return f->port;
}

const char *fakehttp_url(struct fakehttp *f, const char *path)
{
    snprintf(f->scratch, sizeof(f->scratch), "http://127.0.0.1:%u%s", (unsigned)f->port, path);
    return f->scratch;
}

void fakehttp_reply(struct fakehttp *f, const struct fake_reply *reply)
{
    ag_list_append(&f->replies, &script(reply)->link);
}

void fakehttp_answer(struct fakehttp *f, int status, const char *headers, const char *body)
{
    ag_auto_free char *bytes = ag_asprintf("HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%s\r\n%s",
                                           status, strlen(body), headers, body);
    fakehttp_reply(f, &(struct fake_reply){.bytes = bytes});
}

void fakehttp_on_request(struct fakehttp *f, fakehttp_fn fn, void *user)
{
    f->fn = fn;
    f->user = user;
}

void fakehttp_release(struct fakehttp *f)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &f->connections)
    {
        struct connection *c = AG_CONTAINER_OF(pos, struct connection, link);
        if (c->out != NULL && c->out->hold) {
            c->out->hold = false;
            ag_timer_arm(c->next, 0);
        }
    }
}

size_t fakehttp_count(const struct fakehttp *f)
{
    return f->n_requests;
}

size_t fakehttp_connections(const struct fakehttp *f)
{
    return f->n_connections;
}

const char *fakehttp_request(const struct fakehttp *f, size_t i)
{
    ck_assert_uint_lt(i, f->n_requests);
    return f->requests[i];
}

const char *fakehttp_body(const struct fakehttp *f, size_t i)
{
    return strstr(fakehttp_request(f, i), "\r\n\r\n") + 4;
}

const char *fakehttp_header(struct fakehttp *f, size_t i, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = fakehttp_request(f, i); line != NULL; line = strstr(line, "\r\n")) {
        line += line[0] == '\r' ? 2 : 0;
        if (strncmp(line, "\r\n", 2) == 0) {
            break;
        }
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *value = line + len + 1 + strspn(line + len + 1, " ");
            snprintf(f->scratch, sizeof(f->scratch), "%.*s", (int)strcspn(value, "\r\n"), value);
            return f->scratch;
        }
    }
    return NULL;
}

const char *fakehttp_received(const struct fakehttp *f)
{
    return ag_buf_text(&f->received);
}

void fakehttp_run(ag_loop *loop, const bool *done)
{
    for (int i = 0; !*done; i++) {
        ck_assert_int_lt(i, RUN_LIMIT);
        ck_assert_int_eq(ag_loop_dispatch(loop, 1000, NULL), 0);
    }
}
