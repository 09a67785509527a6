/*
 * What the tests of CI calls share: a home, a scripted server, and what the events said.
 */
#ifndef TESTS_UNIT_PROVIDER_FIXTURE_H
#define TESTS_UNIT_PROVIDER_FIXTURE_H

#include "lib/fakehttp.h"
#include "provider/provider.h"

extern ag_loop *loop;
extern struct fakehttp *server;
extern struct ag_provider_env env;
extern char home[];
extern ag_ci_call *call;

extern struct seen {
    bool done;
    int done_count, texts, retries;
    int code;
    char details[2048];
    char text[8192];   /* from on_text */
    char labels[256];  /* the last label of on_text */
    char result[8192]; /* of the result */
    char label[256];
    char finish[64];
    ag_value *usage;
    int64_t delay; /* of the last retry */
    bool cancel_on_text, cancel_on_retry;
} seen;

extern const struct ag_ci_events events;

void fixture_setup(void);
void fixture_teardown(void);
/* HOME/NAME, made with its parents. */
void fixture_file(const char *name, const char *content, mode_t mode);
const char *fixture_path(const char *name);
/* A CI of the scripted server. */
struct ag_ci fixture_ci(void);
/* One user message; set the rest as needed. */
struct ag_ci_request fixture_request(const char *content);
/* The code of ag_ci_call_start, else of the call's end. */
int fixture_ask(const struct ag_ci *ci, const struct ag_ci *upstream,
                const struct ag_ci_request *request);
/* A whole streamed reply: N data lines, then the end. */
void fixture_stream(const char *const *data, size_t n, bool done);

#endif
