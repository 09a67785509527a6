/*
 * The chat completions protocol as text: the request's body, and what a reply or a piece of one
 * says. Pure functions; sends nothing.
 */
#ifndef AG_PROVIDER_CHAT_H
#define AG_PROVIDER_CHAT_H

#include "base/buf.h"
#include "wire/value.h"

#define AG_CHAT_MAX ((size_t)16 * 1024 * 1024)

/* What has been said so far. */
struct ag_chat {
    struct ag_buf text;
    char *finish_reason; /* NULL: not said yet */
    char *model;         /* as the server names it, or NULL */
    ag_value *usage;     /* the server's own object, or NULL */
    ag_value *event;     /* the last one: the text handed out lives in it */
    bool finished;       /* a finish reason or [DONE] has come */
    bool passing;        /* it is an error, of a kind that passes */
};

void ag_chat_init(struct ag_chat *c);
void ag_chat_free(struct ag_chat *c); /* may be used again */

/* The body for a canonical request (see internal.h). Caller frees; NULL without memory. */
char *ag_chat_request(const ag_value *request, bool stream, size_t *len);
/* One event of a stream; *TEXT is what it adds (until the next event), or stays as it was. */
int ag_chat_event(struct ag_chat *c, const char *event, size_t len, const char **text,
                  argo_error **err);
/* A whole reply that was not streamed. */
int ag_chat_reply(struct ag_chat *c, const char *body, size_t len, argo_error **err);
/* Whether a reply with this HTTP status is worth another attempt. */
bool ag_chat_status_passes(int64_t status);
/* {"model","input_tokens","output_tokens","cost_usd"}, without what is not known. NULL without
 * memory. */
ag_value *ag_chat_usage(const struct ag_chat *c, const ag_value *request);
/* The words of an error reply, shortened; its raw text when it is not as expected. Caller frees;
 * NULL without memory. */
char *ag_chat_error_text(const char *body, size_t len);

#endif
