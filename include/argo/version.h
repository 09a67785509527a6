/*
 * The version of the headers that a program was compiled with.
 */
#ifndef ARGO_VERSION_H
#define ARGO_VERSION_H

#include <argo/macros.h>

ARGO_BEGIN_DECLS

#define ARGO_VERSION "0.1.0"

/* The version of the library that the program runs with. Static. Never blocks. Since: 0.1 */
ARGO_PUBLIC const char *argo_version(void);

ARGO_END_DECLS

#endif
