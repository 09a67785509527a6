/*
 * A scripted HTTP server on the test's own loop: it answers the requests in order with canned
 * bytes, and keeps every byte that it was sent. Nothing in it depends on time.
 */
#ifndef TESTS_LIB_FAKEHTTP_H
#define TESTS_LIB_FAKEHTTP_H

#include "base/loop.h"

struct fakehttp;

struct fake_reply {
    const char *bytes; /* head and body, as they go out; NULL: close without a byte */
    size_t len;        /* 0: strlen(bytes) */
    size_t cut_at;     /* close after so many bytes; 0: all of them */
    size_t step;       /* bytes per iteration of the loop; 0: all at once */
    bool hold;         /* nothing is sent until fakehttp_release */
    bool close;        /* close when all has been sent */
};

/* UNIX_PATH NULL: a free port of 127.0.0.1. Fails the test when it cannot listen. */
struct fakehttp *fakehttp_new(ag_loop *loop, const char *unix_path);
void fakehttp_free(struct fakehttp *f);
uint16_t fakehttp_port(const struct fakehttp *f);
/* "http://127.0.0.1:PORT" followed by PATH; valid until the next call. */
const char *fakehttp_url(struct fakehttp *f, const char *path);

/* The next request that has no reply yet gets it; the bytes are copied. */
void fakehttp_reply(struct fakehttp *f, const struct fake_reply *reply);
/* A complete reply with its Content-Length; HEADERS are whole lines with CRLF, or "". */
void fakehttp_answer(struct fakehttp *f, int status, const char *headers, const char *body);
/* Asked for every request for which no reply was queued. REPLY is filled by it; its bytes are
 * copied. false: 500. */
typedef bool (*fakehttp_fn)(const char *request, struct fake_reply *reply, void *user);
void fakehttp_on_request(struct fakehttp *f, fakehttp_fn fn, void *user);
void fakehttp_release(struct fakehttp *f);

size_t fakehttp_count(const struct fakehttp *f);       /* whole requests received */
size_t fakehttp_connections(const struct fakehttp *f); /* accepted so far */
/* Head and body of request number I, from 0. */
const char *fakehttp_request(const struct fakehttp *f, size_t i);
const char *fakehttp_body(const struct fakehttp *f, size_t i);
/* The value of a header, or NULL; valid until the next call. */
const char *fakehttp_header(struct fakehttp *f, size_t i, const char *name);
/* Everything that was received, on whatever connection. */
const char *fakehttp_received(const struct fakehttp *f);
/* Closes what is open, the listener too: as a daemon that was killed. */
void fakehttp_kill(struct fakehttp *f);
/* Closes the connections only. */
void fakehttp_hang_up(struct fakehttp *f);

/* Dispatches LOOP until *DONE. Fails the test after very many iterations. */
void fakehttp_run(ag_loop *loop, const bool *done);

#endif
