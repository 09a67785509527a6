/*
 * Channels in a host's own poll loop: two that talk to each other, and that none keeps the host
 * awake when there is nothing to do.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <argo/io_channel.h>

#include "base/error.h"
#include "lib/runner.h"

#define MANY 100000

struct end {
    argo_io_channel *ch;
    size_t got, sent;
    bool hear_out; /* it wrote all and waits for the end */
    bool over;
};

static struct end ends[2];

static void setup(void)
{
    int peer;
    memset(ends, 0, sizeof(ends));
    ck_assert_int_eq(argo_io_channel_new_socketpair(&ends[0].ch, &peer, NULL), 0);
    ck_assert_int_eq(argo_io_channel_new_fd(peer, &ends[1].ch, NULL), 0);
}

static void teardown(void)
{
    argo_io_channel_free(ends[0].ch);
    argo_io_channel_free(ends[1].ch);
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Waits for both, and dispatches those that have something to do. */
static void turn(int limit_ms)
{
    struct pollfd fds[2];
    int wait_ms = limit_ms;
    for (int i = 0; i < 2; i++) {
        fds[i] = (struct pollfd){argo_io_channel_get_fd(ends[i].ch),
                                 argo_io_channel_get_events(ends[i].ch), 0};
        wait_ms = shorter(wait_ms, argo_io_channel_get_timeout(ends[i].ch));
    }
    ck_assert_int_ge(poll(fds, 2, wait_ms), 0);
    for (int i = 0; i < 2; i++) {
        if (fds[i].revents != 0 || argo_io_channel_get_timeout(ends[i].ch) == 0) {
            ck_assert_int_eq(argo_io_channel_dispatch(ends[i].ch, NULL), 0);
        }
    }
}

/* True when there is nothing to wake up for. */
static bool is_idle(const argo_io_channel *ch)
{
    struct pollfd fd = {argo_io_channel_get_fd(ch), argo_io_channel_get_events(ch), 0};
    return poll(&fd, 1, 0) == 0 && argo_io_channel_get_timeout(ch) == -1;
}

#define TOTAL ((size_t)3 * 1024 * 1024)

/* Writes what fits and reads what is there. */
static void push_and_pull(struct end *e)
{
    static char block[40000];
    char buffer[10000];
    size_t len;
    int r = 0;
    while (r == 0 && e->sent < TOTAL) {
        size_t n = TOTAL - e->sent < sizeof(block) ? TOTAL - e->sent : sizeof(block);
        r = argo_io_channel_write(e->ch, block, n, NULL);
        e->sent += r == 0 ? n : 0;
    }
    ck_assert(r == 0 || r == ARGO_E_WOULDBLOCK);
    while ((r = argo_io_channel_read(e->ch, buffer, sizeof(buffer), &len, NULL)) == 0) {
        e->got += len;
    }
    ck_assert_int_eq(r, ARGO_E_WOULDBLOCK);
}

/* Both send more than all buffers hold, at the same time. */
START_TEST(two_channels_in_one_loop)
{
    for (int i = 0; ends[0].got < TOTAL || ends[1].got < TOTAL; i++) {
        ck_assert_int_lt(i, MANY);
        push_and_pull(&ends[0]);
        push_and_pull(&ends[1]);
        if (ends[0].got < TOTAL || ends[1].got < TOTAL) {
            turn(-1); /* never asleep while something is under way */
        }
    }
    ck_assert_uint_eq(ends[0].got, TOTAL);
    ck_assert_uint_eq(ends[1].got, TOTAL);
    turn(0);
    ck_assert(is_idle(ends[0].ch));
    ck_assert(is_idle(ends[1].ch));
}
END_TEST

START_TEST(a_conversation)
{
    char *line = NULL;
    char said[32];
    ck_assert_int_eq(argo_io_channel_write_str(ends[0].ch, "0\n", NULL), 0);
    int number = 0;
    for (int i = 0; number < 20; i++) {
        struct end *e = &ends[(number + 1) % 2];
        ck_assert_int_lt(i, MANY);
        turn(-1);
        int r = argo_io_channel_read_line(e->ch, 0, &line, NULL, NULL);
        ck_assert(r == 0 || r == ARGO_E_WOULDBLOCK);
        if (r == 0) {
            snprintf(said, sizeof(said), "%d", number);
            ck_assert_str_eq(line, said);
            free(line);
            snprintf(said, sizeof(said), "%d\n", ++number);
            ck_assert_int_eq(argo_io_channel_write_str(e->ch, said, NULL), 0);
        }
    }
}
END_TEST

START_TEST(idle_at_the_end)
{
    char buffer[8];
    size_t len;
    ck_assert(is_idle(ends[0].ch));
    ck_assert_int_eq(argo_io_channel_close(ends[1].ch, 0, NULL), 0);
    ck_assert(!is_idle(ends[0].ch));
    ck_assert_int_eq(argo_io_channel_dispatch(ends[0].ch, NULL), 0);
    ck_assert_int_eq(argo_io_channel_read(ends[0].ch, buffer, 1, &len, NULL), ARGO_IO_EOF);
    ck_assert(is_idle(ends[0].ch)); /* though the socket reports its hang-up for ever */
    ck_assert_int_eq(argo_io_channel_write_str(ends[0].ch, "x", NULL), 0);
    ck_assert(!is_idle(ends[0].ch));
    ck_assert_int_eq(argo_io_channel_dispatch(ends[0].ch, NULL), 0);
    ck_assert(is_idle(ends[0].ch)); /* the write has failed */
    ck_assert_int_eq(argo_io_channel_flush(ends[0].ch, 0, NULL), ARGO_E_SYSTEM);
}
END_TEST

/* A host that does not read is not woken for what it does not want. */
START_TEST(idle_when_it_is_full)
{
    static char data[ARGO_IO_BUFFER_MAX];
    char buffer[4096];
    size_t got = 0;
    size_t len;
    ck_assert_int_eq(argo_io_channel_write(ends[1].ch, data, sizeof(data), NULL), 0);
    for (int i = 0; !is_idle(ends[0].ch) || !is_idle(ends[1].ch); i++) {
        ck_assert_int_lt(i, MANY);
        turn(0);
    }
    ck_assert_uint_gt(argo_io_channel_pending(ends[1].ch), 0);
    int r = 0;
    for (int i = 0; got < sizeof(data); i++) {
        ck_assert_int_lt(i, MANY);
        while ((r = argo_io_channel_read(ends[0].ch, buffer, sizeof(buffer), &len, NULL)) == 0) {
            got += len;
        }
        ck_assert_int_eq(r, ARGO_E_WOULDBLOCK);
        turn(got < sizeof(data) ? -1 : 0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("io/host");
    TCase *t = tcase_create("host");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, two_channels_in_one_loop);
    tcase_add_test(t, a_conversation);
    tcase_add_test(t, idle_at_the_end);
    tcase_add_test(t, idle_when_it_is_full);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
