/*
 * What a server says, whatever its dialect: the reply as it gathers from events or comes whole, its
 * usage, and errors in their own words. Pure functions; sends nothing.
 */
#ifndef AG_PROVIDER_REPLY_H
#define AG_PROVIDER_REPLY_H

#include "base/buf.h"
#include "wire/value.h"

#define AG_REPLY_MAX ((size_t)16 * 1024 * 1024)

struct ag_dialect;

/* What has been said so far. */
struct ag_reply {
    const struct ag_dialect *dialect;
    struct ag_buf text;
    char *finish_reason; /* NULL: not said yet */
    char *model;         /* as the server names it, or NULL */
    ag_value *usage; /* {"input_tokens","output_tokens","cost_usd"...}: what is known, or NULL */
    ag_value *event; /* the last one: the text handed out lives in it */
    bool finished;   /* its end has come */
    bool passing;    /* it is an error, of a kind that passes */
    bool whole;      /* no part of the text is good by itself: it is handed on at the end */
    bool wrapped;    /* the text is {"value": ...} and means the value */
};

/* A protocol over HTTP: what differs between the servers that remote.c asks. */
struct ag_dialect {
    const char *noun;     /* of a reply: "not a NOUN: ..." */
    const char *base_url; /* of a CI that gives none; NULL: it must give one */
    const char *example;
    const char *path;       /* added to the base URL */
    const char *key_header; /* before the key */
    const char *header;     /* one more, or NULL */
    bool schema_is_tool;    /* a reply to a schema is the input of a tool, and comes whole */
    /* The body for a canonical request (internal.h); NULL without memory. */
    ag_value *(*request)(const ag_value *request, bool stream);
    /* One event of a stream. *TEXT is what it adds, within EVENT, or stays as it was. */
    int (*event)(struct ag_reply *r, const ag_value *event, const char **text, argo_error **err);
    /* A reply that was not streamed. */
    int (*reply)(struct ag_reply *r, const ag_value *reply, argo_error **err);
};

extern const struct ag_dialect ag_dialect_chat;     /* OpenAI's chat completions */
extern const struct ag_dialect ag_dialect_messages; /* Anthropic's messages */

/* REQUEST is the canonical one. */
void ag_reply_init(struct ag_reply *r, const struct ag_dialect *dialect, const ag_value *request);
void ag_reply_free(struct ag_reply *r);

/* One event of a stream, as text; *TEXT as above, until the next event. */
int ag_reply_event(struct ag_reply *r, const char *event, size_t len, const char **text,
                   argo_error **err);
int ag_reply_read(struct ag_reply *r, const char *body, size_t len, argo_error **err);
/* The end: takes the value out of what wraps it. */
int ag_reply_finish(struct ag_reply *r, argo_error **err);
/* {"model","input_tokens","output_tokens","cost_usd",...}, without what is not known. NULL without
 * memory. */
ag_value *ag_reply_usage(const struct ag_reply *r, const ag_value *request);

/* Whether a reply with this HTTP status is worth another attempt. */
bool ag_status_passes(int64_t status);
/* The words of an error reply, shortened; its raw text when it is not as expected. Caller frees;
 * NULL without memory. */
char *ag_error_words(const char *body, size_t len);

/* ---- for dialects ---------------------------------------------------------------------------- */

/* When REPLY is or has an error: notes whether it passes, and is one. */
int ag_reply_check(struct ag_reply *r, const ag_value *reply, argo_error **err);
/* Remembers TEXT, unless it is NULL. */
int ag_reply_note(char **kept, const char *text, argo_error **err);
/* The number of that key that can be what somebody has used, or NULL. */
const ag_value *ag_reply_number(const ag_value *from, const char *key);
/* Copies it, if there is one, to the reply's usage. */
int ag_reply_count(struct ag_reply *r, const char *name, const ag_value *from, const char *key);
/* Takes `usage` as Anthropic's API and CLI say it. */
int ag_messages_usage(struct ag_reply *r, const ag_value *usage, argo_error **err);
/* The input of a tool is an object: whether SCHEMA asks for another type, and is to be wrapped. */
bool ag_schema_is_wrapped(const ag_value *schema);
/* SCHEMA itself, or an object with it as `value`. NULL without memory. */
ag_value *ag_schema_wrap(const ag_value *schema);

#endif
