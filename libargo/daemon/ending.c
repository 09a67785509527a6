/*
 * Ending a run: TERM and CONT to everything of it, a grace, then KILL until nothing lives. What
 * belongs to the run is found by descent from its executors and by the run's nonce in the
 * environment, so that what has left the tree is found too, and what is left of a run whose
 * executor has gone. The executor stands still meanwhile and goes last: what its steps leave behind
 * stays its child. Nothing here waits: one timer per run looks again and again.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/process.h"
#include "base/text.h"
#include "daemon/supervisor.h"

#define DEFAULT_GRACE 5000
#define FIRST_LOOK    20  /* ms; doubles */
#define LONGEST_LOOK  200 /* ms */
#define MOST_KILLS    100 /* rounds, some 20 s: what lives then cannot be killed */

struct ending {
    struct ag_list node;
    ag_supervisor *supervisor;
    int64_t rid;
    char *nonce; /* may be NULL: by descent only */
    int64_t deadline;
    int64_t pause;
    unsigned kills;
    ag_timer *timer;
    void (*done)(void *user);
    void *user;
};

static size_t signal_executors(struct ending *e, int signo)
{
    struct ag_executor *executor = NULL;
    size_t count = 0;
    while ((executor = ag_executor_next(e->supervisor, e->rid, executor)) != NULL) {
        count += ag_child_signal(executor->child, signo) == 0 ? 1 : 0;
    }
    return count;
}

/* All but the executors. Returns how many processes got it. An executor's number is used only while
 * its pidfd says that the process is there. */
static size_t signal_others(struct ending *e, int signo)
{
    const char *name = e->nonce != NULL ? AG_NONCE_NAME : NULL;
    struct ag_executor *executor = NULL;
    size_t count = 0;
    bool found = false;
    while ((executor = ag_executor_next(e->supervisor, e->rid, executor)) != NULL) {
        found = true;
        count += ag_proctree_signal(ag_child_pid(executor->child), false, name, e->nonce, signo);
    }
    return found || name == NULL ? count : ag_proctree_signal(0, false, name, e->nonce, signo);
}

/* Twice: between exec and its first instruction a process shows no environment. */
static bool no_others_live(struct ending *e)
{
    return signal_others(e, 0) == 0 && signal_others(e, 0) == 0;
}

static void ending_free(struct ending *e)
{
    ag_list_remove(&e->node);
    ag_timer_free(e->timer);
    free(e->nonce);
    free(e);
}

static void finish(struct ending *e)
{
    ag_supervisor *s = e->supervisor;
    void (*done)(void *user) = e->done;
    void *user = e->user;
    ending_free(e);
    done(user);
    if (s->settled != NULL && ag_list_empty(&s->endings)) {
        s->settled(s->settled_user);
    }
}

static void look_again(struct ending *e, int64_t longest)
{
    ag_timer_arm(e->timer, e->pause < longest ? e->pause : longest);
    e->pause = e->pause * 2 < LONGEST_LOOK ? e->pause * 2 : LONGEST_LOOK;
}

static void look(ag_timer *timer, void *user)
{
    struct ending *e = user;
    ag_supervisor *s = e->supervisor;
    int64_t left = e->deadline - ag_loop_now(s->daemon->loop);
    bool others = !no_others_live(e);
    if (!others && signal_executors(e, 0) == 0 && !ag_launching_under_way(s, e->rid)) {
        finish(e);
        return;
    }
    if (others && left > 0 && !s->hurry) {
        look_again(e, left);
        return;
    }
    if (e->kills == 0) {
        e->pause = FIRST_LOOK;
    }
    if (e->kills++ == MOST_KILLS) {
        ag_log_error(s->daemon->ctx, "daemon",
                     "run %" PRId64 ": processes of it live on after SIGKILL", e->rid);
        finish(e);
        return;
    }
    (void)(others ? signal_others(e, SIGKILL) : signal_executors(e, SIGKILL));
    look_again(e, LONGEST_LOOK);
}

/* Their ends are reported to nobody from here on. */
static void take_executors(ag_supervisor *s, int64_t rid)
{
    struct ag_list *node, *next;
    ag_executor_adopt_all(s, rid);
    ag_list_each(node, next, &s->executors)
    {
        struct ag_executor *executor = AG_CONTAINER_OF(node, struct ag_executor, node);
        executor->ending = executor->ending || executor->rid == rid;
    }
}

void ag_ending_start(ag_supervisor *s, int64_t rid, const char *nonce, void (*done)(void *user),
                     void *user)
{
    AG_AUTO(argo_error) err = NULL;
    int64_t grace = s->daemon->options.grace_ms;
    struct ending *e = calloc(1, sizeof(*e));
    ag_stoppings_cut(s, rid);
    take_executors(s, rid);
    if (e == NULL || ag_timer_new(s->daemon->loop, look, e, &e->timer, &err) < 0) {
        /* Without memory there is no later: kill at once, and let the next start look again. */
        struct ending now = {.supervisor = s, .rid = rid};
        (void)signal_others(&now, SIGKILL);
        (void)signal_executors(&now, SIGKILL);
        free(e);
        ag_log_error(s->daemon->ctx, "daemon", "run %" PRId64 ": no memory to end it", rid);
        return;
    }
    e->supervisor = s;
    e->rid = rid;
    e->nonce = ag_strdup(nonce);
    e->done = done;
    e->user = user;
    e->deadline = ag_loop_now(s->daemon->loop) + (grace > 0 ? grace : DEFAULT_GRACE);
    e->pause = FIRST_LOOK;
    ag_list_append(&s->endings, &e->node);
    (void)signal_executors(e, SIGSTOP);
    size_t count = s->hurry ? 0 : signal_others(e, SIGTERM);
    if (count > 0) {
        (void)signal_others(e, SIGCONT); /* TERM waits for it in a stopped process */
        look_again(e, LONGEST_LOOK);
    } else {
        ag_timer_arm(e->timer, 0);
    }
}

bool ag_ending_under_way(const ag_supervisor *s, int64_t rid)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->endings)
    {
        if (AG_CONTAINER_OF(node, struct ending, node)->rid == rid) {
            return true;
        }
    }
    return false;
}

void ag_endings_look(ag_supervisor *s, int64_t rid)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->endings)
    {
        struct ending *e = AG_CONTAINER_OF(node, struct ending, node);
        if (e->rid == rid) {
            ag_timer_arm(e->timer, 0);
        }
    }
}

void ag_endings_hurry(ag_supervisor *s)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->endings)
    {
        ag_timer_arm(AG_CONTAINER_OF(node, struct ending, node)->timer, 0);
    }
}

void ag_endings_free(ag_supervisor *s)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &s->endings)
    {
        ending_free(AG_CONTAINER_OF(node, struct ending, node));
    }
}
