/*
 * The load: connections that each have one request under way, on one epoll.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"

#define BATCH 256

void bench_load_open(struct bench_load *load)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->wires = bench_alloc((size_t)load->connections, sizeof(*load->wires));
    for (int i = 0; i < load->connections; i++) {
        struct bench_wire *w = &load->wires[i];
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (load->socket != NULL) {
            bench_connect_unix(w, load->socket);
        } else {
            bench_connect_tcp(w, load->port);
        }
        if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, w->fd, &event) < 0) {
            bench_die("epoll: %s", strerror(errno));
        }
        bench_send(w, load->next(load->user, i, NULL));
    }
}

static long turn(struct bench_load *load)
{
    struct epoll_event events[BATCH];
    long replies = 0;
    int n = epoll_wait(load->epoll_fd, events, BATCH, 10);
    for (int k = 0; k < n; k++) {
        int i = (int)events[k].data.u32;
        struct bench_wire *w = &load->wires[i];
        const char *reply = bench_receive(w) ? bench_take(w) : NULL;
        if (reply != NULL) {
            replies += i < load->counted;
            bench_send(w, load->next(load->user, i, reply));
        }
    }
    return replies;
}

double bench_load_run(struct bench_load *load, double seconds)
{
    double start = bench_now_ms(), now = start;
    long replies = 0;
    while (now - start < seconds * 1000 || replies == 0) {
        replies += turn(load);
        now = bench_now_ms();
    }
    return (double)replies * 1000 / (now - start);
}

void bench_load_close(struct bench_load *load)
{
    for (int i = 0; i < load->connections; i++) {
        bench_hang_up(&load->wires[i]);
    }
    free(load->wires);
    close(load->epoll_fd);
}
