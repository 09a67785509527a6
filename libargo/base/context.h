/*
 * The context's inside: log macros and the clock that tests can replace.
 */
#ifndef AG_BASE_CONTEXT_H
#define AG_BASE_CONTEXT_H

#include <argo/context.h>

#include "base/macros.h"

AG_DEFINE_AUTO(argo_context, argo_context_free)

/* Wall time in milliseconds since the epoch; a test may set another source. */
int64_t ag_context_now_ms(const argo_context *ctx);
void ag_context_set_clock(argo_context *ctx, int64_t (*now_ms)(void *user), void *user);

/* "error"...; "unknown" for a number that is no level. Static. */
const char *ag_log_level_name(enum argo_log_level level);
enum argo_log_level ag_context_log_level(const argo_context *ctx);
/* While it is at work, for a context that one thread uses. */
void ag_context_set_log_level(argo_context *ctx, enum argo_log_level level);
bool ag_log_enabled(const argo_context *ctx, enum argo_log_level level);
void ag_log_write(const argo_context *ctx, enum argo_log_level level, const char *component,
                  const char *file, int line, const char *format, ...) ARGO_PRINTF(6, 7);

/* CTX may be NULL: nothing is logged. COMPONENT is the layer's name. */
#define ag_log(ctx, level, component, ...)                                              \
    do {                                                                                \
        if (ag_log_enabled((ctx), (level))) {                                           \
            ag_log_write((ctx), (level), (component), __FILE__, __LINE__, __VA_ARGS__); \
        }                                                                               \
    } while (0)
#define ag_log_error(ctx, component, ...) ag_log((ctx), ARGO_LOG_ERROR, (component), __VA_ARGS__)
#define ag_log_warning(ctx, component, ...) \
    ag_log((ctx), ARGO_LOG_WARNING, (component), __VA_ARGS__)
#define ag_log_info(ctx, component, ...)  ag_log((ctx), ARGO_LOG_INFO, (component), __VA_ARGS__)
#define ag_log_debug(ctx, component, ...) ag_log((ctx), ARGO_LOG_DEBUG, (component), __VA_ARGS__)

#endif
