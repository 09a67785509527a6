/*
 * Loading the runs that have not ended, with what is held of them: the step under way, the open
 * questions, the lines typed ahead. A run of which something is damaged is left out, and said: it
 * keeps nobody else from going on.
 */
#include "base/text.h"
#include "domain/internal.h"

static int load_run(struct ag_run *run, void *user)
{
    ag_domain *d = user;
    struct ag_live *live = ag_live_new(d, run, NULL);
    if (live == NULL || ag_live_insert(d, live) < 0) {
        ag_live_free(live);
        return ARGO_E_NOMEM;
    }
    live->mailbox.unknown = true;
    return 0;
}

/* The order of the rows says nothing: a clock that was set may have turned it round. */
static int load_flight(int64_t rid, const struct ag_step_row *row, void *user)
{
    struct ag_live *live = ag_live_by_rid(user, rid);
    if (live == NULL || row->attempt <= live->flight.attempt) {
        return 0;
    }
    struct ag_step_start start = {.step = row->step,
                                  .path = row->path,
                                  .attempt = row->attempt,
                                  .repeat_never = row->repeat_never,
                                  .until = row->until};
    ag_flight_set(live, &start);
    return 0;
}

static int load_question(int64_t rid, struct ag_question *q, void *user)
{
    struct ag_live *live = ag_live_by_rid(user, rid);
    struct ag_question *own = live == NULL ? NULL : malloc(sizeof(*own));
    if (own == NULL) {
        return live == NULL ? 0 : ARGO_E_NOMEM;
    }
    *own = *q;
    *q = (struct ag_question){0};
    if (ag_live_hold_question(live, own) < 0) {
        ag_question_free(own);
        return ARGO_E_NOMEM;
    }
    ag_live_count(live);
    return ag_question_is_of_crash(own) ? ag_set_text(&live->crash_question, own->question_id) : 0;
}

static int load_line(int64_t rid, int64_t seq, const char *text, void *user)
{
    struct ag_live *live = ag_live_by_rid(user, rid);
    return live == NULL ? 0 : ag_live_queue_line(live, seq, text);
}

static void leave_out(int64_t rid, const argo_error *why, void *user)
{
    ag_domain *d = user;
    struct ag_live *live = ag_live_by_rid(d, rid);
    ag_log_error(d->ctx, "domain", "%s is left out: %s",
                 live == NULL ? "a run" : live->row.workflow_id, argo_error_details(why));
    if (live != NULL) {
        ag_live_remove(d, live);
    }
}

int ag_live_load(ag_domain *d, argo_error **err)
{
    static const struct ag_live_reader reader = {.run = load_run,
                                                 .flight = load_flight,
                                                 .question = load_question,
                                                 .line = load_line,
                                                 .damaged = leave_out};
    int r = ag_store_live(d->store, &reader, d, err);
    return r == ARGO_E_NOMEM ? ag_error_nomem(err) : r;
}
