/*
 * Parking, the executor's half: when every strand has waited for a while, for a person or for a
 * time, the process gives the waiting to the daemon and ends. It is launched again by the answer,
 * the deadline or the time.
 */
#include "exec/internal.h"

/* An attempt with a timeout is not left alone: who would stop it? */
static bool all_wait(ag_runner *r)
{
    struct ag_list *pos;
    size_t n = 0;
    for (pos = r->strands.next; pos != &r->strands; pos = pos->next) {
        const struct ag_strand *s = AG_CONTAINER_OF(pos, struct ag_strand, node);
        if (!s->listening || s->now.step->timeout_ms > 0) {
            return false;
        }
        n++;
    }
    return n > 0;
}

void ag_runner_waiting_changed(ag_runner *r)
{
    if (!r->over && !r->held && all_wait(r)) {
        ag_timer_arm(r->park, r->park_after);
    } else {
        ag_timer_disarm(r->park);
    }
}

/* Refused: an answer is on its way to us through the poll, or our own alarm is about to ring. */
static void replied(const argo_error *err, void *user)
{
    ag_runner *r = user;
    if (err == NULL) {
        ag_log_info(r->config.ctx, "exec", "the run is parked");
        ag_runner_lost(r, NULL);
    } else if (argo_error_code(err) != ARGO_E_STATE) {
        ag_runner_lost(r, err);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Without memory it goes on waiting as it is. */
static void waited_enough(ag_timer *timer, void *user)
{
    ag_runner *r = user;
    AG_AUTO(ag_value) ids = ag_value_array();
    struct ag_park park = {.until = r->limit_at, .question_ids = ids};
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        const struct ag_strand *s = AG_CONTAINER_OF(pos, struct ag_strand, node);
        if (s->now.until != 0) {
            park.until = earlier(park.until, s->now.until);
        } else if (ag_value_append(ids, ag_value_text(s->asked)) < 0) {
            return;
        }
    }
    r->config.port->ops->park(r->config.port, &park, replied, r);
}

int ag_runner_park_new(ag_runner *r, argo_error **err)
{
    return ag_timer_new(r->config.loop, waited_enough, r, &r->park, err);
}
