/*
 * The way to the daemon: settings, client, requests. Knows no command.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arc.h"

enum { POLL_UNIX_S = 600, POLL_TCP_S = 30 };

static const char *setting(const char *given, const char *variable)
{
    const char *value = given != NULL ? given : getenv(variable);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* --home may be relative, as any directory on a command line; the library's may not. */
static char *absolute(const char *path)
{
    arc_auto_free char *cwd = path == NULL || *path == '/' ? NULL : getcwd(NULL, 0);
    return cwd == NULL ? NULL : arc_format("%s/%s", cwd, path);
}

bool arc_settle(struct arc *arc, int *out)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_free char *home = absolute(arc->home);
    arc->url = setting(arc->url, "ARGO_DAEMON_URL");
    arc->port = setting(arc->port, "ARGO_DAEMON_PORT");
    if (arc->port != NULL && arc_parse_number(arc->port, 0, 65535) < 0) {
        *out = arc_usage(arc, "port '%s' is none: expected a number from 0 to 65535", arc->port);
        return false;
    }
    if (argo_context_new(home != NULL ? home : arc->home, &arc->ctx, &err) < 0) {
        *out = arc_fail(arc, err);
        return false;
    }
    return true;
}

void arc_reply_clear(struct arc_reply *reply)
{
    free(reply->text);
    argo_value_free(reply->value);
    *reply = (struct arc_reply){0};
}

int arc_connect(struct arc *arc, argo_error **err)
{
    if (arc->client != NULL) {
        return 0;
    }
    int r = argo_client_new(arc->ctx, arc->url, &arc->client, err);
    return r < 0 ? r : argo_client_set_name(arc->client, "arc", err);
}

int arc_poll_seconds(const struct arc *arc)
{
    bool local = arc->url == NULL || strncmp(arc->url, "unix:", 5) == 0;
    return local ? POLL_UNIX_S : POLL_TCP_S;
}

int arc_request_running(struct arc *arc, const char *method, const char *path,
                        const argo_value *body, int64_t timeout_ms, struct arc_reply *reply,
                        argo_error **err)
{
    int r = arc_connect(arc, err);
    if (r < 0) {
        return r;
    }
    arc_auto_free char *text = body == NULL ? NULL : argo_value_print(body, 0);
    struct arc_reply got = {0};
    r = argo_client_call(arc->client, method, path, text, text == NULL ? 0 : strlen(text),
                         timeout_ms, &got.text, &got.len, err);
    if (r >= 0) {
        r = argo_value_parse(got.text, got.len, &got.value, err);
    }
    if (r < 0) {
        arc_reply_clear(&got);
        return r;
    }
    arc_reply_clear(reply);
    *reply = got;
    return 0;
}

int arc_request(struct arc *arc, const char *method, const char *path, const argo_value *body,
                int64_t timeout_ms, struct arc_reply *reply, argo_error **err)
{
    arc_auto_error argo_error *first = NULL;
    int r = arc_request_running(arc, method, path, body, timeout_ms, reply, &first);
    if (r != ARGO_E_NO_DAEMON || arc->url != NULL) {
        *err = first;
        first = NULL;
        return r;
    }
    if (arc_launch(arc) < 0) {
        return ARGO_E_NO_DAEMON;
    }
    return arc_request_running(arc, method, path, body, timeout_ms, reply, err);
}
