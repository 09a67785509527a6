/*
 * Stopping a run's processes and continuing them. What runs may make children while it is looked
 * for, and a signal takes a moment to act: so all is looked through again until everything stands
 * still. Nothing here waits; one timer per stop looks again.
 */
#include <inttypes.h>
#include <signal.h>

#include "base/process.h"
#include "base/text.h"
#include "daemon/supervisor.h"

#define FIRST_LOOK   1 /* ms; doubles */
#define LONGEST_LOOK 100
#define MOST_LOOKS \
    30 /* some 2 s: what runs then is deep in the kernel, and stops when it returns */

struct stopping {
    struct ag_list node;
    ag_supervisor *supervisor;
    int64_t rid;
    char *nonce; /* may be NULL: by descent only */
    int64_t pause;
    unsigned looks;
    ag_timer *timer;
    void (*done)(const argo_error *err, void *user);
    void *user;
};

static void finish(struct stopping *p, const argo_error *err)
{
    void (*done)(const argo_error *err, void *user) = p->done;
    void *user = p->user;
    ag_list_remove(&p->node);
    ag_timer_free(p->timer);
    free(p->nonce);
    free(p);
    done(err, user);
}

/* How many were running. An executor's number is used only while its pidfd says that the process
 * is there. */
static size_t stop_all(struct stopping *p, pid_t *refused)
{
    const char *name = p->nonce != NULL ? AG_NONCE_NAME : NULL;
    struct ag_executor *executor = NULL;
    size_t count = 0;
    bool found = false;
    pid_t one = 0;
    while ((executor = ag_executor_next(p->supervisor, p->rid, executor)) != NULL) {
        found = true;
        count += ag_proctree_stop(ag_child_pid(executor->child), true, name, p->nonce, &one);
        *refused = one != 0 ? one : *refused;
    }
    return found || name == NULL ? count : ag_proctree_stop(0, false, name, p->nonce, refused);
}

static void look(ag_timer *timer, void *user)
{
    struct stopping *p = user;
    argo_context *ctx = p->supervisor->daemon->ctx;
    AG_AUTO(argo_error) err = NULL;
    pid_t refused = 0;
    size_t running = stop_all(p, &refused);
    if (running > 0 && p->looks++ < MOST_LOOKS) {
        ag_timer_arm(p->timer, p->pause);
        p->pause = p->pause * 2 < LONGEST_LOOK ? p->pause * 2 : LONGEST_LOOK;
        return;
    }
    if (refused != 0) {
        ag_error_set(&err, ARGO_E_SIGNAL,
                     "process %d of the run may not be stopped; the others stand still",
                     (int)refused);
        ag_log_error(ctx, "daemon", "run %" PRId64 ": %s", p->rid, argo_error_details(err));
    } else if (running > 0) {
        ag_log_warning(ctx, "daemon", "run %" PRId64 ": %zu processes have not stopped yet", p->rid,
                       running);
    }
    finish(p, err);
}

void ag_stopping_start(ag_supervisor *s, int64_t rid, const char *nonce,
                       void (*done)(const argo_error *err, void *user), void *user)
{
    AG_AUTO(argo_error) err = NULL;
    struct stopping *p = calloc(1, sizeof(*p));
    if (p == NULL || ag_ending_under_way(s, rid) ||
        ag_timer_new(s->daemon->loop, look, p, &p->timer, &err) < 0) {
        if (p == NULL) {
            ag_error_nomem(&err);
        }
        free(p);
        done(err, user);
        return;
    }
    p->supervisor = s;
    p->rid = rid;
    p->nonce = ag_strdup(nonce);
    p->pause = FIRST_LOOK;
    p->done = done;
    p->user = user;
    ag_list_append(&s->stoppings, &p->node);
    look(p->timer, p);
}

/* Executors first: they learn how long they have stood still before they can look at a clock. */
void ag_stopping_continue(ag_supervisor *s, int64_t rid, const char *nonce, int64_t paused_ms)
{
    const char *name = nonce != NULL ? AG_NONCE_NAME : NULL;
    struct ag_executor *executor = NULL;
    bool found = false;
    ag_stoppings_cut(s, rid);
    while ((executor = ag_executor_next(s, rid, executor)) != NULL) {
        found = true;
        (void)ag_child_signal_value(executor->child, SIGCONT, paused_ms);
    }
    while ((executor = ag_executor_next(s, rid, executor)) != NULL) {
        (void)ag_proctree_signal(ag_child_pid(executor->child), false, name, nonce, SIGCONT);
    }
    if (!found && name != NULL) {
        (void)ag_proctree_signal(0, false, name, nonce, SIGCONT);
    }
}

void ag_stoppings_cut(ag_supervisor *s, int64_t rid)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->stoppings)
    {
        struct stopping *p = AG_CONTAINER_OF(node, struct stopping, node);
        if (p->rid == rid) {
            finish(p, NULL);
        }
    }
}

void ag_stoppings_free(ag_supervisor *s)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->stoppings)
    {
        finish(AG_CONTAINER_OF(node, struct stopping, node), NULL);
    }
}
