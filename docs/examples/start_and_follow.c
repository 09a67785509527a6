/*
 * Starts a workflow at a daemon that runs, follows what it tells and answers its question, in a
 * poll loop in which nothing blocks. Ends with the run. Usage: start_and_follow HOME ANSWER
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <argo/argo.h>

static const char definition[] =
    "workflow_name: followed\n"
    "steps:\n"
    "- {step: ask, type: user_ask, prompt: \"What is your name?\", save_to: name}\n"
    "- {step: greet, type: display, message: \"Hello, {{name}}!\\n\"}\n";

struct host {
    argo_client *client;
    const char *answer;
    argo_workflow *run; /* stored by the start */
    int finished, failed;
};

static void report(struct host *host, const argo_error *err)
{
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
        host->failed = host->finished = 1;
    }
}

/* How every call is made here: FN gets its outcome from a later dispatch. */
static struct argo_call_options then(struct host *host, argo_call_fn fn)
{
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    how.fn = fn;
    how.user = host;
    return how;
}

static void on_answered(void *user, int result, const argo_error *err)
{
    (void)result;
    report(user, err);
}

/* A record of the run: output is shown, a question answered. 0: go on. */
static int on_record(void *user, const argo_record *record)
{
    struct host *host = user;
    argo_error *err = NULL;
    if (argo_record_stream(record) == ARGO_STREAM_OUTPUT) {
        fputs(argo_record_text(record), stdout);
        if (strcmp(argo_record_kind(record), "prompt") == 0) {
            fputs("\n", stdout);
        }
    } else if (strcmp(argo_record_kind(record), "question") == 0) {
        struct argo_call_options how = then(host, on_answered);
        argo_question_answer_text(host->client, argo_workflow_id(host->run),
                                  argo_record_question_id(record), host->answer, &how, &err);
    }
    report(host, err);
    argo_error_free(err);
    return host->failed;
}

static void on_followed(void *user, int result, const argo_error *err)
{
    struct host *host = user;
    (void)result;
    report(host, err);
    host->finished = 1;
}

/* The run is there: HOST->run says which. The daemon may be away for a minute meanwhile. */
static void on_started(void *user, int result, const argo_error *err)
{
    struct host *host = user;
    argo_error *failure = NULL;
    report(host, err);
    if (result == 0) {
        struct argo_call_options how = then(host, on_followed);
        how.retry_ms = 60000;
        argo_workflow_follow(host->client, argo_workflow_id(host->run), 0, on_record, host, &how,
                             &failure);
        report(host, failure);
        argo_error_free(failure);
    }
}

static int loop(struct host *host, argo_error **err)
{
    int r = 0;
    while (r == 0 && !host->finished) {
        struct pollfd fd = {argo_client_get_fd(host->client), argo_client_get_events(host->client),
                            0};
        (void)poll(&fd, 1, argo_client_get_timeout(host->client));
        r = argo_client_dispatch(host->client, err);
    }
    return r;
}

static int start(argo_context *ctx, struct host *host, argo_error **err)
{
    struct argo_workflow_start_options options = ARGO_WORKFLOW_START_OPTIONS_INIT;
    struct argo_call_options how = then(host, on_started);
    options.definition = definition;
    int r = argo_client_new(ctx, NULL, &host->client, err);
    r = r < 0 ? r : argo_client_set_name(host->client, "start_and_follow", err);
    r = r < 0 ? r : argo_workflow_start(host->client, &options, &how, &host->run, err);
    return r < 0 ? r : loop(host, err);
}

int main(int argc, char **argv)
{
    struct host host = {NULL, NULL, NULL, 0, 0};
    argo_context *ctx = NULL;
    argo_error *err = NULL;
    if (argc != 3) {
        fprintf(stderr, "Usage: %s HOME ANSWER\n", argv[0]);
        return 2;
    }
    host.answer = argv[2];
    int r = argo_context_new(argv[1], &ctx, &err);
    r = r < 0 ? r : start(ctx, &host, &err);
    report(&host, err);
    argo_error_free(err);
    argo_workflow_free(host.run);
    argo_client_free(host.client);
    argo_context_free(ctx);
    return r < 0 || host.failed ? 1 : 0;
}
