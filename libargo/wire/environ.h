/*
 * Environments: an object of texts as a list for a process.
 */
#ifndef AG_WIRE_ENVIRON_H
#define AG_WIRE_ENVIRON_H

#include "wire/value.h"

/* "NAME=value" for each member, NULL-terminated. NULL without memory. */
char **ag_environ_list(const ag_value *object);
/* The process's own as an object, without those that begin with ARGO_. NULL without memory. */
ag_value *ag_environ_own(void);
/* Frees any NULL-terminated list of texts; NULL is allowed. */
void ag_text_list_free(char **list);

static inline void ag_auto_text_list_p(char ***list)
{
    ag_text_list_free(*list);
}

#define ag_auto_text_list __attribute__((cleanup(ag_auto_text_list_p))) char **

#endif
