/*
 * The way to the daemon: settings, client, requests. Knows no command.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"

enum { POLL_UNIX_S = 600, POLL_TCP_S = 30, AWAY_MAX_MS = 60 * 1000, DIED_MS = 1000 };

/* --home may be relative, as any directory on a command line; the library's may not. */
static char *absolute(const char *path)
{
    arc_auto_free char *cwd = path == NULL || *path == '/' ? NULL : getcwd(NULL, 0);
    return cwd == NULL ? NULL : arc_format("%s/%s", cwd, path);
}

/* What the settings say of KEY, if anybody has set it. */
static const char *given(const struct arc *arc, const char *key)
{
    const struct argo_setting *setting;
    for (size_t i = 0; (setting = argo_config_at(arc->config, i)) != NULL; i++) {
        if (strcmp(setting->key, key) == 0 && setting->given) {
            return setting->value;
        }
    }
    return NULL;
}

static int set_given(argo_config *config, const char *key, const char *value, argo_error **err)
{
    return value == NULL ? 0 : argo_config_set(config, key, value, err);
}

static int read_settings(struct arc *arc, argo_error **err)
{
    arc_auto_free char *cwd = getcwd(NULL, 0);
    int r = argo_config_new(arc->ctx, cwd, &arc->config, err);
    r = r < 0 ? r : set_given(arc->config, "ARGO_DAEMON_URL", arc->url, err);
    r = r < 0 ? r : set_given(arc->config, "ARGO_DAEMON_PORT", arc->port, err);
    if (r == 0) {
        arc->url = given(arc, "ARGO_DAEMON_URL");
        arc->port = given(arc, "ARGO_DAEMON_PORT");
    }
    return r;
}

bool arc_settle(struct arc *arc, int *out)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_free char *home = absolute(arc->home);
    if (argo_context_new(home != NULL ? home : arc->home, &arc->ctx, &err) < 0) {
        *out = arc_fail(arc, err);
        return false;
    }
    if (read_settings(arc, &err) == 0) {
        return true;
    }
    if (arc->command->unsettled) {
        arc->unsettled = err;
        err = NULL;
        return true;
    }
    *out = arc_wrong_setting(arc, err);
    return false;
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

int64_t arc_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int arc_least_wait(int wait, int64_t until_ms)
{
    int64_t left = until_ms - arc_clock_ms();
    int ms = left < 0 ? 0 : (int)left;
    return wait < 0 || ms < wait ? ms : wait;
}

bool arc_is_away(int code)
{
    return code == ARGO_E_NO_DAEMON || code == ARGO_E_SHUTDOWN || code == ARGO_E_STORE ||
           code == ARGO_E_TIMEOUT || code == ARGO_E_WAITERS || code == ARGO_E_PROTOCOL;
}

/* One that is stopped takes its socket away; what is left is of one that has died. */
static bool has_died(const struct arc *arc)
{
    arc_auto_free char *socket = arc_format("%s/run/argo.sock", argo_context_home(arc->ctx));
    return arc->url == NULL && socket != NULL && access(socket, F_OK) == 0;
}

int arc_wait_for_daemon(struct arc *arc, int code, int64_t *since)
{
    int64_t now = arc_clock_ms();
    if (*since == 0) {
        *since = now;
        return 1;
    }
    if (code == ARGO_E_NO_DAEMON && now - *since > DIED_MS && has_died(arc)) {
        return arc_launch(arc); /* the others who wait do the same, one wins */
    }
    return now - *since > AWAY_MAX_MS ? -1 : 0;
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
