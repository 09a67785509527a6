/*
 * The inner face over a socket and over nothing: a run's records become text, lines become
 * records. Over HTTP it is the port's test that looks.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/text.h"
#include "io/channel.h"
#include "lib/runner.h"

#define OUT_MAX ((size_t)8 * 1024 * 1024) /* of channel_fd.c */
#define BIG     ((size_t)256 * 1024)

static ag_loop *loop;
static argo_io_channel *ch;
static int peer = -1;

static struct {
    struct ag_buf lines; /* each with its length before it */
    size_t drained;
} seen;

static void on_input(const struct ag_stream_record *record, void *user)
{
    ck_assert_str_eq(record->kind, "line");
    ck_assert_int_eq(record->stream, AG_STREAM_INPUT);
    ck_assert_int_gt(record->at, 0);
    ag_buf_printf(&seen.lines, "%zu:%.8s|", strlen(record->text), record->text);
}

static void on_drained(void *user)
{
    seen.drained++;
}

static const struct ag_channel_events events = {.input = on_input, .drained = on_drained};

static void setup(void)
{
    int fds[2];
    memset(&seen, 0, sizeof(seen));
    ag_buf_init(&seen.lines, 1 << 20);
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    peer = fds[1];
    ck_assert_int_eq(ag_channel_new_fd(loop, fds[0], &ch, NULL), 0);
    ag_channel_set_events(ch, &events, NULL);
}

static void teardown(void)
{
    argo_io_channel_free(ch);
    ag_loop_free(loop);
    ag_buf_free(&seen.lines);
    close(peer);
}

static void turn(void)
{
    ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
}

static size_t write_text(const char *text)
{
    char kind[] = "stdout", path[] = "a", key[] = "1.1";
    ag_auto_free char *copy = ag_strdup(text);
    const struct ag_output_record r = {.kind = kind, .text = copy, .path = path, .client_key = key};
    return ag_channel_write_record(ch, &r);
}

START_TEST(records_are_text)
{
    char buffer[64];
    ck_assert_uint_eq(write_text("one\n"), 4);
    ck_assert_uint_eq(write_text(""), 4);
    ck_assert_uint_eq(write_text("two"), 7);
    turn();
    ck_assert_int_eq(recv(peer, buffer, sizeof(buffer), MSG_DONTWAIT), 7);
    ck_assert_mem_eq(buffer, "one\ntwo", 7);
}
END_TEST

START_TEST(lines_are_records)
{
    const char text[] = "Ada\n\nb\xff\0c\nhalf";
    ck_assert_int_eq(send(peer, text, sizeof(text) - 1, 0), sizeof(text) - 1);
    turn();
    ck_assert_str_eq(ag_buf_text(&seen.lines), "3:Ada|0:|8:b\xef\xbf\xbd\xef\xbf\xbd"
                                               "c|");
    close(peer);
    peer = -1;
    turn();
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&seen.lines), "|4:half|"));
}
END_TEST

START_TEST(a_long_line_comes_in_pieces)
{
    ag_auto_free char *xs = malloc(ARGO_IO_LINE_MAX + 2);
    memset(xs, 'x', ARGO_IO_LINE_MAX + 2);
    xs[ARGO_IO_LINE_MAX] = '\n';
    ck_assert_int_eq(send(peer, xs, ARGO_IO_LINE_MAX + 1, 0), ARGO_IO_LINE_MAX + 1);
    turn();
    turn();
    ck_assert_str_eq(ag_buf_text(&seen.lines), "65536:xxxxxxxx|");
    ag_buf_clear(&seen.lines);
    xs[ARGO_IO_LINE_MAX] = 'y';
    xs[ARGO_IO_LINE_MAX + 1] = '\n';
    ck_assert_int_eq(send(peer, xs, ARGO_IO_LINE_MAX + 2, 0), ARGO_IO_LINE_MAX + 2);
    turn();
    turn();
    ck_assert_str_eq(ag_buf_text(&seen.lines), "65536:xxxxxxxx|1:y|");
}
END_TEST

START_TEST(what_came_before_the_events_is_not_lost)
{
    ag_channel_set_events(ch, &(struct ag_channel_events){0}, NULL);
    ck_assert_int_eq(send(peer, "early\n", 6, 0), 6);
    turn();
    ck_assert_str_eq(ag_buf_text(&seen.lines), "");
    ag_channel_set_events(ch, &events, NULL);
    ck_assert_str_eq(ag_buf_text(&seen.lines), "5:early|");
}
END_TEST

START_TEST(too_much_output_drains_at_half)
{
    static char buffer[BIG];
    ag_auto_free char *text = malloc(BIG + 1);
    memset(text, 'x', BIG);
    text[BIG] = '\0';
    for (size_t n = 1; n <= 4; n++) {
        ck_assert_uint_eq(write_text(text), n * BIG);
    }
    ck_assert_uint_eq(write_text("."), AG_CHANNEL_HIGH + 1);
    size_t left = AG_CHANNEL_HIGH + 1;
    while (left > 0) {
        turn();
        ck_assert_uint_eq(seen.drained, argo_io_channel_pending(ch) <= AG_CHANNEL_HIGH / 2 ? 1 : 0);
        ssize_t n = recv(peer, buffer, sizeof(buffer), MSG_DONTWAIT);
        ck_assert_int_gt(n, 0);
        left -= (size_t)n;
    }
    ck_assert_uint_eq(seen.drained, 1);
    ck_assert_uint_eq(write_text("again"), 5); /* below the mark there is nothing to tell */
    turn();
    ck_assert_uint_eq(seen.drained, 1);
}
END_TEST

/* A run never waits for the one who reads. */
START_TEST(a_reader_that_does_not_read)
{
    ag_auto_free char *text = malloc(BIG + 1);
    memset(text, 'x', BIG);
    text[BIG] = '\0';
    for (size_t n = 1; n <= OUT_MAX / BIG; n++) {
        ck_assert_uint_eq(write_text(text), n * BIG);
    }
    ck_assert_uint_eq(write_text("."), OUT_MAX); /* dropped */
    turn();
    size_t room = OUT_MAX - argo_io_channel_pending(ch);
    ck_assert_uint_gt(room, 1);
    ck_assert_uint_eq(write_text("."), OUT_MAX - room + 1); /* and taken when there is room */
}
END_TEST

START_TEST(output_to_one_who_has_gone)
{
    close(peer);
    peer = -1;
    ck_assert_uint_eq(write_text("lost"), 4);
    turn();
    ck_assert_uint_eq(write_text("nor this"), 0);
}
END_TEST

START_TEST(over_nothing)
{
    argo_io_channel_free(ch);
    ck_assert_int_eq(ag_channel_new_null(loop, &ch, NULL), 0);
    ag_channel_set_events(ch, &events, NULL);
    ck_assert_uint_eq(write_text("nobody hears this"), 0);
    turn();
    ck_assert_str_eq(ag_buf_text(&seen.lines), "");
    ck_assert_uint_eq(seen.drained, 0);
}
END_TEST

/* What came to the run by another way, as the answer to a question does. */
START_TEST(input_may_be_delivered)
{
    char kind[] = "line", text[] = "given";
    const struct ag_stream_record r = {
        .stream = AG_STREAM_INPUT, .kind = kind, .text = text, .at = 1};
    ag_channel_deliver(ch, &r);
    ck_assert_str_eq(ag_buf_text(&seen.lines), "5:given|");
    ag_channel_set_events(ch, &(struct ag_channel_events){0}, NULL);
    ag_channel_deliver(ch, &r);
    ck_assert_str_eq(ag_buf_text(&seen.lines), "5:given|");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("io/records");
    TCase *t = tcase_create("records");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, records_are_text);
    tcase_add_test(t, lines_are_records);
    tcase_add_test(t, a_long_line_comes_in_pieces);
    tcase_add_test(t, what_came_before_the_events_is_not_lost);
    tcase_add_test(t, too_much_output_drains_at_half);
    tcase_add_test(t, a_reader_that_does_not_read);
    tcase_add_test(t, output_to_one_who_has_gone);
    tcase_add_test(t, over_nothing);
    tcase_add_test(t, input_may_be_delivered);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
