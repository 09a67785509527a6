/*
 * Heartbeats: a CI that has sent one should go on to do so. One that does not is in `error` after a
 * while, and after as long again `stopped`; a CI that never sent any is left alone. Times are the
 * loop's: while the daemon was away nobody was silent.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "domain/internal.h"

static bool says(const struct ag_ci_held *ci, const char *status)
{
    return ag_streq(ci->row.status, status);
}

static bool should_speak(const struct ag_ci_held *ci)
{
    return ci->row.removed == 0 && ci->row.last_heartbeat != 0 && !says(ci, "registered") &&
           !says(ci, "stopped");
}

void ag_ci_listen(struct ag_ci_held *ci)
{
    ci->heard = ag_loop_clock_ms(ci->domain->loop);
    if (should_speak(ci)) {
        ag_silence_listen(&ci->domain->silence);
    }
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* The first of the words is no news. */
static int check_status(const char *status, argo_error **err)
{
    const char *const *words = ag_ci_status_words + 1;
    size_t n = 0;
    ag_auto_buf list = AG_BUF_INIT(256);
    for (; words[n] != NULL; n++) {
        if (status == NULL || strcmp(status, words[n]) == 0) {
            return 0;
        }
        ag_buf_printf(&list, "%s%s", n == 0 ? "" : words[n + 1] == NULL ? " or " : ", ", words[n]);
    }
    const char *nearest = ag_nearest_word(status, words, n);
    return ag_error_field(err, ARGO_E_INVALID, "status", "status is '%s', expected %s%s%s%s",
                          status, ag_buf_text(&list), nearest == NULL ? "" : "; did you mean '",
                          nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

/* What it says by nothing but that it lives. */
static const char *status_after(const struct ag_ci_held *ci, const char *said)
{
    if (said != NULL) {
        return said;
    }
    return says(ci, "idle") || says(ci, "busy") ? ci->row.status : "running";
}

static const char *task_after(const struct ag_ci_held *ci, const struct ag_ci_heartbeat *said)
{
    bool rests = ag_streq(said->status, "idle") || ag_streq(said->status, "stopped");
    const char *task = said->task != NULL ? said->task : rests ? NULL : ci->row.task;
    return task == NULL || *task == '\0' ? NULL : task;
}

/* Both or, without memory, none. */
static int become(struct ag_ci_held *ci, const char *status, const char *task)
{
    ag_auto_free char *own_task = ag_strdup(task);
    if ((task != NULL && own_task == NULL) || ag_set_text(&ci->row.status, status) < 0) {
        return ARGO_E_NOMEM;
    }
    free(ci->row.task);
    ci->row.task = ag_take(own_task);
    return 0;
}

int ag_ci_heartbeat(ag_domain *d, const char *name, const struct ag_ci_heartbeat *said,
                    void (*keep)(ag_txn *t, const struct ag_ci *ci, void *user), ag_done_fn done,
                    void *user, argo_error **err)
{
    struct ag_ci_held *ci = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_ci_named(d, name, &ci, err);
    r = r < 0 ? r : check_status(said->status, err);
    if (r < 0) {
        return r;
    }
    const char *status = status_after(ci, said->status);
    const char *task = task_after(ci, said);
    bool moved = !says(ci, status);
    bool turned = !ag_streq(ci->row.task, task);
    r = ag_ci_change(ci, moved ? AG_CHANGE_STATE : 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    if ((moved || turned) && become(ci, status, task) < 0) {
        ag_change_drop(c);
        return ag_error_nomem(err);
    }
    ci->row.last_heartbeat = ag_context_now_ms(d->ctx);
    ag_ci_listen(ci);
    ag_ci_put(c, ci, moved ? "status" : turned ? "task" : NULL);
    if (keep != NULL) {
        keep(c->txn, &ci->row, user);
    }
    ag_change_commit(c);
    return 0;
}

/* ---- what it does not say -------------------------------------------------------------------- */

/* What it worked on in `error` it may come back to. Without memory it is asked again later. */
static void fall_silent(struct ag_ci_held *ci)
{
    ag_domain *d = ci->domain;
    bool again = says(ci, "error");
    const char *status = again ? "stopped" : "error";
    struct ag_change_set *c = NULL;
    if (ag_ci_change(ci, AG_CHANGE_STATE, NULL, NULL, &c, NULL) == 0 &&
        become(ci, status, again ? NULL : ci->row.task) == 0) {
        ag_log_warning(d->ctx, "domain", "CI %s: no heartbeat for %" PRId64 " ms: %s", ci->row.name,
                       d->silence.now - ci->heard, status);
        ag_ci_put(c, ci, "silence");
        ag_change_commit(ag_take(c));
    }
    ag_change_drop(c);
    if (should_speak(ci)) {
        ci->heard = d->silence.now;
        ag_silence_again(&d->silence);
    }
}

static void look(ag_timer *timer, void *user)
{
    ag_domain *d = user;
    size_t cursor = 0;
    const char *name = NULL;
    void *value = NULL;
    ag_silence_begin(&d->silence);
    while (ag_map_next(d->cis, &cursor, &name, &value)) {
        struct ag_ci_held *ci = value;
        if (should_speak(ci) && ag_silence_broken(&d->silence, ci->heard)) {
            fall_silent(ci);
        }
    }
    ag_silence_end(&d->silence);
}

int ag_heartbeats_init(ag_domain *d, argo_error **err)
{
    return ag_silence_init(&d->silence, d->loop, d->config.ci_silence_ms, look, d, err);
}
