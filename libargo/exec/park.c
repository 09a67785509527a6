/*
 * Parking, the executor's half: when every strand has waited for a person for a while, the process
 * gives the waiting to the daemon and ends. It is launched again by the answer or the deadline.
 */
#include "exec/internal.h"

static bool all_wait(const ag_runner *r)
{
    const struct ag_list *pos;
    size_t n = 0;
    for (pos = r->strands.next; pos != &r->strands; pos = pos->next) {
        n++;
    }
    return n > 0 && r->listeners == n;
}

void ag_runner_waiting_changed(ag_runner *r)
{
    if (!r->over && all_wait(r)) {
        ag_timer_arm(r->park, r->checkpoint.park_after);
    } else {
        ag_timer_disarm(r->park);
    }
}

/* Refused: an answer is on its way to us through the poll. */
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

static void waited_enough(ag_timer *timer, void *user)
{
    ag_runner *r = user;
    AG_AUTO(ag_value) ids = ag_value_array();
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        const struct ag_strand *s = AG_CONTAINER_OF(pos, struct ag_strand, node);
        if (ag_value_append(ids, ag_value_text(s->asked)) < 0) {
            return; /* without memory it goes on waiting as it is */
        }
    }
    r->config.port->ops->park(r->config.port, ids, replied, r);
}

int ag_runner_park_new(ag_runner *r, argo_error **err)
{
    return ag_timer_new(r->config.loop, waited_enough, r, &r->park, err);
}
