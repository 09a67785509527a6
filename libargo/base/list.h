/*
 * Intrusive doubly linked list. A node that is not linked points at itself.
 */
#ifndef AG_BASE_LIST_H
#define AG_BASE_LIST_H

#include <stdbool.h>

#include "base/macros.h"

struct ag_list {
    struct ag_list *prev, *next;
};

#define AG_LIST_INIT(l) \
    {                   \
        &(l), &(l)      \
    }

static inline void ag_list_init(struct ag_list *l)
{
    l->prev = l->next = l;
}

static inline bool ag_list_empty(const struct ag_list *l)
{
    return l->next == l;
}

static inline void ag_list_append(struct ag_list *head, struct ag_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Unlinking a node that is not linked does nothing. */
static inline void ag_list_remove(struct ag_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    ag_list_init(node);
}

/* Moves everything from SRC to the end of DST. */
static inline void ag_list_splice(struct ag_list *dst, struct ag_list *src)
{
    if (!ag_list_empty(src)) {
        src->next->prev = dst->prev;
        dst->prev->next = src->next;
        src->prev->next = dst;
        dst->prev = src->prev;
        ag_list_init(src);
    }
}

#define ag_list_first(head, type, member) \
    (ag_list_empty(head) ? NULL : AG_CONTAINER_OF((head)->next, type, member))

/* The body may remove the current element. */
#define ag_list_each(pos, tmp, head)                                 \
    for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); \
         (pos) = (tmp), (tmp) = (pos)->next)

#endif
