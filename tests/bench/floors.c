/*
 * The floors: only what cannot be left out, with the means that the daemon has.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

double bench_floor_append(struct bench *b)
{
    char path[128], line[200];
    int n = b->scale.steps;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    snprintf(path, sizeof(path), "%s/floor", b->home);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        if (write(fd, line, sizeof(line)) < 0 || fdatasync(fd) < 0) {
            bench_die("append: %s", strerror(errno));
        }
        t[i] = bench_now_ms() - start;
    }
    close(fd);
    double p50 = bench_percentile(t, n, 0.5);
    free(t);
    return p50;
}

/* ---- a database ------------------------------------------------------------------------------------- */

struct bench_floor_db {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        bench_die("%s: %s", sql, sqlite3_errmsg(db));
    }
    return stmt;
}

static void run(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        bench_die("the floor's database");
    }
    sqlite3_reset(stmt);
}

struct bench_floor_db *bench_floor_db_open(const struct bench *b)
{
    char path[128];
    struct bench_floor_db *db = bench_alloc(1, sizeof(*db));
    snprintf(path, sizeof(path), "%s/floor.db", b->home);
    sqlite3_open(path, &db->db);
    sqlite3_exec(db->db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b TEXT)",
                 NULL, NULL, NULL);
    db->begin = prepare(db->db, "BEGIN IMMEDIATE");
    db->insert = prepare(db->db, "INSERT INTO t(b) VALUES('a step and what it has saved')");
    db->commit = prepare(db->db, "COMMIT");
    return db;
}

void bench_floor_db_commit(struct bench_floor_db *db, int rows)
{
    run(db->begin);
    for (int i = 0; i < rows; i++) {
        run(db->insert);
    }
    run(db->commit);
}

void bench_floor_db_close(struct bench_floor_db *db)
{
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->insert);
    sqlite3_finalize(db->commit);
    sqlite3_close(db->db);
    free(db);
}

double bench_floor_commit(struct bench *b)
{
    int n = b->scale.steps;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    struct bench_floor_db *db = bench_floor_db_open(b);
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        bench_floor_db_commit(db, 1);
        t[i] = bench_now_ms() - start;
    }
    bench_floor_db_close(db);
    double p50 = bench_percentile(t, n, 0.5);
    free(t);
    return p50;
}

/* ---- hops ------------------------------------------------------------------------------------------- */

/* Sends every byte back until the other side closes. */
static pid_t echo_start(int *fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        bench_die("socketpair: %s", strerror(errno));
    }
    pid_t pid = bench_fork();
    if (pid == 0) {
        char c;
        close(fds[0]);
        while (read(fds[1], &c, 1) == 1 && write(fds[1], &c, 1) == 1) {
        }
        _exit(0);
    }
    close(fds[1]);
    *fd = fds[0];
    return pid;
}

static void there_and_back(int fd)
{
    char c = 'x';
    if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1) {
        bench_die("echo: %s", strerror(errno));
    }
}

double bench_floor_hops(struct bench *b)
{
    int n = b->scale.samples, fd = -1;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    struct bench_floor_db *db = bench_floor_db_open(b);
    pid_t echo = echo_start(&fd);
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        there_and_back(fd);
        there_and_back(fd);
        bench_floor_db_commit(db, 1);
        t[i] = bench_now_ms() - start;
    }
    close(fd);
    waitpid(echo, NULL, 0);
    bench_floor_db_close(db);
    double p50 = bench_percentile(t, n, 0.5);
    free(t);
    return p50;
}

/* ---- runs: a warm process that forks one for each ------------------------------------------------------ */

#define RUNS_MAX 4096
#define REPLY    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"id\":%4d}"

struct peer {
    char asks; /* the first byte of its path after the slash: s, w, c or d */
    int run;
};

struct runs_floor {
    const char *socket;
    int listen_fd, epoll_fd, next;
    struct peer peers[RUNS_MAX]; /* by fd */
    int waiters[RUNS_MAX];       /* by run: the fd of who waits for its end, 0: nobody */
    bool ended[RUNS_MAX];
    struct bench_floor_db *db;
};

static void answer(int fd, int id)
{
    char text[96];
    int n = snprintf(text, sizeof(text), REPLY, id % 10000);
    (void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

/* The run's process: asks where to go on, and reports that it is done. */
static void be_a_run(const char *socket, int id)
{
    struct bench_wire w;
    char path[32];
    (void)close_range(STDERR_FILENO, ~0U, 0); /* the server's other connections; no complaints */
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), i == 0 ? "/c%d" : "/d%d", id);
        char *request = bench_request("GET", path, NULL, NULL);
        if (i == 0) {
            bench_connect_unix(&w, socket);
        }
        bench_send(&w, request);
        (void)bench_await(&w);
        free(request);
    }
    _exit(0);
}

static void note_request(struct runs_floor *f, int fd)
{
    char text[1024];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    if (n <= 0) {
        /* EAGAIN: the event was for the connection that had this number before. */
        if (n == 0 || errno != EAGAIN) {
            close(fd);
        }
        return;
    }
    text[n] = '\0';
    const char *path = strchr(text, '/');
    f->peers[fd] =
        (struct peer){.asks = path == NULL ? '\0' : path[1],
                      .run = path == NULL ? 0 : (int)strtol(path + 2, NULL, 10) % RUNS_MAX};
}

static void serve_one(struct runs_floor *f, int fd)
{
    const struct peer p = f->peers[fd];
    f->peers[fd].asks = '\0';
    if (p.asks == 's') {
        int id = f->next++ % RUNS_MAX;
        f->ended[id] = false;
        f->waiters[id] = 0;
        if (bench_fork() == 0) {
            be_a_run(f->socket, id);
        }
        answer(fd, id);
    } else if (p.asks == 'w' && !f->ended[p.run]) {
        f->waiters[p.run] = fd;
    } else if (p.asks == 'd') {
        f->ended[p.run] = true;
        answer(fd, p.run);
        if (f->waiters[p.run] != 0) {
            answer(f->waiters[p.run], p.run);
        }
    } else if (p.asks != '\0') {
        answer(fd, p.run);
    }
}

/* What has come together is committed together. */
static void runs_turn(struct runs_floor *f)
{
    struct epoll_event events[64];
    int commits = 0;
    int n = epoll_wait(f->epoll_fd, events, 64, -1);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == f->listen_fd) {
            fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
            if (fd >= RUNS_MAX || epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
                exit(EXIT_FAILURE);
            }
            continue;
        }
        note_request(f, fd);
        commits += f->peers[fd].asks == 's' || f->peers[fd].asks == 'd';
    }
    if (commits > 0) {
        bench_floor_db_commit(f->db, commits);
    }
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd != f->listen_fd) {
            serve_one(f, events[i].data.fd);
        }
    }
}

int bench_listen_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 4096) < 0) {
        bench_die("listen on %s: %s", path, strerror(errno));
    }
    return fd;
}

pid_t bench_floor_runs(struct bench *b, char path[96])
{
    snprintf(path, 96, "%s/floor.sock", b->home);
    int listen_fd = bench_listen_unix(path);
    pid_t pid = bench_fork();
    if (pid != 0) {
        close(listen_fd);
        return pid;
    }
    struct runs_floor *f = bench_alloc(1, sizeof(*f));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listen_fd};
    signal(SIGCHLD, SIG_IGN);
    f->socket = path;
    f->listen_fd = listen_fd;
    f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    f->db = bench_floor_db_open(b);
    epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
    for (;;) {
        runs_turn(f);
    }
}

/* ---- a bare server ------------------------------------------------------------------------------------ */

pid_t bench_floor_server(struct bench *b, int listen_fd, const char *reply)
{
    char path[128], program[4096];
    pid_t pid = 0;
    snprintf(path, sizeof(path), "%s/floor.reply", b->home);
    FILE *f = fopen(path, "we");
    if (f == NULL || fputs(reply, f) < 0 || fclose(f) != 0) {
        bench_die("%s: %s", path, strerror(errno));
    }
    snprintf(program, sizeof(program), "%s/bench-serve", b->tools);
    char db[128];
    snprintf(db, sizeof(db), "%s/floor-serve.db", b->home);
    char listens[] = "listen";
    char *argv[] = {program, db, path, listen_fd >= 0 ? listens : NULL, NULL};
    (void)bench_spawn_ready(argv, listen_fd, &pid, NULL);
    return pid;
}
