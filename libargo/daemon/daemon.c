/*
 * The daemon object: puts home, store, domain, supervisor and HTTP server together, in this
 * order, and takes them apart again. Holds no rules and no state but what it wires; nothing is
 * global, so that one process may run several on homes of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/map.h"
#include "base/options.h"
#include "base/text.h"
#include "daemon/metrics.h"
#include "daemon/mirror.h"

#define STALL_AFTER_MS  120000
#define HEARTBEAT_MS    30000
#define CONNECTIONS_MAX 16384
#define CONNECTIONS_MIN 4
#define FILES_OWN       32   /* an idle one has 20, a launch some more */
#define PORT_TRIES      100  /* every 10 ms */
#define STOP_GRACE_MS   3000 /* for argo_daemon_stop: a service manager waits some seconds only */

enum {
    HEARTBEAT_MOST_MS = 24 * 3600 * 1000,
    HEARTBEAT_MISSES = 3,
    HEARTBEAT_MISSES_MOST = 1000,
    OUTPUT_MAX = 64 * 1024 * 1024,
    /* What an executor may send again, because it has heard no reply, must still be known. */
    OUTPUT_MAX_LEAST = 2 * AG_MAX_BODY
};

AG_DEFINE_AUTO(argo_daemon, argo_daemon_free)

/* ---- options --------------------------------------------------------------------------------- */

static int check_options(const struct argo_daemon_options *o, argo_error **err)
{
    if (o->port < -1 || o->port > UINT16_MAX) {
        return ag_error_field(err, ARGO_E_INVALID, "port", "port: expected -1 to 65535, not %d",
                              o->port);
    }
    if (o->grace_ms < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "grace_ms",
                              "grace_ms: expected 0 or more, not %" PRId64, o->grace_ms);
    }
    if (o->stall_after_ms < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "stall_after_ms",
                              "stall_after_ms: expected 0 or more, not %" PRId64,
                              o->stall_after_ms);
    }
    if (o->heartbeat_ms < 0 || o->heartbeat_ms > HEARTBEAT_MOST_MS) {
        return ag_error_field(err, ARGO_E_INVALID, "heartbeat_ms",
                              "heartbeat_ms: expected 0 to %d, not %" PRId64, HEARTBEAT_MOST_MS,
                              o->heartbeat_ms);
    }
    if (o->heartbeat_misses < 0 || o->heartbeat_misses > HEARTBEAT_MISSES_MOST) {
        return ag_error_field(err, ARGO_E_INVALID, "heartbeat_misses",
                              "heartbeat_misses: expected 0 to %d, not %d", HEARTBEAT_MISSES_MOST,
                              o->heartbeat_misses);
    }
    if (o->warm_for_ms < 0 || o->warm_for_ms > INT_MAX) {
        return ag_error_field(err, ARGO_E_INVALID, "warm_for_ms",
                              "warm_for_ms: expected 0 to %d, not %" PRId64, INT_MAX,
                              o->warm_for_ms);
    }
    if (o->files < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "files",
                              "files: expected 0 or more, not %" PRId64, o->files);
    }
    if (o->output_max != 0 && o->output_max < OUTPUT_MAX_LEAST) {
        return ag_error_field(err, ARGO_E_INVALID, "output_max",
                              "output_max: expected 0, or at least %d, not %" PRId64,
                              OUTPUT_MAX_LEAST, o->output_max);
    }
    return 0;
}

/* OPTIONS may be of an older or newer program: what it does not have is as by default. */
static int take_options(struct argo_daemon *d, const struct argo_daemon_options *options,
                        argo_error **err)
{
    d->options = (struct argo_daemon_options)ARGO_DAEMON_OPTIONS_INIT;
    int r = ag_options_take(&d->options, sizeof(d->options), options, "options of a daemon", err);
    r = r < 0 ? r : check_options(&d->options, err);
    if (r < 0) {
        return r;
    }
    if (d->options.output_max == 0) {
        d->options.output_max = OUTPUT_MAX;
    }
    if (d->options.heartbeat_ms == 0) {
        d->options.heartbeat_ms = HEARTBEAT_MS;
    }
    if (d->options.heartbeat_misses == 0) {
        d->options.heartbeat_misses = HEARTBEAT_MISSES;
    }
    const char *executor = d->options.executor;
    const char *templates = d->options.templates;
    d->options.executor = d->options.templates = NULL; /* the caller's: only copies are kept */
    d->executor = ag_strdup(executor != NULL ? executor : AG_EXECUTOR_PATH);
    d->templates = ag_strdup(templates != NULL ? templates : AG_TEMPLATES_DIR);
    return d->executor != NULL && d->templates != NULL ? 0 : ag_error_nomem(err);
}

/* ---- what the parts report ------------------------------------------------------------------- */

static void store_failed(void *user)
{
    struct argo_daemon *d = user;
    ag_log_error(d->ctx, "daemon", "a commit failed; loading the state again");
    ag_defer_schedule(d->reload);
}

static void reload(ag_defer *defer, void *user)
{
    struct argo_daemon *d = user;
    ag_domain_reload(d->domain);
}

/* One line a request, of words that cannot be anything else: no body, no query, and of the path only
 * what is an id. */
static void log_request(const struct argo_daemon *d, ag_request *req, int status, int64_t micros)
{
    const struct ag_route *route = ag_request_route(req);
    const char *id = route != NULL ? ag_request_param(req, "id") : NULL;
    bool is_unix = ag_request_is_unix(req);
    ag_log_debug(d->ctx, "daemon", "method=%s route=%s status=%d us=%" PRId64 " peer=%s:%d run=%s",
                 ag_request_verb(req), route != NULL ? route->pattern : "-", status, micros,
                 is_unix ? "unix" : "tcp",
                 is_unix ? (int)ag_request_peer_pid(req) : (int)ag_request_peer_port(req),
                 id != NULL && ag_daemon_is_run_id(id) ? id : "-");
}

static void request_finished(ag_request *req, int status, int64_t micros, void *user)
{
    struct argo_daemon *d = user;
    const struct ag_route *route = ag_request_route(req);
    size_t number = route != NULL ? (size_t)(route - ag_daemon_routes) : ag_daemon_routes_count;
    ag_metrics_count(d->metrics, number, status, micros);
    if (ag_log_enabled(d->ctx, ARGO_LOG_DEBUG)) {
        log_request(d, req, status, micros);
    }
}

/* ---- the parts ------------------------------------------------------------------------------- */

static void hash_binary(struct argo_daemon *d)
{
    ag_auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ag_sha256_fd(fd, d->binary_sha256, NULL) < 0) {
        d->binary_sha256[0] = '\0';
    }
}

static void on_wake(ag_wake *wake, void *user)
{
    ag_daemon_begin_stop(user, STOP_GRACE_MS);
}

static int open_basics(struct argo_daemon *d, argo_error **err)
{
    int r = ag_home_open(d->ctx, &d->home, err);
    if (r == 0) {
        r = ag_loop_new(&d->loop, err);
    }
    if (r == 0) {
        r = ag_wake_new(d->loop, on_wake, d, &d->wake, err);
    }
    if (r == 0) {
        r = ag_defer_new(d->loop, reload, d, &d->reload, err);
    }
    if (r == 0) {
        r = ag_metrics_new(ag_daemon_routes_count, &d->metrics, err);
    }
    if (r == 0) {
        d->keys_under_way = ag_map_new(NULL);
        r = d->keys_under_way == NULL ? ag_error_nomem(err) : 0;
    }
    return r;
}

static int open_state(struct argo_daemon *d, argo_error **err)
{
    struct ag_store_config store = {
        .ctx = d->ctx, .loop = d->loop, .path = d->home.db_path, .failed = store_failed, .user = d};
    int r = ag_store_open(&store, &d->store, err);
    if (r == 0) {
        r = ag_import(d, err);
    }
    if (r == 0) {
        r = ag_mirror_new(d, &d->mirror, err);
    }
    if (r == 0) {
        r = ag_supervisor_new(d, &d->supervisor, err);
    }
    if (r < 0) {
        return r;
    }
    struct ag_domain_config domain = {
        .ctx = d->ctx,
        .loop = d->loop,
        .store = d->store,
        .launch = ag_supervisor_port(d->supervisor),
        .changed = ag_mirror_touch,
        .changed_user = d->mirror,
        .park_after_ms = d->options.park_after_ms,
        .silence_ms = d->options.stall_after_ms > 0 ? d->options.stall_after_ms : STALL_AFTER_MS,
        .ci_silence_ms = d->options.heartbeat_ms * d->options.heartbeat_misses,
        .output_max = d->options.output_max,
        .log_dir = d->home.log_dir,
        .home_templates = d->home.templates,
        .installed_templates = d->templates};
    return ag_domain_new(&domain, &d->domain, err);
}

/* Hands FD over to the server. */
static int serve(struct argo_daemon *d, int fd, bool local_unix, argo_error **err)
{
    int r = ag_httpd_listen(d->httpd, fd, local_unix, err);
    if (r < 0) {
        close(fd);
    }
    return r;
}

/* Whether the daemon before this one listened on PORT and was killed. */
static bool port_was_ours(const struct argo_daemon *d, uint16_t port)
{
    ag_auto_free char *text = NULL;
    ag_auto_free char *ours = ag_asprintf("%u\n", (unsigned)port);
    return port != 0 && ag_file_read_private(d->home.port_path, 16, &text, NULL) >= 0 &&
           ag_streq(text, ours);
}

/* A child that a killed daemon was just starting keeps its port until it begins its program. */
static int listen_on(struct argo_daemon *d, uint16_t port, int *fd, argo_error **err)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int r = ag_listen_tcp(port, fd, &d->port, err);
    for (int i = 0; r == ARGO_E_EXISTS && i < PORT_TRIES && port_was_ours(d, port); i++) {
        nanosleep(&pause, NULL);
        r = ag_listen_tcp(port, fd, &d->port, err);
    }
    return r;
}

static int listen_tcp(struct argo_daemon *d, argo_error **err)
{
    int wanted = d->options.port;
    int fd = -1;
    AG_AUTO(argo_error) why = NULL;
    int r = listen_on(d, (uint16_t)(wanted < 0 ? ARGO_PORT_DEFAULT : wanted), &fd, &why);
    if (r == ARGO_E_EXISTS && wanted < 0) {
        r = ag_listen_tcp(0, &fd, &d->port, err);
        if (r == 0) {
            ag_log_warning(d->ctx, "daemon", "%s; listening on 127.0.0.1:%u instead",
                           argo_error_details(why), (unsigned)d->port);
        }
    } else if (r == ARGO_E_EXISTS) {
        r = ag_error_set(err, ARGO_E_SYSTEM, "%s; choose another --port", argo_error_details(why));
    } else if (r < 0) {
        ag_error_move(err, &why);
    }
    return r < 0 ? r : serve(d, fd, false, err);
}

/* Clients that find no port file know that there is no TCP. */
static int write_port(struct argo_daemon *d, argo_error **err)
{
    if (d->port == 0) {
        unlink(d->home.port_path);
        return 0;
    }
    ag_auto_free char *text = ag_asprintf("%u\n", (unsigned)d->port);
    return text == NULL ? ag_error_nomem(err)
                        : ag_file_write(d->home.port_path, text, strlen(text), 0600, err);
}

/* Nearly all that connect come to wait: people for runs, executors for people. A quarter of the
 * files, and FILES_OWN at least, is for everything else, a quarter of the connections for those that
 * do not wait. */
static void set_limits(struct ag_httpd_config *config)
{
    struct rlimit files;
    config->connection_limit = CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        rlim_t own = files.rlim_cur / 4 > FILES_OWN ? files.rlim_cur / 4 : FILES_OWN;
        rlim_t most =
            files.rlim_cur > own + CONNECTIONS_MIN ? files.rlim_cur - own : CONNECTIONS_MIN;
        config->connection_limit = most < CONNECTIONS_MAX ? (unsigned)most : CONNECTIONS_MAX;
    }
    config->park_limit = config->connection_limit / 4 * 3;
}

static int open_server(struct argo_daemon *d, argo_error **err)
{
    struct ag_httpd_config config = {.ctx = d->ctx,
                                     .loop = d->loop,
                                     .routes = ag_daemon_routes,
                                     .n_routes = ag_daemon_routes_count,
                                     .user = d,
                                     .authorize = ag_daemon_authorize,
                                     .finished = request_finished};
    int fd = -1;
    set_limits(&config);
    int r = ag_httpd_new(&config, &d->httpd, err);
    if (r == 0) {
        r = ag_listen_unix(d->home.socket_path, &fd, err);
    }
    if (r == 0) {
        d->listening = true;
        r = serve(d, fd, true, err);
    }
    if (r == 0 && !d->options.no_tcp) {
        r = listen_tcp(d, err);
    }
    return r == 0 ? write_port(d, err) : r;
}

static int daemon_open(struct argo_daemon *d, const struct argo_daemon_options *options,
                       argo_error **err)
{
    int r = take_options(d, options, err);
    if (r == 0) {
        r = open_basics(d, err);
    }
    if (r == 0) {
        r = open_state(d, err);
    }
    if (r == 0) {
        r = open_server(d, err);
    }
    return r;
}

int argo_daemon_new(argo_context *ctx, const struct argo_daemon_options *options, argo_daemon **out,
                    argo_error **err)
{
    if (ctx == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_daemon_new: ctx or out is NULL");
    }
    AG_AUTO(argo_daemon) d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ag_error_nomem(err);
    }
    d->ctx = ctx;
    d->home.lock_fd = -1;
    d->pid = getpid();
    d->started_ms = ag_context_now_ms(ctx);
    int r = daemon_open(d, options, err);
    if (r < 0) {
        return r;
    }
    hash_binary(d);
    ag_domain_recover(d->domain);
    ag_mirror_touch(d->mirror);
    ag_log_info(ctx, "daemon", "serving %s as pid %d, port %u", d->home.path, (int)d->pid,
                (unsigned)d->port);
    *out = ag_take(d);
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The server goes first: replies that commits still bring go nowhere. The store commits what is
 * queued while the domain can still be told. */
static void close_parts(struct argo_daemon *d)
{
    d->stopping = true; /* a shutdown whose commit comes now finds nothing to stop */
    if (d->domain != NULL) {
        ag_domain_quiesce(d->domain);
        ag_supervisor_launch_none(d->supervisor);
    }
    ag_httpd_free(d->httpd);
    if (d->listening) {
        unlink(d->home.socket_path);
        unlink(d->home.port_path);
    }
    if (d->store != NULL) {
        ag_store_settle(d->store);
    }
    ag_mirror_finish(d->mirror);
    ag_mirror_free(d->mirror);
    ag_store_close(d->store);
    ag_supervisor_free(d->supervisor);
    ag_domain_free(d->domain);
    ag_map_free(d->keys_under_way);
    d->httpd = NULL;
    d->store = NULL;
    d->mirror = NULL;
    d->supervisor = NULL;
    d->domain = NULL;
    d->keys_under_way = NULL;
    ag_home_close(&d->home);
    d->closed = true;
}

void argo_daemon_free(argo_daemon *daemon)
{
    if (daemon == NULL) {
        return;
    }
    if (!daemon->closed) {
        close_parts(daemon);
    }
    ag_defer_free(daemon->reload);
    ag_wake_free(daemon->wake);
    ag_loop_free(daemon->loop);
    ag_metrics_free(daemon->metrics);
    free(daemon->executor);
    free(daemon->health);
    free(daemon->templates);
    free(daemon);
}

static void settle(void *user)
{
    struct argo_daemon *d = user;
    d->stopped = d->drained && !ag_supervisor_busy(d->supervisor);
}

static void drained(void *user)
{
    struct argo_daemon *d = user;
    d->drained = true;
    settle(d);
}

void ag_daemon_begin_stop(struct argo_daemon *daemon, int64_t grace_ms)
{
    if (daemon->stopping) {
        return;
    }
    daemon->stopping = true;
    ag_log_info(daemon->ctx, "daemon", "stopping; executors go on");
    ag_domain_quiesce(daemon->domain);
    ag_supervisor_hurry(daemon->supervisor, settle, daemon);
    ag_httpd_drain(daemon->httpd, grace_ms, drained, daemon);
}

/* ---- the loop -------------------------------------------------------------------------------- */

uint16_t argo_daemon_port(const argo_daemon *daemon)
{
    return daemon != NULL ? daemon->port : 0;
}

int argo_daemon_get_fd(const argo_daemon *daemon)
{
    return daemon != NULL ? ag_loop_fd(daemon->loop) : -1;
}

short argo_daemon_get_events(const argo_daemon *daemon)
{
    return POLLIN;
}

int argo_daemon_get_timeout(const argo_daemon *daemon)
{
    return daemon == NULL || daemon->closed ? 0 : ag_loop_timeout(daemon->loop);
}

static int turn(struct argo_daemon *d, int timeout_ms, argo_error **err)
{
    int r = d->closed ? 0 : ag_loop_dispatch(d->loop, timeout_ms, err);
    if (r < 0) {
        return r;
    }
    if (d->stopped && !d->closed) {
        close_parts(d);
        ag_log_info(d->ctx, "daemon", "stopped");
    }
    return d->closed ? 1 : 0;
}

int argo_daemon_dispatch(argo_daemon *daemon, argo_error **err)
{
    if (daemon == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_daemon_dispatch: daemon is NULL");
    }
    return turn(daemon, 0, err);
}

int argo_daemon_run(argo_daemon *daemon, argo_error **err)
{
    if (daemon == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_daemon_run: daemon is NULL");
    }
    int r = 0;
    while (r == 0) {
        r = turn(daemon, -1, err);
    }
    return r < 0 ? r : 0;
}

void argo_daemon_stop(argo_daemon *daemon)
{
    if (daemon != NULL) {
        ag_wake_signal(daemon->wake);
    }
}

/* ---- repair ---------------------------------------------------------------------------------- */

int argo_daemon_repair(argo_context *ctx, char **report, argo_error **err)
{
    if (ctx == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_daemon_repair: ctx is NULL");
    }
    struct ag_home home = {.lock_fd = -1};
    ag_auto_buf text = AG_BUF_INIT((size_t)16 * 1024 * 1024);
    int r = ag_home_open(ctx, &home, err);
    if (r < 0) {
        return r;
    }
    r = ag_store_repair(ctx, home.db_path, &text, err);
    ag_home_close(&home);
    if (r < 0 || report == NULL) {
        return r < 0 ? r : 0;
    }
    char *copy = ag_strdup(ag_buf_text(&text));
    if (copy == NULL) {
        return ag_error_nomem(err);
    }
    *report = copy;
    return 0;
}
