/*
 * What the two halves share: http.c drives the multi handle on the loop, transfer.c owns one
 * request. Nobody else includes this.
 */
#ifndef AG_HTTP_INTERNAL_H
#define AG_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "base/list.h"
#include "http/http.h"

struct ag_http {
    ag_loop *loop;
    argo_context *ctx;
    CURLM *multi;
    ag_timer *timer; /* libcurl's own one timer */
    ag_defer *soon;  /* its timer has run out already */
    struct ag_list transfers;
    struct ag_list sockets; /* what libcurl wants watched */
};

struct ag_transfer {
    struct ag_list link;
    ag_http *http;
    CURL *easy;
    struct curl_slist *headers; /* must outlive the transfer */
    struct ag_http_events events;
    void *user;
    ag_timer *idle;
    int64_t idle_ms;
    ag_defer *deliver;
    struct ag_buf body; /* on_data: what has come since the last delivery */
    size_t received;
    size_t max_response;
    bool streamed; /* the reply is 2xx and on_data takes its body */
    bool head_whole;
    bool connected; /* at least once: a timeout is the server's, not the network's */
    bool reuse_only;
    bool over_socket;
    bool in_multi;
    bool done;
    bool reporting; /* inside on_done */
    int failure;    /* a code of ours for what libcurl sees as a failed callback, or 0 */
    CURLcode result;
    bool *gone; /* set when a callback frees the transfer that it was called for */
    char reason[CURL_ERROR_SIZE];
};

int ag_transfer_new(ag_http *http, const struct ag_http_request *request, ag_transfer **out,
                    argo_error **err);
void ag_transfer_free(ag_transfer *t);
/* The transfer has ended with RESULT; it leaves the multi handle, and on_done follows. */
void ag_transfer_finish(ag_transfer *t, CURLcode result);

#endif
