/*
 * An HTTP client for tests that writes its bytes by hand and reads what comes back as it is. It
 * needs nothing of libargo. When the server runs in the same thread, PUMP lets it work.
 */
#ifndef TESTS_LIB_RAWCLIENT_H
#define TESTS_LIB_RAWCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_client {
    int fd;
    void (*pump)(void *user); /* NULL: the server is elsewhere, reads wait for it */
    void *user;
    char *data; /* received, not yet consumed; NUL-terminated */
    size_t len, cap;
    bool closed; /* the server has hung up */
};

struct raw_reply {
    int status;
    char *head; /* status line and headers, without the blank line */
    char *body; /* NUL-terminated */
    size_t body_len;
};

/* How long reads wait at most, in ms; with a pump, how often it is called with nothing coming. */
#define RAW_PATIENCE 10000

bool raw_connect_tcp(struct raw_client *client, uint16_t port, void (*pump)(void *), void *user);
bool raw_connect_unix(struct raw_client *client, const char *path, void (*pump)(void *),
                      void *user);
void raw_close(struct raw_client *client);

/* False when the server has closed before everything was written. */
bool raw_send(struct raw_client *client, const void *bytes, size_t len);
bool raw_send_text(struct raw_client *client, const char *text);

/* Reads one reply; IS_HEAD: it has no body whatever its headers say. False when the connection
 * closed (or patience ended) before a whole one had come. */
bool raw_read_reply(struct raw_client *client, bool is_head, struct raw_reply *out);
/* Receives what is there already, without waiting; false when that is nothing. */
bool raw_receive(struct raw_client *client);
/* Reads until the server hangs up; false when it does not. What came is in data. */
bool raw_read_all(struct raw_client *client);
void raw_reply_clear(struct raw_reply *reply);
/* The value of the first header of this name, copied into BUF; NULL when there is none. */
const char *raw_header(const struct raw_reply *reply, const char *name, char *buf, size_t size);

#endif
