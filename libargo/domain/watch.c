/*
 * Those who wait for a change of a run, for something for a CI, or for questions. They are told after
 * the commit, and look for themselves.
 */
#include "domain/internal.h"

static int *count_of(struct ag_watches *watches, const struct ag_watch *watch)
{
    return watch->own ? &watches->n_own : &watches->n;
}

static void join(struct ag_watches *watches, struct ag_watch *watch)
{
    ag_list_append(&watches->list, &watch->node);
    watch->of = watches;
    ++*count_of(watches, watch);
}

void ag_watches_init(struct ag_watches *watches)
{
    *watches = (struct ag_watches){0};
    ag_list_init(&watches->list);
}

int ag_watches_add(struct ag_watches *watches, struct ag_watch *watch, const char *whose,
                   argo_error **err)
{
    int most = watch->own ? AG_MAX_OWN_WATCHES : AG_MAX_WATCHES;
    if (*count_of(watches, watch) >= most) {
        return ag_error_set(err, ARGO_E_WAITERS, "%d requests wait for '%s' already", most, whose);
    }
    join(watches, watch);
    return 0;
}

void ag_watch_remove(struct ag_watch *watch)
{
    if (watch->of != NULL) {
        ag_list_remove(&watch->node);
        --*count_of(watch->of, watch);
        watch->of = NULL;
    }
}

void ag_watches_clear(struct ag_watches *watches)
{
    struct ag_watch *watch;
    while ((watch = ag_list_first(&watches->list, struct ag_watch, node)) != NULL) {
        ag_watch_remove(watch);
    }
}

void ag_watches_move(struct ag_watches *to, struct ag_watches *from)
{
    struct ag_watch *watch;
    while ((watch = ag_list_first(&from->list, struct ag_watch, node)) != NULL) {
        ag_watch_remove(watch);
        join(to, watch);
    }
}

/* A watch may free itself or others in its callback, so each is moved to a list of its own first:
 * what is still there at the end goes back. */
void ag_watches_tell(struct ag_watches *watches, unsigned changes)
{
    struct ag_list todo;
    struct ag_watch *watch;
    ag_list_init(&todo);
    ag_list_splice(&todo, &watches->list);
    while ((watch = ag_list_first(&todo, struct ag_watch, node)) != NULL) {
        ag_list_remove(&watch->node);
        ag_list_append(&watches->list, &watch->node);
        unsigned hit = changes & (watch->mask | AG_CHANGE_ENDED);
        if (hit != 0) {
            watch->changed(watch, hit);
        }
    }
}

/* ---- questions of all runs --------------------------------------------------------------------- */

int ag_question_watch_add(ag_domain *d, struct ag_watch *watch, argo_error **err)
{
    return ag_watches_add(&d->question_watches, watch, "questions", err);
}

int64_t ag_question_changes(const ag_domain *d)
{
    return d->question_changes;
}

void ag_questions_changed(ag_domain *d)
{
    d->question_changes++;
    ag_watches_tell(&d->question_watches, AG_CHANGE_QUESTION);
}
