/*
 * HTTP by hand: as little between the measurement and the socket as can be, and the same for floor
 * and subject. It understands what the daemon and the floors send: a Content-Length, no chunks.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

static void wire_open(struct bench_wire *w, int family, const struct sockaddr *addr, socklen_t len)
{
    *w = (struct bench_wire){.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (w->fd < 0 || connect(w->fd, addr, len) < 0) {
        bench_die("connect: %s", strerror(errno));
    }
}

void bench_connect_unix(struct bench_wire *w, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    wire_open(w, AF_UNIX, (struct sockaddr *)&addr, sizeof(addr));
}

void bench_connect_tcp(struct bench_wire *w, uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    wire_open(w, AF_INET, (struct sockaddr *)&addr, sizeof(addr));
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void bench_hang_up(struct bench_wire *w)
{
    close(w->fd);
    free(w->data);
    *w = (struct bench_wire){.fd = -1};
}

void bench_send(struct bench_wire *w, const char *text)
{
    size_t len = strlen(text);
    if (send(w->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len) {
        bench_die("send: %s", strerror(errno));
    }
}

bool bench_receive(struct bench_wire *w)
{
    if (w->cap - w->len < 2048) {
        w->cap = w->cap == 0 ? 4096 : w->cap * 2;
        w->data = realloc(w->data, w->cap + 1);
        if (w->data == NULL) {
            bench_die("no memory");
        }
    }
    ssize_t n = recv(w->fd, w->data + w->len, w->cap - w->len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        bench_die("the connection has ended: %s", n == 0 ? "hung up" : strerror(errno));
    }
    w->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

const char *bench_take(struct bench_wire *w)
{
    static const char length[] = "Content-Length: ";
    w->len -= w->used;
    if (w->len == 0) {
        w->used = 0;
        return NULL;
    }
    memmove(w->data, w->data + w->used, w->len);
    w->used = 0;
    w->data[w->len] = '\0';
    char *body = strstr(w->data, "\r\n\r\n");
    char *field = body == NULL ? NULL : strstr(w->data, length);
    size_t size = field == NULL ? 0 : strtoul(field + sizeof(length) - 1, NULL, 10);
    if (body == NULL || w->len < (size_t)(body + 4 - w->data) + size) {
        return NULL;
    }
    if (strncmp(w->data, "HTTP/1.1 2", 10) != 0) {
        bench_die("refused: %s", w->data);
    }
    w->used = (size_t)(body + 4 - w->data) + size;
    /* Nobody sends ahead: what follows the reply is its NUL. */
    w->data[w->used] = '\0';
    return body + 4;
}

const char *bench_await(struct bench_wire *w)
{
    const char *body = bench_take(w);
    while (body == NULL) {
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        (void)poll(&p, 1, -1);
        (void)bench_receive(w);
        body = bench_take(w);
    }
    return body;
}

char *bench_request(const char *method, const char *path, const char *body, const char *head)
{
    char *text = NULL;
    int n = asprintf(&text, "%s %s HTTP/1.1\r\n%s%sContent-Length: %zu\r\n\r\n%s", method, path,
                     head != NULL ? head : "Host: localhost\r\n",
                     body != NULL ? "Content-Type: application/json\r\n" : "",
                     body != NULL ? strlen(body) : 0, body != NULL ? body : "");
    if (n < 0) {
        bench_die("no memory");
    }
    return text;
}

argo_value *bench_parse(const char *text)
{
    argo_value *value = NULL;
    argo_error *err = NULL;
    if (argo_value_parse(text, strlen(text), &value, &err) < 0) {
        bench_die("%s", argo_error_details(err));
    }
    return value;
}

argo_value *bench_call(struct bench *b, const char *method, const char *path, const char *body)
{
    struct bench_wire w;
    char *request = bench_request(method, path, body, NULL);
    bench_connect_unix(&w, b->socket);
    bench_send(&w, request);
    argo_value *reply = bench_parse(bench_await(&w));
    bench_hang_up(&w);
    free(request);
    return reply;
}
