/*
 * The daemon in memory. Calls are queued and handled one by one from the loop, in order.
 */
#include "lib/fakeport.h"

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/text.h"
#include "io/internal.h"

enum call_kind { CHECKPOINT, START, COMPLETE, OUTPUT, QUESTION, CI, PARK, FINISH, INPUT };

struct call {
    struct ag_list node;
    enum call_kind kind;
    ag_value *body; /* the encoded record */

    union {
        ag_port_checkpoint_fn checkpoint;
        ag_port_done_fn done;
        ag_port_question_fn question;
        ag_port_ci_fn ci;
    } fn;

    void *user;
};

static void set_text(char **slot, const char *text)
{
    char *copy = ag_strdup(text);
    free(*slot);
    *slot = copy;
}

static void set_value(ag_value **slot, ag_value *taken)
{
    ag_value_unref(*slot);
    *slot = taken;
}

static struct call *push(struct fakeport *f, enum call_kind kind, ag_value *body, void *user)
{
    struct call *c = calloc(1, sizeof(*c));
    c->kind = kind;
    c->body = body;
    c->user = user;
    ag_list_append(&f->queue, &c->node);
    ag_defer_schedule(f->defer);
    return c;
}

static void call_free(struct call *c)
{
    ag_list_remove(&c->node);
    ag_value_unref(c->body);
    free(c);
}

/* ---- the rules --------------------------------------------------------------------------------- */

static ag_value *find_row(struct fakeport *f, const char *path, int64_t attempt)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(f->rows, &it)) {
        if (ag_streq(ag_value_get_text(it.value, "path", ""), path) &&
            ag_value_get_int(it.value, "attempt", 0) == attempt) {
            return it.value;
        }
    }
    return NULL;
}

static void apply_start(struct fakeport *f, const ag_value *start)
{
    ag_value *row = ag_value_copy(start);
    ag_value_set(row, "status", ag_value_text("started"));
    const ag_value *known =
        find_row(f, ag_value_get_text(start, "path", ""), ag_value_get_int(start, "attempt", 0));
    if (known == NULL) {
        ag_value_append(f->rows, row);
    } else {
        ck_assert(ag_value_get(start, "until") != NULL && ag_value_equal(known, row));
        ag_value_unref(row);
    }
    set_value(&f->flight, ag_value_copy(start));
}

static void add_record(struct fakeport *f, ag_value *record)
{
    const char *key = ag_value_get_text(record, "client_key", NULL);
    ck_assert_ptr_nonnull(key);
    struct ag_value_iter it = {0};
    while (ag_value_next(f->records, &it)) {
        if (ag_streq(ag_value_get_text(it.value, "client_key", NULL), key)) {
            return;
        }
    }
    f->seq++;
    ag_value_append(f->records, ag_value_ref(record));
}

static void apply_row(struct fakeport *f, const ag_value *c)
{
    const char *path = ag_value_get_text(c, "path", "");
    int64_t attempt = ag_value_get_int(c, "attempt", 0);
    ag_value *row = find_row(f, path, attempt);
    if (row == NULL) {
        row = ag_value_object();
        ag_value_append(f->rows, row);
    }
    struct ag_value_iter it = {0};
    while (ag_value_next(c, &it)) {
        ag_value_set(row, it.key, ag_value_copy(it.value));
    }
}

static bool is_completed(struct fakeport *f, const ag_value *c)
{
    ag_value *row =
        find_row(f, ag_value_get_text(c, "path", ""), ag_value_get_int(c, "attempt", 0));
    return row != NULL && !ag_streq(ag_value_get_text(row, "status", ""), "started");
}

static void apply_progress_of(struct fakeport *f, const ag_value *c, const char *next)
{
    const char *status = ag_value_get_text(c, "status", "");
    set_value(&f->flight, NULL);
    set_text(&f->decision, NULL);
    set_value(&f->attempts, NULL);
    if (next != NULL) {
        set_text(&f->next_step, next);
        f->steps_done++;
    } else {
        ck_assert_str_eq(status, "failed");
        f->attempts = ag_value_object();
        ag_value_set(f->attempts, "path", ag_value_ref(ag_value_get(c, "path")));
        ag_value_set(f->attempts, "attempt", ag_value_ref(ag_value_get(c, "attempt")));
    }
    if (ag_streq(status, "failed") && ag_streq(next, "EXIT")) {
        set_value(&f->failure, ag_value_ref(ag_value_get(c, "error")));
    }
}

static void apply_complete(struct fakeport *f, const ag_value *c)
{
    struct ag_value_iter it = {0};
    if (is_completed(f, c)) {
        return;
    }
    apply_row(f, c);
    while (ag_value_next(ag_value_get(c, "variables"), &it)) {
        ag_value_set(f->variables, it.key, ag_value_copy(it.value));
    }
    it = (struct ag_value_iter){0};
    while (ag_value_next(ag_value_get(c, "records"), &it)) {
        add_record(f, it.value);
    }
    apply_progress_of(f, c, ag_value_get_text(c, "next_step", NULL));
    int64_t consumed = ag_value_get_int(c, "consumed_input_seq", 0);
    f->consumed = consumed > f->consumed ? consumed : f->consumed;
    if (ag_value_get(c, "progress") != NULL) {
        set_value(&f->progress, ag_value_ref(ag_value_get(c, "progress")));
    }
    if (ag_value_get(c, "start") != NULL) {
        apply_start(f, ag_value_get(c, "start"));
    }
    if (ag_value_get(c, "end") != NULL) {
        ck_assert(!f->old);
        ck_assert_str_eq(ag_value_get_text(c, "next_step", ""), "EXIT");
        set_value(&f->finish, ag_value_ref(ag_value_get(c, "end")));
    }
}

static ag_value *visits_of(const struct fakeport *f)
{
    ag_value *visits = ag_value_object();
    struct ag_value_iter it = {0};
    while (ag_value_next(f->rows, &it)) {
        if (ag_value_get_int(it.value, "attempt", 0) == 1) {
            const char *step = ag_value_get_text(it.value, "step", "");
            ag_value_set(visits, step, ag_value_int(ag_value_get_int(visits, step, 0) + 1));
        }
    }
    return visits;
}

static int64_t time_of(const ag_value *object, const char *key)
{
    const char *text = ag_value_get_text(object, key, NULL);
    int64_t ms = 0;
    ck_assert(text == NULL || ag_time_parse(text, key, &ms, NULL) == 0);
    return ms;
}

static ag_value *checkpoint_of(const struct fakeport *f)
{
    ag_value *visits = visits_of(f);
    struct ag_checkpoint c = {
        .workflow_id = ag_strdup("flow_1"),
        .instance = ag_strdup("1"),
        .branch = ag_strdup("main"),
        .environment = ag_strdup("dev"),
        .epoch = f->epoch,
        .definition = f->definition,
        .template_name = ag_strdup("flow"),
        .parameters = f->parameters,
        .variables = f->variables,
        .cwd = ag_strdup(f->cwd),
        .env = f->env,
        .next_step = f->next_step,
        .decision = f->decision,
        .flight_step = ag_strdup(ag_value_get_text(f->flight, "step", NULL)),
        .flight_path = ag_strdup(ag_value_get_text(f->flight, "path", NULL)),
        .flight_attempt = ag_value_get_int(f->flight, "attempt", 0),
        .flight_until = time_of(f->flight, "until"),
        .park_after = f->park_after,
        .paused_ms = f->paused_ms,
        .paused = f->paused,
        .config = f->config,
        .usage = f->usage,
        .ends = !f->old,
        .visits = visits,
        .attempts = f->attempts,
        .failure = f->failure,
        .steps_done = f->steps_done,
        .started = f->started != 0 ? f->started : ag_wall_ms(),
        .consumed_input_seq = f->consumed,
    };
    ag_value *v = ag_record_encode(&ag_checkpoint_record, &c);
    free(c.workflow_id);
    free(c.instance);
    free(c.branch);
    free(c.environment);
    free(c.template_name);
    free(c.cwd);
    free(c.flight_step);
    free(c.flight_path);
    ag_value_unref(visits);
    return v;
}

/* ---- questions --------------------------------------------------------------------------------- */

static void settle(struct fakeport *f, ag_value *question, int64_t seq)
{
    ag_value_set(question, "state", ag_value_text("answered"));
    ag_value_set(question, "answer", ag_value_ref(ag_value_at(f->answers, 0)));
    ag_value_set(question, "answer_seq", ag_value_int(seq));
    ag_value *rest = ag_value_array();
    for (size_t i = 1; i < ag_value_size(f->answers); i++) {
        ag_value_append(rest, ag_value_ref(ag_value_at(f->answers, i)));
    }
    set_value(&f->answers, rest);
}

static ag_value *ask(struct fakeport *f, const ag_value *question)
{
    const char *id = ag_value_get_text(question, "question_id", "");
    ag_value *known = ag_value_get(f->questions, id);
    if (known == NULL) {
        f->asked++;
        ag_value_set(f->questions, id, ag_value_copy(question));
        known = ag_value_get(f->questions, id);
        if (f->typed_ahead && ag_value_size(f->answers) > 0) {
            settle(f, known, ++f->seq);
        }
    }
    return known;
}

void fakeport_answer(struct fakeport *f)
{
    struct ag_value_iter it = {0};
    ck_assert(ag_value_next(f->questions, &it));
    settle(f, it.value, ++f->seq);
}

/* The open question gets the next answer, as a record. */
static void answer_open(struct fakeport *f)
{
    struct ag_value_iter it = {0};
    while (ag_value_size(f->answers) > 0 && ag_value_next(f->questions, &it)) {
        if (!ag_streq(ag_value_get_text(it.value, "state", ""), "answered")) {
            struct ag_stream_record r = {.seq = ++f->seq,
                                         .stream = AG_STREAM_INPUT,
                                         .kind = ag_strdup("answer"),
                                         .question_id = ag_strdup(it.key)};
            settle(f, it.value, r.seq);
            if (!ag_value_get_bool(it.value, "secret", false)) {
                r.answer = ag_value_ref(ag_value_get(it.value, "answer"));
            }
            push(f, INPUT, ag_record_encode(&ag_stream_record_record, &r), NULL);
            ag_stream_record_clear(&r);
            return;
        }
    }
}

/* ---- calls ------------------------------------------------------------------------------------- */

static void do_checkpoint(struct fakeport *f, struct call *c)
{
    struct ag_checkpoint checkpoint;
    ag_value *v = checkpoint_of(f);
    ck_assert_int_eq(ag_record_decode(&ag_checkpoint_record, v, &checkpoint, NULL), 0);
    c->fn.checkpoint(&checkpoint, NULL, c->user);
    ag_record_clear(&ag_checkpoint_record, &checkpoint);
    ag_value_unref(v);
}

static void do_complete(struct fakeport *f, struct call *c, bool acknowledge)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_step_complete complete;
    if (ag_record_decode(&ag_step_complete_record, c->body, &complete, &err) == 0) {
        if (f->refuse_next != 0) {
            ag_error_set(&err, f->refuse_next, "refused by the test");
            f->refuse_next = 0;
        } else {
            apply_complete(f, c->body);
        }
        ag_record_clear(&ag_step_complete_record, &complete);
    }
    if (acknowledge) {
        c->fn.done(err, c->user);
    }
}

static void do_question(struct fakeport *f, struct call *c, bool acknowledge)
{
    struct ag_question q;
    AG_AUTO(argo_error) err = NULL;
    const char *id = ag_value_get_text(c->body, "question_id", "");
    if (ag_value_get_bool(c->body, "lookup", false) && ag_value_get(f->questions, id) == NULL) {
        ag_error_set(&err, ARGO_E_NO_QUESTION, "not asked");
        c->fn.question(NULL, err, c->user);
        return;
    }
    if (ag_record_decode(&ag_question_record, ask(f, c->body), &q, &err) < 0) {
        ck_abort_msg("question: %s", argo_error_details(err));
    }
    if (f->on_question != NULL) {
        f->on_question(f);
    }
    if (acknowledge) {
        c->fn.question(&q, NULL, c->user);
    }
    ag_record_clear(&ag_question_record, &q);
}

static void do_park(struct fakeport *f, struct call *c, bool acknowledge)
{
    AG_AUTO(argo_error) err = NULL;
    set_value(&f->park, ag_value_ref(c->body));
    if (f->parking == FAKE_PARK_REFUSED) {
        ag_error_set(&err, ARGO_E_STATE, "go on");
    }
    if (acknowledge) {
        c->fn.done(err, c->user);
    }
}

static void do_ci(struct fakeport *f, struct call *c)
{
    AG_AUTO(argo_error) err = NULL;
    if (f->ci == NULL) {
        ag_error_set(&err, ARGO_E_NO_CI, "no CI is registered");
    }
    c->fn.ci(f->ci, NULL, err, c->user);
}

static void do_input(struct fakeport *f, struct call *c)
{
    struct ag_stream_record r;
    ck_assert_int_eq(ag_record_decode(&ag_stream_record_record, c->body, &r, NULL), 0);
    ag_channel_deliver(f->port.channel, &r);
    ag_stream_record_clear(&r);
}

static void handle(struct fakeport *f, struct call *c, bool acknowledge)
{
    switch (c->kind) {
    case CHECKPOINT:
        do_checkpoint(f, c);
        return;
    case START:
        apply_start(f, c->body);
        if (f->on_start != NULL) {
            f->on_start(f);
        }
        break;
    case COMPLETE:
        do_complete(f, c, acknowledge);
        return;
    case OUTPUT:
        add_record(f, c->body);
        return;
    case QUESTION:
        do_question(f, c, acknowledge);
        return;
    case CI:
        do_ci(f, c);
        return;
    case INPUT:
        do_input(f, c);
        return;
    case PARK:
        do_park(f, c, acknowledge);
        return;
    case FINISH:
        set_value(&f->finish, ag_value_ref(c->body));
        break;
    }
    if (acknowledge) {
        c->fn.done(NULL, c->user);
    }
}

static void next_call(ag_defer *defer, void *user)
{
    struct fakeport *f = user;
    struct call *c = ag_list_first(&f->queue, struct call, node);
    if (c == NULL || f->ended) {
        return;
    }
    ag_list_remove(&c->node);
    f->calls++;
    bool dies = f->kill_at != 0 && f->calls == f->kill_at;
    if (dies && f->kill_how == FAKE_KILL_BEFORE) {
        f->ended = f->killed = true;
    } else if (dies && c->kind != CHECKPOINT && c->kind != CI && c->kind != INPUT) {
        handle(f, c, false);
        f->ended = f->killed = true;
    } else {
        handle(f, c, true);
    }
    call_free(c);
    if (f->listening && ag_list_empty(&f->queue)) {
        answer_open(f);
    }
    if (!ag_list_empty(&f->queue)) {
        ag_defer_schedule(f->defer);
    }
}

/* ---- the port ---------------------------------------------------------------------------------- */

static struct fakeport *of(ag_port *p)
{
    return AG_CONTAINER_OF(p, struct fakeport, port);
}

static void port_checkpoint(ag_port *p, ag_port_checkpoint_fn fn, void *user)
{
    push(of(p), CHECKPOINT, NULL, user)->fn.checkpoint = fn;
}

static void port_step_start(ag_port *p, const struct ag_step_start *start, ag_port_done_fn fn,
                            void *user)
{
    push(of(p), START, ag_record_encode(&ag_step_start_record, start), user)->fn.done = fn;
}

static void port_step_complete(ag_port *p, const struct ag_step_complete *complete,
                               ag_port_done_fn fn, void *user)
{
    push(of(p), COMPLETE, ag_record_encode(&ag_step_complete_record, complete), user)->fn.done = fn;
}

static void port_question(ag_port *p, const struct ag_question *question, ag_port_question_fn fn,
                          void *user)
{
    push(of(p), QUESTION, ag_record_encode(&ag_question_record, question), user)->fn.question = fn;
}

static void port_ci(ag_port *p, const char *name, const char *fallback, ag_port_ci_fn fn,
                    void *user)
{
    snprintf(of(p)->ci_name, sizeof(of(p)->ci_name), "%s", name != NULL ? name : "");
    push(of(p), CI, NULL, user)->fn.ci = fn;
}

static void port_park(ag_port *p, const struct ag_park *park, ag_port_done_fn fn, void *user)
{
    if (of(p)->parking != FAKE_PARK_NEVER) {
        push(of(p), PARK, ag_record_encode(&ag_park_record, park), user)->fn.done = fn;
    }
}

static void port_finish(ag_port *p, const struct ag_finish *finish, ag_port_done_fn fn, void *user)
{
    push(of(p), FINISH, ag_record_encode(&ag_finish_record, finish), user)->fn.done = fn;
}

static void port_listen(ag_port *p, bool wanted)
{
    of(p)->listening = wanted;
    if (wanted && ag_list_empty(&of(p)->queue)) {
        answer_open(of(p));
    }
}

static const struct ag_port_ops ops = {
    .checkpoint = port_checkpoint,
    .step_start = port_step_start,
    .step_complete = port_step_complete,
    .question = port_question,
    .ci = port_ci,
    .park = port_park,
    .finish = port_finish,
    .listen = port_listen,
};

/* ---- the run's channel -------------------------------------------------------------------------- */

struct fake_channel {
    argo_io_channel channel;
    struct fakeport *port;
};

static int channel_write(argo_io_channel *ch, const char *data, size_t len, argo_error **err)
{
    ck_abort_msg("a runner writes records");
    return 0;
}

static void channel_write_record(argo_io_channel *ch, const struct ag_output_record *record)
{
    struct fakeport *f = AG_CONTAINER_OF(ch, struct fake_channel, channel)->port;
    if (f->on_output != NULL) {
        f->on_output(f, record);
    }
    push(f, OUTPUT, ag_record_encode(&ag_output_record_record, record), NULL);
}

static size_t channel_queued(const argo_io_channel *ch)
{
    const struct fake_channel *c = (const void *)ch;
    return c->port->output_queued;
}

static void channel_release(argo_io_channel *ch)
{
}

static const struct ag_channel_ops channel_ops = {
    .size = sizeof(struct fake_channel),
    .write = channel_write,
    .write_record = channel_write_record,
    .queued = channel_queued,
    .release = channel_release,
};

void fakeport_drain(struct fakeport *f)
{
    f->output_queued = 0;
    ag_channel_sent(f->port.channel);
}

/* ---- the executor ------------------------------------------------------------------------------ */

struct fakeport *fakeport_new(const char *definition)
{
    struct fakeport *f = calloc(1, sizeof(*f));
    ck_assert_ptr_nonnull(f);
    f->port.ops = &ops;
    ag_list_init(&f->queue);
    ck_assert_int_eq(ag_loop_new(&f->loop, NULL), 0);
    ck_assert_int_eq(ag_channel_new(&channel_ops, f->loop, 0, &f->port.channel, NULL), 0);
    AG_CONTAINER_OF(f->port.channel, struct fake_channel, channel)->port = f;
    ck_assert_int_eq(argo_context_new("/nonexistent/argo", &f->ctx, NULL), 0);
    ck_assert_int_eq(ag_defer_new(f->loop, next_call, f, &f->defer, NULL), 0);
    ag_value *v = fake_json(definition);
    f->definition = ag_value_print(v, NULL);
    ag_value_unref(v);
    f->variables = ag_value_object();
    f->rows = ag_value_array();
    f->records = ag_value_array();
    f->questions = ag_value_object();
    f->env = fake_json("{'PATH':'/usr/local/bin:/usr/bin:/bin'}");
    f->cwd = "/tmp";
    return f;
}

struct fakeport *fakeport_flow(const char *top, const char *steps)
{
    char *text = ag_asprintf("{'workflow_name':'flow',%s'steps':[%s]}", top, steps);
    struct fakeport *f = fakeport_new(text);
    free(text);
    return f;
}

static void drop_executor(struct fakeport *f)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &f->queue)
    {
        call_free(AG_CONTAINER_OF(pos, struct call, node));
    }
    ag_runner_free(ag_take(f->runner));
    f->listening = false;
}

void fakeport_free(struct fakeport *f)
{
    drop_executor(f);
    argo_io_channel_free(f->port.channel);
    ag_defer_free(f->defer);
    ag_loop_free(f->loop);
    argo_context_free(f->ctx);
    ag_value **values[] = {&f->env,      &f->parameters, &f->answers, &f->variables, &f->rows,
                           &f->records,  &f->questions,  &f->flight,  &f->attempts,  &f->failure,
                           &f->progress, &f->finish,     &f->park,    &f->config,    &f->usage};
    for (size_t i = 0; i < AG_ARRAY_SIZE(values); i++) {
        ag_value_unref(*values[i]);
    }
    free(f->definition);
    free(f->next_step);
    free(f->decision);
    free(f);
}

static void on_end(const argo_error *err, void *user)
{
    struct fakeport *f = user;
    f->ended = true;
    f->end_code = argo_error_code(err);
}

void fakeport_start(struct fakeport *f)
{
    drop_executor(f);
    f->epoch++;
    f->ended = f->killed = false;
    struct ag_runner_config config = {
        .ctx = f->ctx, .loop = f->loop, .http = f->http, .port = &f->port, .run_nonce = "nonce"};
    ck_assert_int_eq(ag_runner_new(&config, on_end, f, &f->runner, NULL), 0);
    ag_runner_start(f->runner);
}

void fakeport_wait(struct fakeport *f)
{
    while (!f->ended) {
        ck_assert_int_eq(ag_loop_dispatch(f->loop, -1, NULL), 0);
    }
    drop_executor(f);
}

void fakeport_wait_calls(struct fakeport *f, size_t n)
{
    while (f->calls < n) {
        ck_assert_int_eq(ag_loop_dispatch(f->loop, -1, NULL), 0);
    }
}

void fakeport_run(struct fakeport *f)
{
    fakeport_start(f);
    fakeport_wait(f);
}

void fakeport_kill(struct fakeport *f)
{
    drop_executor(f);
}

static void cancelled(void *user)
{
    struct fakeport *f = user;
    f->ended = true;
}

void fakeport_send(struct fakeport *f, const char *type, const char *payload)
{
    char *own = ag_strdup(type);
    ag_value *value = fake_json(payload);
    const struct ag_message m = {.type = own, .payload = value};
    f->port.events.message(&m, f->port.events_user);
    ag_value_unref(value);
    free(own);
}

void fakeport_cancel(struct fakeport *f)
{
    ag_runner_cancel(f->runner, cancelled, f);
    fakeport_wait(f);
}
