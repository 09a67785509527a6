/*
 * Live runs: the table of what has not ended, its watchers, and the one way a change is committed
 * (struct ag_change_set). No rule of what may happen is here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "domain/internal.h"

struct rid_key {
    char text[24];
};

static struct rid_key rid_key(int64_t rid)
{
    struct rid_key key;
    snprintf(key.text, sizeof(key.text), "%" PRId64, rid);
    return key;
}

int ag_set_text(char **slot, const char *text)
{
    char *copy = ag_strdup(text);
    if (copy == NULL && text != NULL) {
        return ARGO_E_NOMEM;
    }
    free(*slot);
    *slot = copy;
    return 0;
}

static void flight_clear(struct ag_flight *flight)
{
    free(flight->step);
    free(flight->path);
    *flight = (struct ag_flight){0};
}

void ag_flight_set(struct ag_live *live, const struct ag_step_start *start)
{
    flight_clear(&live->flight);
    (void)ag_set_text(&live->row.flight_path, start == NULL ? NULL : start->path);
    if (start != NULL) {
        live->flight.step = ag_strdup(start->step);
        live->flight.path = ag_strdup(start->path);
        live->flight.attempt = start->attempt;
        live->flight.repeat_never = start->repeat_never;
        live->flight.until = start->until;
    }
}

int ag_live_queue_line(struct ag_live *live, int64_t seq, const char *text)
{
    struct ag_line *line = calloc(1, sizeof(*line));
    if (line == NULL || (line->text = ag_strdup(text == NULL ? "" : text)) == NULL) {
        free(line);
        return ARGO_E_NOMEM;
    }
    line->seq = seq;
    ag_list_append(&live->lines, &line->node);
    live->n_lines++;
    return 0;
}

int ag_live_hold_question(struct ag_live *live, struct ag_question *q)
{
    if (live->questions == NULL && (live->questions = ag_map_new(ag_question_free)) == NULL) {
        return ARGO_E_NOMEM;
    }
    return ag_map_put(live->questions, q->question_id, q);
}

void ag_line_free(struct ag_live *live, struct ag_line *line)
{
    ag_list_remove(&line->node);
    live->n_lines--;
    free(line->text);
    free(line);
}

static void drop_lines(struct ag_live *live)
{
    struct ag_line *line;
    while ((line = ag_list_first(&live->lines, struct ag_line, node)) != NULL) {
        ag_line_free(live, line);
    }
}

struct ag_live *ag_live_new(ag_domain *d, struct ag_run *row, argo_error **err)
{
    struct ag_live *live = calloc(1, sizeof(*live));
    if (live == NULL) {
        ag_record_clear(&ag_run_record, row);
        ag_error_nomem(err);
        return NULL;
    }
    live->domain = d;
    live->row = *row;
    live->told_state = row->state;
    *row = (struct ag_run){0};
    ag_watches_init(&live->watches);
    ag_list_init(&live->lines);
    ag_list_init(&live->queued);
    return live;
}

/* The domain's counts are sums: each run takes its old part back and adds the new one. */
static void uncount(struct ag_live *live)
{
    struct ag_domain_counts *all = &live->domain->counts;
    if (live->counted) {
        all->live--;
        all->processes -= live->counted_process;
        all->parked -= live->counted_parked;
        all->open_questions -= live->counted_questions;
        all->states[live->counted_state]--;
        live->counted = false;
    }
}

void ag_live_count(struct ag_live *live)
{
    struct ag_domain_counts *all = &live->domain->counts;
    uncount(live);
    live->counted = true;
    live->counted_process = live->row.pid != 0;
    live->counted_parked = ag_live_parked(live);
    live->counted_state = live->row.state;
    live->counted_questions = ag_map_size(live->questions);
    all->live++;
    all->processes += live->counted_process;
    all->parked += live->counted_parked;
    all->open_questions += live->counted_questions;
    all->states[live->counted_state]++;
}

void ag_live_free(struct ag_live *live)
{
    if (live == NULL) {
        return;
    }
    uncount(live);
    ag_live_unqueue(live);
    ag_watches_clear(&live->watches);
    drop_lines(live);
    ag_run_clear(&live->row);
    flight_clear(&live->flight);
    free(live->crash_question);
    ag_map_free(live->pending);
    ag_map_free(live->questions);
    ag_live_forget_variables(live);
    ag_mailbox_clear(&live->mailbox);
    ag_wall_free(live->wake);
    free(live);
}

struct ag_live *ag_live_by_rid(const ag_domain *d, int64_t rid)
{
    return ag_map_get(d->by_rid, rid_key(rid).text);
}

int ag_live_insert(ag_domain *d, struct ag_live *live)
{
    if (ag_map_put(d->by_rid, rid_key(live->row.rid).text, live) < 0) {
        return ARGO_E_NOMEM;
    }
    if (ag_map_put(d->by_id, live->row.workflow_id, live) < 0) {
        ag_map_remove(d->by_rid, rid_key(live->row.rid).text);
        return ARGO_E_NOMEM;
    }
    ag_live_count(live);
    return 0;
}

void ag_live_remove(ag_domain *d, struct ag_live *live)
{
    ag_map_remove(d->by_rid, rid_key(live->row.rid).text);
    ag_map_remove(d->by_id, live->row.workflow_id); /* frees it */
}

int ag_watch_add(ag_domain *d, int64_t rid, struct ag_watch *watch, argo_error **err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL || live->leaving) {
        return ag_error_set(err, ARGO_E_NO_WORKFLOW, "The workflow has ended");
    }
    return ag_watches_add(&live->watches, watch, live->row.workflow_id, err);
}

int ag_run_check_epoch(ag_domain *d, int64_t rid, int64_t epoch, argo_error **err)
{
    struct ag_live *live = NULL;
    return ag_live_fenced(d, rid, epoch, &live, err);
}

int ag_live_fenced(ag_domain *d, int64_t rid, int64_t epoch, struct ag_live **out, argo_error **err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL || live->row.ended != 0) {
        return ag_error_set(err, ARGO_E_FENCED, "The workflow has ended: this executor must stop");
    }
    if (epoch != live->row.epoch) {
        return ag_error_set(err, ARGO_E_FENCED,
                            "Epoch %" PRId64 " of '%s' is over (now %" PRId64
                            "): this executor must stop",
                            epoch, live->row.workflow_id, live->row.epoch);
    }
    ag_live_note_heard(live);
    ag_live_started(live);
    ag_live_measure(live);
    *out = live;
    return 0;
}

/* ---- changes ------------------------------------------------------------------------------- */

int ag_change_new(ag_domain *d, int64_t rid, unsigned changes, ag_done_fn done, void *user,
                  struct ag_change_set **out, argo_error **err)
{
    if (d->stale) {
        return ag_error_set(err, ARGO_E_STORE,
                            "a commit has failed, the state is being loaded again");
    }
    struct ag_change_set *c = calloc(1, sizeof(*c));
    ag_txn *txn = c == NULL ? NULL : ag_txn_new(d->store);
    if (txn == NULL) {
        free(c);
        return ag_error_nomem(err);
    }
    c->domain = d;
    c->txn = txn;
    c->rid = rid;
    c->changes = changes;
    c->done = done;
    c->user = user;
    *out = c;
    return 0;
}

int64_t ag_live_pending(const struct ag_live *live, const char *key)
{
    return (intptr_t)ag_map_get(live->pending, key);
}

int ag_change_pending(struct ag_change_set *c, struct ag_live *live, const char *key, int64_t n)
{
    if (live->pending == NULL && (live->pending = ag_map_new(NULL)) == NULL) {
        return ARGO_E_NOMEM;
    }
    char *copy = ag_strdup(key);
    char **more = realloc(c->pending, (c->n_pending + 1) * sizeof(*more));
    if (more != NULL) {
        c->pending = more;
    }
    if (copy == NULL || more == NULL || ag_map_put(live->pending, key, (void *)(intptr_t)n) < 0) {
        free(copy);
        return ARGO_E_NOMEM;
    }
    c->pending[c->n_pending++] = copy;
    return 0;
}

static void forget_pending(struct ag_change_set *c, struct ag_live *live)
{
    for (size_t i = 0; i < c->n_pending; i++) {
        if (live != NULL) {
            ag_map_remove(live->pending, c->pending[i]);
        }
        free(c->pending[i]);
    }
    free(c->pending);
    if (live != NULL && ag_map_size(live->pending) == 0) {
        ag_map_free(ag_take(live->pending));
    }
}

static void change_free(struct ag_change_set *c)
{
    ag_value_unref(c->usage);
    free(c->ci);
    free(c);
}

void ag_change_drop(struct ag_change_set *c)
{
    if (c != NULL) {
        forget_pending(c, ag_live_by_rid(c->domain, c->rid));
        ag_txn_drop(c->txn);
        change_free(c);
    }
}

/* What has been committed of LIVE counts. */
static void note_committed(const struct ag_change_set *c, struct ag_live *live)
{
    ag_domain_count_usage(c->domain, c->usage);
    if (c->ended) {
        c->domain->stats.ended[live->row.state]++;
    } else if (c->answers && live->answered_us == 0 && live->row.state != AG_RUN_PAUSED) {
        live->answered_us = ag_monotonic_us();
    }
}

/* After the commit. On failure the live runs are loaded anew by ag_domain_reload, which the store
 * asks for; nothing is undone here, and nothing more is built on what was lost. */
static void committed(const argo_error *err, void *user)
{
    struct ag_change_set *c = user;
    ag_domain *d = c->domain;
    struct ag_live *live = ag_live_by_rid(d, c->rid);
    d->stale = d->stale || err != NULL;
    forget_pending(c, live);
    if (err == NULL && live != NULL) {
        note_committed(c, live);
    }
    if (err == NULL && live != NULL && c->changes != 0) {
        ag_watches_tell(&live->watches, c->changes | (c->ended ? (unsigned)AG_CHANGE_ENDED : 0U));
    }
    if (err == NULL && (c->changes & AG_CHANGE_QUESTION) != 0) {
        ag_questions_changed(d);
    }
    if (err == NULL && c->ci != NULL) {
        ag_ci_tell(d, c->ci, c->changes);
    }
    if (err == NULL && (c->changes & AG_CHANGE_STATE) != 0 && d->config.changed != NULL) {
        d->config.changed(d->config.changed_user);
    }
    if (err == NULL && c->ended) {
        live = ag_live_by_rid(d, c->rid);
        if (live != NULL && live->abandon == NULL) {
            ag_live_remove(d, live);
        }
    }
    if (c->then != NULL) {
        c->then(d, c->rid, err);
    }
    if (c->done != NULL) {
        c->done(err, c->user);
    }
    change_free(c);
}

void ag_change_commit(struct ag_change_set *c)
{
    struct ag_live *live = ag_live_by_rid(c->domain, c->rid);
    if (live != NULL) {
        ag_event_state(c, live);
        ag_live_trim_output(c, live);
        live->row.updated = ag_context_now_ms(c->domain->ctx);
        ag_live_count(live);
        ag_txn_put_run(c->txn, &live->row);
    }
    ag_txn_commit(ag_take(c->txn), committed, c);
}
