/*
 * The raw client: nonblocking sockets, one growing receive buffer, replies cut out of it. It
 * judges nothing: assertions are the test's.
 */
#include "lib/rawclient.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 65536
#define POLL_MS   10

static bool start(struct raw_client *client, int fd, const struct sockaddr *addr, socklen_t len,
                  void (*pump)(void *), void *user)
{
    *client = (struct raw_client){.fd = fd, .pump = pump, .user = user};
    client->data = calloc(1, 1);
    client->cap = 1;
    if (client->data == NULL || fd < 0 || connect(fd, addr, len) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        raw_close(client);
        return false;
    }
    return true;
}

bool raw_connect_tcp(struct raw_client *client, uint16_t port, void (*pump)(void *), void *user)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return start(client, fd, (const struct sockaddr *)&addr, sizeof(addr), pump, user);
}

bool raw_connect_unix(struct raw_client *client, const char *path, void (*pump)(void *), void *user)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    return start(client, fd, (const struct sockaddr *)&addr, sizeof(addr), pump, user);
}

void raw_close(struct raw_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    free(client->data);
    client->fd = -1;
    client->data = NULL;
    client->len = client->cap = 0;
}

/* Lets the server go on, or waits for it. */
static void wait_for(struct raw_client *client, short events)
{
    struct pollfd p = {.fd = client->fd, .events = events};
    if (client->pump != NULL) {
        client->pump(client->user);
    } else {
        poll(&p, 1, POLL_MS);
    }
}

bool raw_send(struct raw_client *client, const void *bytes, size_t len)
{
    const char *at = bytes;
    int patience = RAW_PATIENCE / POLL_MS;
    while (len > 0) {
        ssize_t n = send(client->fd, at, len, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
            patience = RAW_PATIENCE / POLL_MS;
        } else if ((errno != EAGAIN && errno != EINTR) || patience-- == 0) {
            return false;
        } else {
            wait_for(client, POLLOUT);
        }
    }
    return true;
}

bool raw_send_text(struct raw_client *client, const char *text)
{
    return raw_send(client, text, strlen(text));
}

static bool make_room(struct raw_client *client)
{
    if (client->cap > client->len + READ_SIZE) {
        return true;
    }
    size_t cap = 2 * client->cap + READ_SIZE + 1;
    char *grown = realloc(client->data, cap);
    if (grown == NULL) {
        return false;
    }
    client->data = grown;
    client->cap = cap;
    return true;
}

bool raw_receive(struct raw_client *client)
{
    ssize_t n;
    bool any = false;
    while (!client->closed && make_room(client) &&
           (n = recv(client->fd, client->data + client->len, READ_SIZE, 0)) != -1) {
        client->closed = n == 0;
        client->len += (size_t)n;
        client->data[client->len] = '\0';
        any = any || n > 0;
    }
    client->closed = client->closed || (errno != EAGAIN && errno != EINTR);
    return any;
}

/* Receives something more; false when nothing more will come. */
static bool receive(struct raw_client *client)
{
    for (int patience = RAW_PATIENCE / POLL_MS; patience > 0 && !client->closed; patience--) {
        if (raw_receive(client)) {
            return true;
        }
        if (!client->closed) {
            wait_for(client, POLLIN);
        }
    }
    return false;
}

bool raw_read_all(struct raw_client *client)
{
    while (receive(client)) {
    }
    return client->closed;
}

const char *raw_header(const struct raw_reply *reply, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);
    for (const char *at = reply->head; (at = strstr(at, "\r\n")) != NULL;) {
        at += 2;
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            at += len + 1;
            at += strspn(at, " ");
            snprintf(buf, size, "%.*s", (int)strcspn(at, "\r"), at);
            return buf;
        }
    }
    return NULL;
}

static void consume(struct raw_client *client, size_t n)
{
    memmove(client->data, client->data + n, client->len - n + 1);
    client->len -= n;
}

bool raw_read_reply(struct raw_client *client, bool is_head, struct raw_reply *out)
{
    char length[32];
    char *end;
    *out = (struct raw_reply){0};
    while ((end = strstr(client->data, "\r\n\r\n")) == NULL) {
        if (!receive(client)) {
            return false;
        }
    }
    size_t head_len = (size_t)(end - client->data);
    out->head = strndup(client->data, head_len);
    if (out->head == NULL || sscanf(out->head, "HTTP/1.1 %d", &out->status) != 1) {
        raw_reply_clear(out);
        return false;
    }
    consume(client, head_len + 4);
    if (!is_head && raw_header(out, "Content-Length", length, sizeof(length)) != NULL) {
        out->body_len = strtoul(length, NULL, 10);
    }
    while (client->len < out->body_len) {
        if (!receive(client)) {
            raw_reply_clear(out);
            return false;
        }
    }
    out->body = strndup(client->data, out->body_len);
    consume(client, out->body_len);
    return out->body != NULL;
}

void raw_reply_clear(struct raw_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct raw_reply){0};
}
