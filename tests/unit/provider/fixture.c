/*
 * The shared fixture of the provider tests.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "base/file.h"
#include "base/text.h"

ag_loop *loop;
struct fakehttp *server;
struct ag_provider_env env;
char home[64];
ag_ci_call *call;
struct seen seen;

static ag_value *messages;
static char base_url[128];
static char ci_name[] = "claude", ci_provider[] = "openai", ci_model[] = "model-1";

static void on_text(const char *text, size_t len, const char *label, void *user)
{
    ck_assert_uint_eq(strlen(text), len);
    ck_assert(ag_utf8_valid(text, len));
    strncat(seen.text, text, sizeof(seen.text) - strlen(seen.text) - 1);
    snprintf(seen.labels, sizeof(seen.labels), "%s", label != NULL ? label : "");
    seen.texts++;
    if (seen.cancel_on_text) {
        ag_ci_call_cancel(call);
        seen.done = true;
    }
}

static void on_retry(const argo_error *why, int64_t delay_ms, void *user)
{
    ck_assert_ptr_nonnull(why);
    seen.retries++;
    seen.delay = delay_ms;
    if (seen.cancel_on_retry) {
        ag_ci_call_cancel(call);
        seen.done = true;
    }
}

static void on_done(const struct ag_ci_result *result, const argo_error *err, void *user)
{
    ck_assert((result == NULL) == (err != NULL));
    seen.done = true;
    seen.done_count++;
    seen.code = argo_error_code(err);
    snprintf(seen.details, sizeof(seen.details), "%s", argo_error_details(err));
    if (result != NULL) {
        snprintf(seen.result, sizeof(seen.result), "%s", result->text);
        snprintf(seen.label, sizeof(seen.label), "%s", result->label != NULL ? result->label : "");
        snprintf(seen.finish, sizeof(seen.finish), "%s",
                 result->finish_reason != NULL ? result->finish_reason : "");
        seen.usage = ag_value_copy(result->usage);
    }
    ag_ci_call_cancel(call); /* allowed here, and does nothing */
}

const struct ag_ci_events events = {on_text, on_retry, on_done};

void fixture_setup(void)
{
    snprintf(home, sizeof(home), "/tmp/argo-provider-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(argo_context_new(home, &env.ctx, NULL), 0);
    ck_assert_int_eq(ag_http_new(loop, env.ctx, &env.http, NULL), 0);
    env.loop = loop;
    env.home = home;
    server = fakehttp_new(loop, NULL);
    snprintf(base_url, sizeof(base_url), "%s", fakehttp_url(server, "/v1"));
    memset(&seen, 0, sizeof(seen));
    messages = NULL;
    call = NULL;
}

void fixture_teardown(void)
{
    ag_value_unref(seen.usage);
    ag_value_unref(messages);
    ag_http_free(env.http);
    fakehttp_free(server);
    argo_context_free(env.ctx);
    ag_loop_free(loop);
    ag_auto_free char *command = ag_asprintf("rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

const char *fixture_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

void fixture_file(const char *name, const char *content, mode_t mode)
{
    const char *path = fixture_path(name);
    ck_assert_int_eq(ag_dir_parents(path, NULL), 0);
    ck_assert_int_eq(ag_file_write(path, content, strlen(content), mode, NULL), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

struct ag_ci fixture_ci(void)
{
    return (struct ag_ci){
        .name = ci_name, .provider = ci_provider, .model = ci_model, .base_url = base_url};
}

struct ag_ci_request fixture_request(const char *content)
{
    ag_value *message = ag_value_object();
    ck_assert_int_eq(ag_value_set(message, "role", ag_value_text("user")), 0);
    ck_assert_int_eq(ag_value_set(message, "content", ag_value_text(content)), 0);
    ag_value_unref(messages);
    messages = ag_value_array();
    ck_assert_int_eq(ag_value_append(messages, message), 0);
    return (struct ag_ci_request){.messages = messages, .temperature = -1};
}

int fixture_ask(const struct ag_ci *ci, const struct ag_ci *upstream,
                const struct ag_ci_request *request)
{
    AG_AUTO(argo_error) err = NULL;
    ag_value_unref(seen.usage);
    memset(&seen, 0, offsetof(struct seen, cancel_on_text));
    int rc = ag_ci_call_start(&env, ci, upstream, request, &events, NULL, &call, &err);
    snprintf(seen.details, sizeof(seen.details), "%s", argo_error_details(err));
    ck_assert(!seen.done);
    if (rc == 0) {
        fakehttp_run(loop, &seen.done);
        rc = seen.code;
    }
    return rc;
}

void fixture_stream(const char *const *data, size_t n, bool done)
{
    ag_auto_buf reply = AG_BUF_INIT(65536);
    ag_buf_add_text(&reply, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        ag_buf_printf(&reply, "data: %s\n\n", data[i]);
    }
    if (done) {
        ag_buf_add_text(&reply, "data: [DONE]\n\n");
    }
    fakehttp_reply(server,
                   &(struct fake_reply){.bytes = ag_buf_text(&reply), .step = 7, .close = true});
}
