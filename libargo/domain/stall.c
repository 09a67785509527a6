/*
 * Executors poll, so one that has not been heard of for longer than its poll does not run as it
 * should. Its run is shown as `stalled` until the next request; nothing else follows, because its
 * process is there and may go on at any moment.
 */
#include <inttypes.h>

#include "domain/internal.h"

void ag_live_watch_silence(struct ag_live *live)
{
    ag_domain *d = live->domain;
    live->heard = ag_loop_now(d->loop);
    ag_silence_listen(&d->stalls);
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

static void look(ag_timer *timer, void *user)
{
    ag_domain *d = user;
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    ag_silence_begin(&d->stalls);
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        struct ag_live *live = value;
        if (should_speak(live) && ag_silence_broken(&d->stalls, live->heard)) {
            ag_log_warning(d->ctx, "domain",
                           "%s: executor %" PRId64 " is silent for %" PRId64 " ms",
                           live->row.workflow_id, live->row.pid, d->stalls.now - live->heard);
            move(live, AG_RUN_STALLED);
        }
    }
    ag_silence_end(&d->stalls);
}

int ag_stalls_init(ag_domain *d, argo_error **err)
{
    return ag_silence_init(&d->stalls, d->loop, d->config.silence_ms, look, d, err);
}
