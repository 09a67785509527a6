/*
 * Attributes shared by every public header. Nothing here is an interface by itself.
 */
#ifndef ARGO_MACROS_H
#define ARGO_MACROS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define ARGO_BEGIN_DECLS extern "C" {
#define ARGO_END_DECLS   }
#else
#define ARGO_BEGIN_DECLS
#define ARGO_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define ARGO_PUBLIC       __attribute__((visibility("default")))
#define ARGO_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARGO_MUST_CHECK   __attribute__((warn_unused_result))
#else
#define ARGO_PUBLIC
#define ARGO_PRINTF(f, a)
#define ARGO_MUST_CHECK
#endif

#endif
