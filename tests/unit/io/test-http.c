/*
 * Channels over a scripted daemon, for a user and for an executor. The daemon lives on a loop of
 * its own in the same thread, so no call here waits: both are driven by one poll.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <argo/io_channel.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"
#include "lib/tempdir.h"
#include "wire/value.h"

#define MANY  20000
#define POSTS 64

static ag_loop *loop;
static struct fakehttp *server;
static argo_context *ctx;
static argo_io_channel *ch;

/* What the daemon says, and what it was told. */
static struct {
    const char *reads[8]; /* replies to the polls, in order; then they wait */
    int read_status[8];
    size_t n_reads, reads_asked;
    int post_status[8]; /* of the posts, in order; 0 and then: 200 */
    const char *post_error;
    size_t n_posts;
    bool hold_all;
    char *posts[POSTS]; /* the requests, head and body */
    char *gets[POSTS];
    struct ag_buf scratch;
} daemon_;

static void reply_with(struct fake_reply *reply, int status, const char *body)
{
    ag_buf_clear(&daemon_.scratch);
    if (body == NULL) {
        ag_buf_printf(&daemon_.scratch, "HTTP/1.1 204 No Content\r\n\r\n");
    } else {
        ag_buf_printf(&daemon_.scratch, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n\r\n", status,
                      strlen(body));
        ag_buf_add_text(&daemon_.scratch, body);
    }
    reply->bytes = ag_buf_text(&daemon_.scratch);
}

static bool serve(const char *request, struct fake_reply *reply, void *user)
{
    if (strncmp(request, "POST", 4) == 0) {
        ck_assert_uint_lt(daemon_.n_posts, POSTS);
        size_t i = daemon_.n_posts++;
        int status = i < AG_ARRAY_SIZE(daemon_.post_status) ? daemon_.post_status[i] : 0;
        daemon_.posts[i] = ag_strdup(request);
        reply_with(reply, status != 0 ? status : 200,
                   status != 0 ? daemon_.post_error : "{\"status\":\"success\"}");
        reply->hold = daemon_.hold_all;
        return true;
    }
    ck_assert_uint_lt(daemon_.reads_asked, POSTS);
    size_t i = daemon_.reads_asked++;
    daemon_.gets[i] = ag_strdup(request);
    if (i < daemon_.n_reads) {
        int status = daemon_.read_status[i];
        reply_with(reply, status != 0 ? status : 200, daemon_.reads[i]);
        reply->hold = daemon_.hold_all;
    } else {
        reply_with(reply, 200, "{}");
        reply->hold = true;
    }
    return true;
}

static void start_daemon(void)
{
    server = fakehttp_new(loop, temp_path("run/argo.sock"));
    fakehttp_on_request(server, serve, NULL);
}

static void setup(void)
{
    temp_dir_setup();
    memset(&daemon_, 0, sizeof(daemon_));
    ag_buf_init(&daemon_.scratch, (size_t)16 << 20);
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(argo_context_new(temp_dir, &ctx, NULL), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("run"), NULL), 0);
    server = NULL;
    ch = NULL;
}

static void teardown(void)
{
    argo_io_channel_free(ch);
    if (server != NULL) {
        fakehttp_free(server);
    }
    for (size_t i = 0; i < POSTS; i++) {
        free(daemon_.posts[i]);
        free(daemon_.gets[i]);
    }
    ag_buf_free(&daemon_.scratch);
    argo_context_free(ctx);
    ag_loop_free(loop);
    temp_dir_teardown();
}

static void as_user(void)
{
    struct argo_io_http_options o = ARGO_IO_HTTP_OPTIONS_INIT;
    o.workflow_id = "w_1";
    o.name = "tool";
    ck_assert_int_eq(argo_io_channel_new_http(ctx, &o, &ch, NULL), 0);
}

static void as_executor(void)
{
    struct argo_io_http_options o = ARGO_IO_HTTP_OPTIONS_INIT;
    o.workflow_id = "w_1";
    o.token = "run-token";
    o.epoch = 3;
    o.after = 40;
    ck_assert_int_eq(argo_io_channel_new_http(ctx, &o, &ch, NULL), 0);
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void turn(int wait_ms)
{
    struct pollfd fds[] = {
        {.fd = ag_loop_fd(loop), .events = POLLIN},
        {.fd = argo_io_channel_get_fd(ch), .events = argo_io_channel_get_events(ch)},
    };
    wait_ms = shorter(wait_ms, shorter(ag_loop_timeout(loop), argo_io_channel_get_timeout(ch)));
    ck_assert_int_ge(poll(fds, 2, wait_ms), 0);
    ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
    ck_assert_int_eq(argo_io_channel_dispatch(ch, NULL), 0);
}

#define until(fact)                                                         \
    do {                                                                    \
        for (int until_ = 0; !(fact); until_++) {                           \
            ck_assert_msg(until_ < MANY, "gave up waiting for: %s", #fact); \
            turn(1000);                                                     \
        }                                                                   \
    } while (0)

/* Flushes without waiting inside. */
static int flushed(argo_error **err)
{
    int r = ARGO_E_WOULDBLOCK;
    for (int i = 0; r == ARGO_E_WOULDBLOCK; i++) {
        ck_assert_int_lt(i, MANY);
        r = argo_io_channel_flush(ch, 0, err);
        if (r == ARGO_E_WOULDBLOCK) {
            turn(1000);
        }
    }
    return r;
}

static void will_read(const char *body)
{
    daemon_.reads[daemon_.n_reads++] = body;
}

static void ck_line(const char *expected)
{
    char *line = NULL;
    int r = ARGO_E_WOULDBLOCK;
    for (int i = 0; r == ARGO_E_WOULDBLOCK; i++) {
        ck_assert_int_lt(i, MANY);
        r = argo_io_channel_read_line(ch, 0, &line, NULL, NULL);
        if (r == ARGO_E_WOULDBLOCK) {
            turn(1000);
        }
    }
    if (expected == NULL) {
        ck_assert_int_eq(r, ARGO_IO_EOF);
    } else {
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(line, expected);
        free(line);
    }
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *body_of(const char *request)
{
    return strstr(request, "\r\n\r\n") + 4;
}

/* ---- a user ------------------------------------------------------------------------------------- */

START_TEST(a_user_reads_output_to_its_end)
{
    start_daemon();
    will_read("{\"status\":\"success\",\"output\":\"one\\ntw\",\"data\":{\"next_after\":3,"
              "\"ended\":false}}");
    will_read("{\"status\":\"success\",\"output\":\"\",\"data\":{\"next_after\":3,"
              "\"ended\":false}}");
    will_read("{\"status\":\"success\",\"output\":\"o\\nlast\",\"data\":{\"next_after\":5,"
              "\"ended\":true}}");
    as_user();
    ck_line("one");
    ck_line("two");
    ck_line("last");
    ck_line(NULL);
    ck_assert(argo_io_channel_eof(ch));
    ck_assert_uint_eq(daemon_.reads_asked, 3); /* and no more after the end */
    ck_assert(begins(daemon_.gets[0], "GET /api/workflow/output/w_1?timeout=300&after=0 "));
    ck_assert(begins(daemon_.gets[1], "GET /api/workflow/output/w_1?timeout=300&after=3 "));
    ck_assert(begins(daemon_.gets[2], "GET /api/workflow/output/w_1?timeout=300&after=3 "));
    ck_assert_ptr_null(strstr(daemon_.gets[0], "X-Argo-Epoch"));
    ck_assert_int_eq(argo_io_channel_get_timeout(ch), -1);
}
END_TEST

START_TEST(a_line_is_an_input)
{
    start_daemon();
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "Ada\n\nLove", NULL), 0);
    until(daemon_.n_posts == 2);
    ck_assert(begins(daemon_.posts[0], "POST /api/workflow/input/w_1 "));
    ck_assert(begins(body_of(daemon_.posts[0]), "{\"input\":\"Ada\",\"client_key\":\""));
    ck_assert(begins(body_of(daemon_.posts[1]), "{\"input\":\"\",\"client_key\":\""));
    ck_assert_str_ne(strstr(daemon_.posts[0], "client_key"),
                     strstr(daemon_.posts[1], "client_key"));
    ck_assert_ptr_nonnull(strstr(daemon_.posts[0], "X-Argo-Client: tool\r\n"));
    ck_assert_int_eq(argo_io_channel_write_str(ch, "lace\nnext", NULL), 0);
    until(daemon_.n_posts == 3);
    ck_assert(begins(body_of(daemon_.posts[2]), "{\"input\":\"Lovelace\","));
    ck_assert_uint_gt(argo_io_channel_pending(ch), 0);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_uint_eq(daemon_.n_posts, 4); /* a flush ends the line */
    ck_assert(begins(body_of(daemon_.posts[3]), "{\"input\":\"next\","));
}
END_TEST

START_TEST(a_line_of_input_has_a_limit)
{
    static char xs[ARGO_IO_LINE_MAX + 1];
    AG_AUTO(argo_error) err = NULL;
    memset(xs, 'x', sizeof(xs));
    start_daemon();
    as_user();
    ck_assert_int_eq(argo_io_channel_write(ch, xs, ARGO_IO_LINE_MAX + 1, &err), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "ab\ny", NULL), 0);
    ck_assert_int_eq(argo_io_channel_write(ch, xs, ARGO_IO_LINE_MAX, &err), ARGO_E_TOO_LARGE);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 4); /* nothing of it was taken */
    ck_assert_int_eq(argo_io_channel_write(ch, xs, ARGO_IO_LINE_MAX - 1, NULL), 0);
    ck_assert_int_eq(argo_io_channel_write(ch, "x", 1, &err), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "\n", NULL), 0);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(daemon_.n_posts, 2);
    ck_assert_uint_eq(strspn(body_of(daemon_.posts[1]) + strlen("{\"input\":\"y"), "x"),
                      ARGO_IO_LINE_MAX - 1);
}
END_TEST

START_TEST(a_refused_input_is_told_once)
{
    AG_AUTO(argo_error) err = NULL;
    start_daemon();
    daemon_.post_status[0] = 422;
    daemon_.post_error = "{\"status\":\"error\",\"error\":{\"code\":1013,\"message\":\"m\","
                         "\"details\":\"expected a number\"}}";
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "many\n", NULL), 0);
    ck_assert_int_eq(flushed(&err), ARGO_E_ANSWER);
    ck_assert_str_eq(argo_error_details(err), "expected a number");
    ck_assert_int_eq(argo_io_channel_write_str(ch, "7\n", NULL), 0);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(daemon_.n_posts, 2);
}
END_TEST

START_TEST(a_run_that_does_not_exist)
{
    char buffer[8];
    size_t len;
    AG_AUTO(argo_error) err = NULL;
    start_daemon();
    daemon_.post_status[0] = 404;
    daemon_.read_status[0] = 404;
    daemon_.post_error = "{\"status\":\"error\",\"error\":{\"code\":1005,\"message\":\"m\","
                         "\"details\":\"no such run\"}}";
    will_read(daemon_.post_error);
    as_user();
    until(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, NULL) != ARGO_E_WOULDBLOCK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(argo_io_channel_read(ch, buffer, sizeof(buffer), &len, &err),
                         ARGO_E_NO_WORKFLOW);
        ck_assert_str_eq(argo_error_details(err), "no such run");
    }
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\nyou\nhalf", NULL), 0);
    ck_assert_int_eq(flushed(&err), ARGO_E_NO_WORKFLOW);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\n", &err), ARGO_E_NO_WORKFLOW);
    ck_assert_int_eq(argo_io_channel_flush(ch, 0, &err), ARGO_E_NO_WORKFLOW);
    ck_assert_uint_eq(argo_io_channel_pending(ch), 0);
    ck_assert_uint_eq(daemon_.n_posts, 1); /* nothing more is sent */
    ck_assert_uint_eq(daemon_.reads_asked, 1);
    ck_assert_int_eq(argo_io_channel_close(ch, 0, &err), ARGO_E_NO_WORKFLOW);
}
END_TEST

static char *output_of(size_t n, const char *more)
{
    ag_auto_free char *xs = malloc(n + 1);
    memset(xs, 'x', n);
    xs[n] = '\0';
    return ag_asprintf("{\"status\":\"success\",\"output\":\"%s\",\"data\":{\"next_after\":1%s}}",
                       xs, more);
}

/* What nobody reads is left at the daemon. */
START_TEST(output_waits_at_the_daemon)
{
    char buffer[8];
    size_t len;
    ag_auto_free char *most = output_of(ARGO_IO_LINE_MAX, "");
    ag_auto_free char *more = output_of(1, "");
    start_daemon();
    will_read(most);
    will_read(more);
    as_user();
    until(daemon_.reads_asked == 2); /* the line may still go on */
    for (int i = 0; i < 200; i++) {
        turn(0);
    }
    ck_assert_uint_eq(daemon_.reads_asked, 2);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, NULL), 0);
    until(daemon_.reads_asked == 3);
}
END_TEST

#define IN_MAX ((size_t)4 * 1024 * 1024) /* of channel_http.c */

static int read_all(size_t *total)
{
    static char buffer[65536];
    size_t len;
    int r;
    *total = 0;
    for (int i = 0;; i++) {
        ck_assert_int_lt(i, MANY);
        r = argo_io_channel_read(ch, buffer, sizeof(buffer), &len, NULL);
        if (r == ARGO_E_WOULDBLOCK) {
            turn(1000);
        } else if (r == 0) {
            *total += len;
        } else {
            return r;
        }
    }
}

START_TEST(a_reply_as_large_as_can_be)
{
    size_t total;
    ag_auto_free char *body = output_of(IN_MAX, ",\"ended\":true");
    start_daemon();
    will_read(body);
    as_user();
    ck_assert_int_eq(read_all(&total), ARGO_IO_EOF);
    ck_assert_uint_eq(total, IN_MAX);
}
END_TEST

START_TEST(a_reply_that_is_too_large)
{
    size_t total;
    ag_auto_free char *body = output_of(IN_MAX + 1, ",\"ended\":true");
    start_daemon();
    will_read(body);
    as_user();
    ck_assert_int_eq(read_all(&total), ARGO_E_TOO_LARGE);
    ck_assert_uint_eq(total, 0);
}
END_TEST

/* ---- an executor -------------------------------------------------------------------------------- */

START_TEST(an_executor_writes_records_and_reads_lines)
{
    start_daemon();
    will_read(
        "{\"status\":\"success\",\"input\":\"Adayes\",\"data\":{\"next_after\":44,\"records\":"
        "[{\"seq\":42,\"kind\":\"line\",\"text\":\"Ada\"},"
        "{\"seq\":44,\"kind\":\"answer\",\"text\":\"yes\"}]}}");
    will_read(NULL); /* 204: nothing came in time */
    as_executor();
    ck_line("Ada");
    ck_line("yes");
    until(daemon_.reads_asked == 3);
    ck_assert(begins(daemon_.gets[0], "GET /api/workflow/input/w_1?timeout=300&after=40 "));
    ck_assert(begins(daemon_.gets[1], "GET /api/workflow/input/w_1?timeout=300&after=44 "));
    ck_assert(begins(daemon_.gets[2], "GET /api/workflow/input/w_1?timeout=300&after=44 "));
    ck_assert(!argo_io_channel_eof(ch));
    ck_assert_int_eq(argo_io_channel_write_str(ch, "one ", NULL), 0);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "two\n", NULL), 0);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(daemon_.n_posts, 1); /* they travel together */
    ck_assert(begins(daemon_.posts[0], "POST /api/workflow/output/w_1 "));
    ck_assert_ptr_nonnull(strstr(daemon_.posts[0], "X-Argo-Epoch: 3\r\n"));
    ck_assert_ptr_nonnull(strstr(daemon_.posts[0], "Authorization: Bearer run-token\r\n"));
    ck_assert(begins(body_of(daemon_.posts[0]),
                     "{\"records\":[{\"kind\":\"text\",\"text\":\"one two\\n\","));
    ck_assert_ptr_nonnull(strstr(daemon_.posts[0], "\"client_key\":\""));
}
END_TEST

/* The texts of all records that were posted, joined; the longest in *LONGEST. */
static char *posted(size_t *longest)
{
    ag_auto_buf all = AG_BUF_INIT((size_t)8 << 20);
    *longest = 0;
    for (size_t i = 0; i < daemon_.n_posts; i++) {
        AG_AUTO(ag_value) body = NULL;
        const char *text = body_of(daemon_.posts[i]);
        struct ag_value_iter it = {0};
        ck_assert_int_eq(ag_value_parse(text, strlen(text), &body, NULL), 0);
        while (ag_value_next(ag_value_get(body, "records"), &it)) {
            const char *piece = ag_value_get_text(it.value, "text", "");
            *longest = strlen(piece) > *longest ? strlen(piece) : *longest;
            ag_buf_add_text(&all, piece);
        }
    }
    return ag_buf_take(&all);
}

/* 1 MiB of characters of three bytes: no record cuts one in two. */
START_TEST(output_is_bounded_and_cut_into_records)
{
    static char data[ARGO_IO_BUFFER_MAX + 1];
    size_t longest;
    for (size_t i = 0; i < ARGO_IO_BUFFER_MAX; i++) {
        data[i] = "\xe2\x82\xac"[i % 3];
    }
    data[ARGO_IO_BUFFER_MAX - 1] = '.'; /* a multiple of three and one more */
    as_executor();
    ck_assert_int_eq(argo_io_channel_write(ch, data, ARGO_IO_BUFFER_MAX + 1, NULL),
                     ARGO_E_TOO_LARGE);
    ck_assert_int_eq(argo_io_channel_write(ch, data, ARGO_IO_BUFFER_MAX, NULL), 0);
    ck_assert_uint_eq(argo_io_channel_pending(ch), ARGO_IO_BUFFER_MAX);
    ck_assert_int_eq(argo_io_channel_write(ch, "x", 1, NULL), ARGO_E_WOULDBLOCK);
    start_daemon();
    ck_assert_int_eq(flushed(NULL), 0);
    ag_auto_free char *all = posted(&longest);
    ck_assert_str_eq(all, data);
    ck_assert_uint_le(longest, 65536);
    ck_assert_uint_gt(longest, 65536 - 3);
    ck_assert_uint_ge(daemon_.n_posts, 3); /* none is larger than a body may be */
    ck_assert_int_eq(argo_io_channel_write(ch, "x", 1, NULL), 0);
}
END_TEST

START_TEST(half_a_character_waits_for_the_other)
{
    size_t longest;
    start_daemon();
    as_executor();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "a\xe2\x82", NULL), 0);
    until(daemon_.n_posts == 1);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "\xac\xe2", NULL), 0);
    until(daemon_.n_posts == 2);
    ck_assert_uint_gt(argo_io_channel_pending(ch), 0);
    ck_assert_int_eq(flushed(NULL), 0); /* which waits for nothing */
    ag_auto_free char *all = posted(&longest);
    ck_assert_str_eq(all, "a\xe2\x82\xac\xef\xbf\xbd");
}
END_TEST

/* ---- the daemon is away -------------------------------------------------------------------------- */

START_TEST(a_daemon_that_is_away_is_waited_for)
{
    will_read("{\"status\":\"success\",\"output\":\"back\\n\",\"data\":{\"next_after\":1}}");
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\n", NULL), 0);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(argo_io_channel_flush(ch, 20, NULL), ARGO_E_TIMEOUT);
    }
    start_daemon();
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(daemon_.n_posts, 1);
    ck_line("back");
}
END_TEST

/* It did not hear that the first was taken: the same again, by which the daemon knows it. */
START_TEST(what_is_repeated_has_the_same_key)
{
    start_daemon();
    daemon_.post_status[0] = 503;
    daemon_.post_error = "{\"status\":\"error\",\"error\":{\"code\":1303,\"message\":\"m\"}}";
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\n", NULL), 0);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_uint_eq(daemon_.n_posts, 2);
    ck_assert_str_eq(body_of(daemon_.posts[0]), body_of(daemon_.posts[1]));
}
END_TEST

#define NO_JSON "not JSON"

/* What would pass is not waited for when there is nothing to come back to. */
START_TEST(without_the_home_it_is_over)
{
    char buffer[8];
    size_t len;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *moved = ag_asprintf("%s-moved", temp_dir);
    start_daemon();
    daemon_.hold_all = true;
    daemon_.post_status[0] = 200;
    daemon_.post_error = NO_JSON;
    will_read(NO_JSON);
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\n", NULL), 0);
    until(daemon_.n_posts == 1 && daemon_.reads_asked == 1);
    ck_assert_int_eq(rename(temp_dir, moved), 0);
    fakehttp_release(server);
    int r = flushed(&err);
    until(argo_io_channel_read(ch, buffer, 1, &len, NULL) != ARGO_E_WOULDBLOCK);
    ck_assert_int_eq(rename(moved, temp_dir), 0);
    ck_assert_int_eq(r, ARGO_E_PROTOCOL);
    ck_assert_int_eq(argo_io_channel_read(ch, buffer, 1, &len, NULL), ARGO_E_PROTOCOL);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "hello\n", NULL), ARGO_E_PROTOCOL);
}
END_TEST

/* ---- the object ---------------------------------------------------------------------------------- */

static void refuses(const struct argo_io_http_options *o, int code)
{
    AG_AUTO(argo_error) err = NULL;
    argo_io_channel *out = NULL;
    ck_assert_int_eq(argo_io_channel_new_http(ctx, o, &out, &err), code);
    ck_assert_int_eq(argo_error_code(err), code);
    ck_assert_ptr_null(out);
}

START_TEST(options_are_checked)
{
    struct argo_io_http_options o = ARGO_IO_HTTP_OPTIONS_INIT;
    argo_io_channel *out = NULL;
    refuses(NULL, ARGO_E_INVALID);
    refuses(&o, ARGO_E_INVALID);
    o.workflow_id = "a b";
    refuses(&o, ARGO_E_ID);
    o.workflow_id = "w_1";
    o.epoch = 1;
    refuses(&o, ARGO_E_INVALID); /* without a token */
    o.token = "";
    refuses(&o, ARGO_E_INVALID);
    o.token = "t";
    o.epoch = -1;
    refuses(&o, ARGO_E_INVALID);
    o.epoch = 0;
    o.after = -1;
    refuses(&o, ARGO_E_INVALID);
    o.after = 0;
    o.url = "ftp://x";
    refuses(&o, ARGO_E_INVALID);
    o.url = NULL;
    o.name = "two words";
    refuses(&o, ARGO_E_ID);
    o.name = NULL;
    o.size = 1;
    refuses(&o, ARGO_E_INVALID);
    o.size = sizeof(o);
    ck_assert_int_eq(argo_io_channel_new_http(NULL, &o, &out, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_new_http(ctx, &o, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_io_channel_new_http(ctx, &o, &out, NULL), 0);
    argo_io_channel_free(out);
    o.size = offsetof(struct argo_io_http_options, name); /* of an older program */
    o.name = "two words";
    ck_assert_int_eq(argo_io_channel_new_http(ctx, &o, &out, NULL), 0);
    argo_io_channel_free(out);
}
END_TEST

START_TEST(a_close_ends_what_is_under_way)
{
    start_daemon();
    as_user();
    ck_assert_int_eq(argo_io_channel_write_str(ch, "x\n", NULL), 0);
    until(daemon_.n_posts == 1 && daemon_.reads_asked == 1);
    ck_assert_int_eq(flushed(NULL), 0);
    ck_assert_int_eq(argo_io_channel_close(ch, 0, NULL), 0);
    ck_assert_int_eq(argo_io_channel_write_str(ch, "x\n", NULL), ARGO_E_STATE);
    ck_assert_int_eq(argo_io_channel_get_timeout(ch), -1);
    for (int i = 0; i < 200; i++) {
        turn(0);
    }
    ck_assert_uint_eq(daemon_.n_posts + daemon_.reads_asked, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("io/http");
    TCase *t = tcase_create("http");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_test(t, a_user_reads_output_to_its_end);
    tcase_add_test(t, a_line_is_an_input);
    tcase_add_test(t, a_line_of_input_has_a_limit);
    tcase_add_test(t, a_refused_input_is_told_once);
    tcase_add_test(t, a_run_that_does_not_exist);
    tcase_add_test(t, output_waits_at_the_daemon);
    tcase_add_test(t, a_reply_as_large_as_can_be);
    tcase_add_test(t, a_reply_that_is_too_large);
    tcase_add_test(t, an_executor_writes_records_and_reads_lines);
    tcase_add_test(t, output_is_bounded_and_cut_into_records);
    tcase_add_test(t, half_a_character_waits_for_the_other);
    tcase_add_test(t, a_daemon_that_is_away_is_waited_for);
    tcase_add_test(t, what_is_repeated_has_the_same_key);
    tcase_add_test(t, without_the_home_it_is_over);
    tcase_add_test(t, options_are_checked);
    tcase_add_test(t, a_close_ends_what_is_under_way);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
