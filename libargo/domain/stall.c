/*
 * Silence: an executor polls, so one that has not been heard of for longer than its poll does not
 * run as it should. Its run is shown as `stalled` until the next request; nothing else follows,
 * because its process is there and may go on at any moment. One timer for all, armed only while a
 * run has a process.
 */
#include <inttypes.h>

#include "domain/internal.h"

static void arm(ag_domain *d, int64_t delay)
{
    d->sweep_at = ag_loop_clock_ms(d->loop) + delay;
    ag_timer_arm(d->sweep, delay);
}

void ag_live_watch_silence(struct ag_live *live)
{
    ag_domain *d = live->domain;
    live->heard = ag_loop_now(d->loop);
    if (d->config.silence_ms > 0 && !ag_timer_armed(d->sweep)) {
        arm(d, d->config.silence_ms);
    }
}

/* `stalled` or back. Without memory for it the state stays as it is. */
static void move(struct ag_live *live, int state)
{
    struct ag_change_set *c = NULL;
    if (ag_change_new(live->domain, live->row.rid, AG_CHANGE_STATE, NULL, NULL, &c, NULL) == 0) {
        live->row.beneath = *ag_live_work(live);
        live->row.state = state;
        ag_change_commit(c);
    }
}

void ag_live_note_heard(struct ag_live *live)
{
    ag_live_watch_silence(live);
    if (live->row.state == AG_RUN_STALLED) {
        ag_log_info(live->domain->ctx, "domain", "%s: heard of again", live->row.workflow_id);
        move(live, live->row.beneath);
    }
}

static bool should_speak(const struct ag_live *live)
{
    return live->row.pid != 0 && live->row.ended == 0 &&
           (live->row.state == AG_RUN_RUNNING || live->row.state == AG_RUN_WAITING);
}

/* A sweep that comes late says that we have not listened: then what has gathered is read first. */
static void sweep(ag_timer *timer, void *user)
{
    ag_domain *d = user;
    int64_t now = ag_loop_now(d->loop);
    int64_t patience = d->config.silence_ms / 4;
    int64_t next = INT64_MAX;
    bool late = now - d->sweep_at > patience;
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        struct ag_live *live = value;
        int64_t due = live->heard + d->config.silence_ms;
        if (!should_speak(live)) {
            continue;
        }
        if (due <= now && !late) {
            ag_log_warning(d->ctx, "domain",
                           "%s: executor %" PRId64 " is silent for %" PRId64 " ms",
                           live->row.workflow_id, live->row.pid, now - live->heard);
            move(live, AG_RUN_STALLED);
        } else {
            due = due <= now ? now + patience : due;
            next = due < next ? due : next;
        }
    }
    if (next != INT64_MAX) {
        arm(d, next - now);
    }
}

int ag_silence_new(ag_domain *d, argo_error **err)
{
    return ag_timer_new(d->loop, sweep, d, &d->sweep, err);
}
