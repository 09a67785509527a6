/*
 * Long polls: a request that waits for a change of a run, for messages to a CI, or for questions. It
 * looks for itself after each commit that may concern it; nothing is pushed.
 */
#include "daemon/api.h"

static void poll_end(struct ag_poll *poll)
{
    ag_watch_remove(&poll->watch);
    free(poll);
}

static void poll_changed(struct ag_watch *watch, unsigned changes)
{
    struct ag_poll *poll = AG_CONTAINER_OF(watch, struct ag_poll, watch);
    if (poll->attempt(poll, (changes & AG_CHANGE_ENDED) != 0)) {
        poll_end(poll);
    }
}

static void poll_over(ag_request *req, bool gone, void *user)
{
    struct ag_poll *poll = user;
    if (!gone) {
        (void)poll->attempt(poll, true);
    }
    poll_end(poll);
}

static int watch(struct ag_poll *poll, argo_error **err)
{
    ag_domain *domain = poll->daemon->domain;
    if (poll->questions) {
        return ag_question_watch_add(domain, &poll->watch, err);
    }
    return poll->ci != NULL ? ag_ci_watch_add(domain, poll->ci, &poll->watch, err)
                            : ag_watch_add(domain, poll->rid, &poll->watch, err);
}

void ag_poll_start(const struct ag_poll *request, unsigned mask, int64_t timeout_ms)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_poll *poll = calloc(1, sizeof(*poll));
    if (poll == NULL) {
        ag_error_nomem(&err);
        ag_request_reply_error(request->req, err);
        return;
    }
    *poll = *request;
    poll->waits = timeout_ms > 0;
    ag_list_init(&poll->watch.node);
    poll->watch.mask = mask;
    poll->watch.changed = poll_changed;
    poll->watch.own = ag_request_route(request->req)->access == AG_ACCESS_EXECUTOR;
    if (poll->attempt(poll, timeout_ms == 0)) {
        free(poll);
        return;
    }
    int r = watch(poll, &err);
    if (r == ARGO_E_NO_WORKFLOW || r == ARGO_E_NO_CI) {
        (void)poll->attempt(poll, true); /* it has ended: nothing more will come */
        free(poll);
        return;
    }
    if (r == 0) {
        r = ag_request_park(poll->req, timeout_ms, poll_over, poll, &err);
    }
    if (r < 0) {
        ag_request_reply_error(poll->req, err);
        poll_end(poll);
    }
}
