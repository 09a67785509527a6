/*
 * Requests that only look (B8): health and a run's status, over both transports, few and many
 * connections, against a bare libmicrohttpd loop with the same reply; then beside long polls that are
 * parked and resumed all the time.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define HEALTH  "/api/health"
#define POLLED  16 /* runs, among which the long polls are divided */
#define RESUMES 300.0
#define FEW     16
#define MANY    200

struct target {
    const char *path, *name;
    double ratio_least;
};

/* ---- a pair of servers -------------------------------------------------------------------------------- */

static int listen_tcp(uint16_t *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        bench_die("listen: %s", strerror(errno));
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

/* What goes with a request over TCP; who only asks whether the daemon is there shows no token. */
static char *tcp_head(const struct bench *b, bool shown)
{
    char path[96], line[256] = "", token[300] = "", *head = NULL;
    snprintf(path, sizeof(path), "%s/token", b->home);
    FILE *f = fopen(path, "re");
    if (f == NULL || fgets(line, sizeof(line), f) == NULL || fclose(f) != 0) {
        bench_die("%s: %s", path, strerror(errno));
    }
    line[strcspn(line, "\n")] = '\0';
    if (shown) {
        snprintf(token, sizeof(token), "Authorization: Bearer %s\r\n", line);
    }
    if (asprintf(&head, "Host: localhost:%u\r\n%s", (unsigned)b->port, token) < 0) {
        bench_die("no memory");
    }
    return head;
}

static const char *same_again(void *user, int i, const char *reply)
{
    return user;
}

/* Requests per second on so many connections. */
static double measure(const char *socket, uint16_t port, char *request, int connections,
                      double seconds)
{
    struct bench_load load = {.socket = socket,
                              .port = port,
                              .connections = connections,
                              .counted = connections,
                              .next = same_again,
                              .user = request};
    bench_load_open(&load);
    (void)bench_load_run(&load, seconds / 5);
    double rate = bench_load_run(&load, seconds);
    bench_load_close(&load);
    return rate;
}

static char *reply_to(const struct bench *b, bool tcp, const char *request)
{
    struct bench_wire w;
    if (tcp) {
        bench_connect_tcp(&w, b->port);
    } else {
        bench_connect_unix(&w, b->socket);
    }
    bench_send(&w, request);
    char *reply = strdup(bench_await(&w));
    bench_hang_up(&w);
    return reply;
}

/* Floor and daemon take turns, so that what else the machine does meets both. */
static void compare(struct bench *b, const struct target *t, bool tcp, int connections)
{
    char path[96];
    uint16_t port = 0;
    int rounds = b->scale.rounds;
    double *floor = bench_alloc((size_t)rounds, sizeof(*floor));
    double *daemon = bench_alloc((size_t)rounds, sizeof(*daemon));
    char *head = tcp ? tcp_head(b, strcmp(t->path, HEALTH) != 0) : NULL;
    char *request = bench_request("GET", t->path, NULL, head);
    char *reply = reply_to(b, tcp, request);
    snprintf(path, sizeof(path), "%s/floor.sock", b->home);
    unlink(path);
    int fd = tcp ? listen_tcp(&port) : bench_listen_unix(path);
    pid_t server = bench_floor_server(b, fd, reply);
    for (int i = 0; i < rounds; i++) {
        double seconds = b->scale.seconds / 2;
        floor[i] = measure(tcp ? NULL : path, port, request, connections, seconds);
        daemon[i] = measure(tcp ? NULL : b->socket, b->port, request, connections, seconds);
    }
    bench_end(server);
    close(fd);
    bench_report(b,
                 &(struct bench_row){.id = "B8",
                                     .unit = "req/s",
                                     .value = bench_percentile(daemon, rounds, 0.5),
                                     .floor = bench_percentile(floor, rounds, 0.5),
                                     .ratio_least = t->ratio_least},
                 "%s, %s, %d connections", t->name, tcp ? "TCP" : "UNIX socket", connections);
    free(reply);
    free(request);
    free(head);
    free(floor);
    free(daemon);
}

/* ---- beside long polls ---------------------------------------------------------------------------------- */

struct company {
    struct bench *bench;
    char *request; /* of those that count */
    int64_t after;
    char *poll[POLLED]; /* of the others, when they come again */
    char text[512];
    double period; /* s between two resumes of one */
    long resumed;
};

static char *poll_request(char *text, size_t size, int run, int64_t after, double timeout)
{
    snprintf(text, size,
             "GET /api/workflow/output/copy_%d?after=%" PRId64 "&timeout=%.3f HTTP/1.1\r\n"
             "Host: localhost\r\n\r\n",
             run + 1, after, timeout);
    return text;
}

static const char *next_in_company(void *user, int i, const char *reply)
{
    struct company *c = user;
    if (i < FEW) {
        return c->request;
    }
    int k = i - FEW;
    if (reply != NULL) {
        c->resumed++;
        return c->poll[k % POLLED];
    }
    /* Now and then it is made sure that the daemon keeps up: what it has not yet taken would be in
     * the measurement. The first time they end one after another, over a period. */
    if (k % 64 == 0) {
        argo_value_free(bench_call(c->bench, "GET", HEALTH, NULL));
    }
    return poll_request(c->text, sizeof(c->text), k % POLLED, c->after, 1 + (k + 1) / RESUMES);
}

/* Requests per second while N long polls are parked, RESUMES of which are resumed a second. */
static double beside_polls(struct bench *b, const struct target *t, int n)
{
    struct company c = {.bench = b,
                        .request = bench_request("GET", t->path, NULL, NULL),
                        .after = 1000000,
                        .period = n / RESUMES};
    struct bench_load load = {.socket = b->socket,
                              .connections = FEW + n,
                              .counted = FEW,
                              .next = next_in_company,
                              .user = &c};
    for (int i = 0; i < POLLED; i++) {
        char *text = bench_alloc(1, 512);
        c.poll[i] = poll_request(text, 512, i, c.after, c.period);
    }
    bench_load_open(&load);
    (void)bench_load_run(&load, 1);
    c.resumed = 0;
    double start = bench_now_ms();
    double rate = bench_load_run(&load, b->scale.seconds * 2);
    double resumed = (double)c.resumed * 1000 / (bench_now_ms() - start);
    bench_load_close(&load);
    bench_report(b, &(struct bench_row){.id = "B8", .unit = "req/s", .value = rate},
                 "%s, UNIX socket, beside %d long polls, %.0f/s resumed", t->name, n, resumed);
    for (int i = 0; i < POLLED; i++) {
        free(c.poll[i]);
    }
    free(c.request);
    return rate;
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

/* A home with some parked runs, of which copy_1 and so on are looked at. */
static void parked_home(struct bench *b)
{
    static const char body[] = "{\"definition\":{\"workflow_name\":\"b8\",\"steps\":[{\"step\":"
                               "\"ask\",\"type\":\"user_ask\",\"prompt\":\"?\"}]}}";
    bool parked = false;
    bench_new_home(b);
    bench_start(b, "0");
    argo_value *started = bench_call(b, "POST", "/api/workflow/start", body);
    char path[128];
    snprintf(path, sizeof(path), "/api/workflow/status/%s",
             argo_value_text(started, "workflow_id", ""));
    argo_value_free(started);
    while (!parked) {
        argo_value *v = bench_call(b, "GET", path, NULL);
        parked = argo_value_int(v, "pid", -1) == 0;
        argo_value_free(v);
        usleep(1000);
    }
    bench_stop(b);
    bench_multiply(b, POLLED);
    bench_start(b, "0");
}

void bench_http(struct bench *b)
{
    static const struct target targets[] = {
        {HEALTH, "health", 0.8},
        {"/api/workflow/status/copy_1", "status", 0.5},
    };
    double sizes[BENCH_SIZES], rates[BENCH_SIZES];
    parked_home(b);
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        for (int tcp = 0; tcp < 2; tcp++) {
            compare(b, &targets[i], tcp, FEW);
            compare(b, &targets[i], tcp, MANY);
        }
        for (int k = 0; k < BENCH_SIZES; k++) {
            bench_size(b, b->scale.polls, k, sizes);
            rates[k] = beside_polls(b, &targets[i], (int)sizes[k]);
        }
        char what[64];
        snprintf(what, sizeof(what), "%s per second over long polls", targets[i].name);
        bench_growth(b, "B8", sizes, rates, what);
    }
    bench_stop(b);
    bench_remove_home(b);
}
