/*
 * Cleanup attributes and the few macros that every file may use.
 */
#ifndef AG_BASE_MACROS_H
#define AG_BASE_MACROS_H

#include <stdlib.h>
#include <unistd.h>

#include <argo/macros.h>

#define AG_ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define AG_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define AG_MUST_CHECK                      ARGO_MUST_CHECK

/* Declares that TYPE * locals marked AG_AUTO(TYPE) are released by FREE_FN, which takes NULL. */
#define AG_DEFINE_AUTO(type, free_fn)           \
    static inline void ag_auto_##type(type **p) \
    {                                           \
        free_fn(*p);                            \
    }
#define AG_AUTO(type) __attribute__((cleanup(ag_auto_##type))) type *

static inline void ag_auto_free_p(void *p)
{
    free(*(void **)p);
}

static inline void ag_auto_close_p(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

#define ag_auto_free  __attribute__((cleanup(ag_auto_free_p)))
#define ag_auto_close __attribute__((cleanup(ag_auto_close_p)))

/* Hands an owned pointer or fd over: the variable is emptied, its value returned. */
#define ag_take(p)                    \
    __extension__({                   \
        __typeof__(p) ag_taken = (p); \
        (p) = NULL;                   \
        ag_taken;                     \
    })

static inline int ag_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
