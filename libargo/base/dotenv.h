/*
 * Files of KEY=VALUE lines. Strict: what is not understood is an error with its line. Nothing is
 * expanded.
 */
#ifndef AG_BASE_DOTENV_H
#define AG_BASE_DOTENV_H

#include "base/error.h"

#define AG_DOTENV_MAX 65536 /* bytes of a file */

typedef int (*ag_dotenv_fn)(const char *key, const char *value, unsigned line, void *user,
                            argo_error **err);

/* Calls FN for each line that sets something; what it returns below 0 ends the reading. FILE is
 * used in messages: "FILE:LINE: what is wrong". */
int ag_dotenv_parse(const char *file, const char *text, ag_dotenv_fn fn, void *user,
                    argo_error **err);
/* VALUE as it is written: bare, or in quotes when it needs them. NULL without memory. */
char *ag_dotenv_quote(const char *value);

#endif
