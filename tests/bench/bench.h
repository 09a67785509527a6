/*
 * What the parts of the benchmark share. Nothing here is tested, and nothing has a time limit.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <argo/value.h>

#define BENCH_SIZES 3
#define BENCH_NEVER 0.001 /* a target of 0: one of 0 is none */

/* How much is measured; --quick makes all of it small. */
struct bench_scale {
    int samples;    /* of a latency */
    int steps;      /* one after another in a run */
    double seconds; /* of one measurement under load */
    int rounds;     /* in which floor and subject take turns */
    int finished;   /* runs in the store, at the largest size */
    int parked;     /* runs that wait, at the largest size */
    int polls;      /* long polls, at the largest size */
    double window;  /* seconds of looking for wake-ups */
};

struct bench {
    const char *prefix; /* where Argo is installed */
    char *tools;        /* and the floors' programs lie */
    const char *only;
    struct bench_scale scale;
    char home[64];
    char socket[96]; /* of the daemon */
    pid_t pid;
    uint16_t port;
    argo_value *rows;
};

/* ---- report.c: the table and its JSON ----------------------------------------------------------- */

/* Numbers that are 0 are not there. */
struct bench_row {
    const char *id, *unit;
    double value, floor;
    double most, least;             /* targets of the value */
    double ratio_most, ratio_least; /* targets of value / floor */
    double above_most;              /* target of value - floor */
};

void bench_header(void);
void bench_report(struct bench *b, const struct bench_row *row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The exponents between the three sizes. */
void bench_growth(struct bench *b, const char *id, const double *sizes, const double *values,
                  const char *what);
bool bench_wanted(const struct bench *b, const char *id);
bool bench_write_json(const struct bench *b, const char *path);

/* ---- harness.c: time, homes, the daemon, /proc --------------------------------------------------- */

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);
double bench_now_ms(void);
double bench_percentile(double *values, int n, double p); /* sorts VALUES */
void *bench_alloc(size_t n, size_t size);
char *bench_program(const struct bench *b, const char *name);            /* of the installation */
void bench_size(const struct bench *b, int largest, int i, double *out); /* the I-th of three */

void bench_new_home(struct bench *b);
void bench_remove_home(struct bench *b);
/* Starts the daemon in the home; the milliseconds until it was ready. */
double bench_start(struct bench *b, const char *park_after);
void bench_stop(struct bench *b);
/* Starts ARGV (by its path) with FD as 9 in it; the milliseconds until it has written a line there,
 * which says the port. */
double bench_spawn_ready(char *const *argv, int fd, pid_t *out_pid, int *out_port);

pid_t bench_fork(void); /* the child ends when this process does */
void bench_end(pid_t pid);

struct bench_memory {
    double rss, dirty; /* MiB */
    long switches;     /* voluntary ones, of all threads */
};
/* Of PID and all that descend from it. */
struct bench_memory bench_look(pid_t pid);
/* Of the daemon and all that descend from it, per second, when nothing happens. */
double bench_wakeups(const struct bench *b);

/* ---- wire.c: HTTP by hand, for floor and subject the same ----------------------------------------- */

struct bench_wire {
    int fd;
    char *data;
    size_t len, cap, used; /* USED bytes of it are the last reply */
};

void bench_connect_unix(struct bench_wire *w, const char *path);
void bench_connect_tcp(struct bench_wire *w, uint16_t port);
void bench_hang_up(struct bench_wire *w);
void bench_send(struct bench_wire *w, const char *text);
/* Takes the next reply out of what has come; NULL: it is not whole. Ended by NUL, valid until the
 * next call. Anything but 2xx ends the program. */
const char *bench_take(struct bench_wire *w);
bool bench_receive(struct bench_wire *w); /* what is there now; false when that is nothing */
const char *bench_await(struct bench_wire *w);
/* The text of a request. HEAD: its headers, each ended by CRLF; NULL: for the UNIX socket. */
char *bench_request(const char *method, const char *path, const char *body, const char *head);
/* One request on a connection of its own; parsed. */
argo_value *bench_call(struct bench *b, const char *method, const char *path, const char *body);
argo_value *bench_parse(const char *text);

/* ---- load.c: many connections on one epoll ------------------------------------------------------- */

struct bench_load {
    const char *socket; /* or */
    uint16_t port;
    int connections;
    int counted; /* the first so many are the measurement, the others company */
    /* The next request of connection I after REPLY, which is NULL at first. */
    const char *(*next)(void *user, int i, const char *reply);
    void *user;
    /* load.c's */
    int epoll_fd;
    struct bench_wire *wires;
};

void bench_load_open(struct bench_load *load);
/* Replies per second to those that count; it goes on until there is one. */
double bench_load_run(struct bench_load *load, double seconds);
void bench_load_close(struct bench_load *load);

/* ---- floors.c ------------------------------------------------------------------------------------ */

struct bench_floor_db; /* one SQLite file in the home, synchronous=FULL */
struct bench_floor_db *bench_floor_db_open(const struct bench *b);
void bench_floor_db_commit(struct bench_floor_db *db, int rows);
void bench_floor_db_close(struct bench_floor_db *db);
double bench_floor_append(struct bench *b); /* append 200 bytes and fdatasync, p50 in ms */
double bench_floor_commit(struct bench *b); /* one commit, p50 in ms */
double bench_floor_hops(struct bench *b);   /* four hops and a commit, p50 in ms */
int bench_listen_unix(const char *path);
/* A server that forks a child per run, which sends two requests; two commits. */
pid_t bench_floor_runs(struct bench *b, char socket[96]);
/* The bare libmicrohttpd loop with this reply. */
pid_t bench_floor_server(struct bench *b, int listen_fd, const char *reply);

/* ---- rows.c: many runs at once, by copying the rows of one ----------------------------------------- */

/* The home's only run gets N copies. No daemon may run. */
void bench_multiply(struct bench *b, int n);
/* Milliseconds of one page of 50 runs by SQL alone, p50. */
double bench_floor_page(struct bench *b);

/* ---- the families -------------------------------------------------------------------------------- */

void bench_runs(struct bench *b);    /* runs.c: B1, B2, B3, B9 */
void bench_waiting(struct bench *b); /* waiting.c: B4, B5, B6 */
void bench_http(struct bench *b);    /* http.c: B8 */
void bench_process(struct bench *b); /* process.c: B10, B11 */

#endif
