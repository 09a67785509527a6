/*
 * Those who wait for a change of a run, or for something for a CI. They are told after the commit,
 * and look for themselves.
 */
#include "domain/internal.h"

int ag_watches_add(struct ag_list *watches, struct ag_watch *watch, const char *whose,
                   argo_error **err)
{
    int most = watch->own ? AG_MAX_OWN_WATCHES : AG_MAX_WATCHES;
    int n = 0;
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, watches)
    {
        n += AG_CONTAINER_OF(pos, struct ag_watch, node)->own == watch->own;
    }
    if (n >= most) {
        return ag_error_set(err, ARGO_E_WAITERS, "%d requests wait for '%s' already", most, whose);
    }
    ag_list_append(watches, &watch->node);
    return 0;
}

void ag_watch_remove(struct ag_watch *watch)
{
    ag_list_remove(&watch->node);
}

void ag_watches_clear(struct ag_list *watches)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, watches)
    {
        ag_list_remove(pos);
    }
}

/* A watch may free itself or others in its callback, so each is moved to a list of its own first:
 * what is still there at the end goes back. */
void ag_watches_tell(struct ag_list *watches, unsigned changes)
{
    struct ag_list todo;
    ag_list_init(&todo);
    ag_list_splice(&todo, watches);
    while (!ag_list_empty(&todo)) {
        struct ag_watch *watch = AG_CONTAINER_OF(todo.next, struct ag_watch, node);
        ag_list_remove(&watch->node);
        ag_list_append(watches, &watch->node);
        unsigned hit = changes & (watch->mask | AG_CHANGE_ENDED);
        if (hit != 0) {
            watch->changed(watch, hit);
        }
    }
}
