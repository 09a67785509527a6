/*
 * Where the daemon is, and the client object. It makes no connection by itself.
 */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/internal.h"

static int use_socket(ag_client *c, char *path, argo_error **err)
{
    c->socket = path;
    c->base = ag_strdup("http://localhost");
    if (c->socket == NULL || c->base == NULL) {
        return ag_error_nomem(err);
    }
    return 0;
}

static int use_tcp(ag_client *c, const char *url, argo_error **err)
{
    struct ag_http_url parts;
    int rc = ag_http_url_read(url, &parts, err);
    if (rc < 0) {
        return rc;
    }
    if (parts.https || !parts.loopback) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "'%s': beyond loopback needs https, which is not supported yet; "
                            "expected unix:PATH or http://127.0.0.1:PORT",
                            url);
    }
    const char *host = url + strlen("http://");
    size_t host_len = strcspn(host, "/");
    if (strcspn(host, "/?#@") != host_len || host[host_len + (host[host_len] == '/')] != '\0') {
        return ag_error_set(err, ARGO_E_INVALID, "'%s': expected http://127.0.0.1:PORT and no more",
                            url);
    }
    c->port = parts.port;
    c->base = ag_asprintf("http://%.*s", (int)host_len, host);
    return c->base != NULL ? 0 : ag_error_nomem(err);
}

static int locate(ag_client *c, const char *url, argo_error **err)
{
    if (url == NULL) {
        return use_socket(c, ag_asprintf("%s/run/argo.sock", argo_context_home(c->ctx)), err);
    }
    if (!ag_starts_with(url, "unix:")) {
        return use_tcp(c, url, err);
    }
    if (url[5] != '/') {
        return ag_error_set(err, ARGO_E_INVALID, "'%s': expected unix: and an absolute path", url);
    }
    return use_socket(c, ag_strdup(url + 5), err);
}

int ag_client_new(const struct ag_client_config *config, ag_client **out, argo_error **err)
{
    ag_client *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ag_error_nomem(err);
    }
    c->ctx = config->ctx;
    c->loop = config->loop;
    c->http = config->http;
    c->epoch = config->epoch;
    c->socket_dir = -1;
    ag_list_init(&c->calls);
    ag_list_init(&c->idle);
    int rc = locate(c, config->url, err);
    if (rc == 0 && config->token != NULL) {
        c->token = ag_strdup(config->token);
        rc = c->token != NULL ? 0 : ag_error_nomem(err);
    }
    if (rc < 0) {
        ag_client_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void ag_client_free(ag_client *c)
{
    if (c == NULL) {
        return;
    }
    ag_calls_free(&c->calls);
    struct ag_lane *lane;
    while ((lane = ag_list_first(&c->idle, struct ag_lane, link)) != NULL) {
        ag_lane_free(lane);
    }
    ag_client_forget_socket(c);
    if (c->token != NULL) {
        explicit_bzero(c->token, strlen(c->token));
    }
    free(c->token);
    free(c->name);
    free(c->base);
    free(c->socket);
    free(c);
}

int ag_client_set_name(ag_client *c, const char *name, argo_error **err)
{
    int rc = ag_id_check(name, "name", err);
    if (rc < 0) {
        return rc;
    }
    char *copy = ag_strdup(name);
    if (copy == NULL) {
        return ag_error_nomem(err);
    }
    free(c->name);
    c->name = copy;
    return 0;
}

void ag_client_forget_socket(ag_client *c)
{
    if (c->socket_dir >= 0) {
        close(ag_take_fd(&c->socket_dir));
    }
}

int ag_client_socket(ag_client *c, char path[AG_SOCKET_PATH_SIZE], argo_error **err)
{
    if (strlen(c->socket) < AG_SOCKET_PATH_SIZE) {
        memcpy(path, c->socket, strlen(c->socket) + 1);
        return 0;
    }
    const char *name = strrchr(c->socket, '/') + 1;
    ag_auto_free char *dir = ag_strndup(c->socket, (size_t)(name - c->socket));
    if (dir == NULL) {
        return ag_error_nomem(err);
    }
    if (c->socket_dir < 0) {
        c->socket_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (c->socket_dir < 0) {
        return ag_error_set(err, ARGO_E_NO_DAEMON, "open %s: %s", dir, strerror(errno));
    }
    int n = snprintf(path, AG_SOCKET_PATH_SIZE, "/proc/self/fd/%d/%s", c->socket_dir, name);
    if (n >= AG_SOCKET_PATH_SIZE) {
        return ag_error_set(err, ARGO_E_INVALID, "the name of the socket '%s' is too long", name);
    }
    return 0;
}
