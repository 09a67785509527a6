/*
 * Asking a CI (companion intelligence) yourself, without a daemon and without a run: to try one that
 * is registered, or to use the same models as workflows do.
 *
 * A CI is the object that GET /api/registry/ci/NAME gives as `data`; docs/cis.md says what its members
 * mean. Its key is read from the home of the context. A provider that is a program runs in the
 * process's directory, with its environment but for what begins with ARGO_.
 *
 * Thread-safety: the calls share nothing, and may run in several threads with a context each.
 */
#ifndef ARGO_ASK_H
#define ARGO_ASK_H

#include <argo/context.h>
#include <argo/value.h>

ARGO_BEGIN_DECLS

/* Words of the reply as they come: LEN bytes of whole UTF-8 characters, NUL-terminated, borrowed. LABEL
 * is given for words that no model has said just now (a recording), else NULL. Returning non-zero ends
 * the call with ARGO_E_CANCELLED. */
typedef int (*argo_ask_text_fn)(void *user, const char *text, size_t len, const char *label);

/* Checks that CI has what its provider needs, as a program does before it registers one. Does not
 * connect and does not block. Errors: ARGO_E_INVALID (with the field to blame), ARGO_E_NOMEM.
 * Since: 0.1 */
ARGO_PUBLIC int argo_ask_check(const argo_value *ci, argo_error **err);

/* Asks CI and blocks until its reply is whole, at most TIMEOUT_MS milliseconds (0: 600 s), retries
 * included. UPSTREAM is the CI that a recording one names as `upstream`, else NULL. REQUEST is an
 * object: `prompt` (text, required), `system` and `model` (text), `temperature`, `max_tokens`, `schema`.
 * FN may be NULL. *REPLY, which the caller frees, is an object: `text`, `usage` (model, input_tokens,
 * output_tokens, attempts, and what else is known), `finish_reason` or null, `label` or null. That the
 * text fits the schema is not checked.
 * Errors: ARGO_E_INVALID, ARGO_E_NO_KEY, ARGO_E_PROVIDER (with the provider's own words),
 * ARGO_E_TIMEOUT, ARGO_E_CANCELLED, ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_ask(argo_context *ctx, const argo_value *ci, const argo_value *upstream,
                         const argo_value *request, int64_t timeout_ms, argo_ask_text_fn fn,
                         void *user, argo_value **reply, argo_error **err);

ARGO_END_DECLS

#endif
