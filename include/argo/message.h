/*
 * Messages to runs, and to CIs that are processes of their own.
 *
 * The calls are typed calls: HOW says whether they block, see struct argo_call_options. For what a
 * snapshot gives the same holds as for those of <argo/workflow.h>.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_MESSAGE_H
#define ARGO_MESSAGE_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

/* A message that a daemon has taken, and a list of them. */
typedef struct argo_message argo_message;
typedef struct argo_messages argo_messages;

/* Sends a message of TYPE to the run WORKFLOW_ID: `update_config`, `x-...`, or `pause`, `resume`,
 * `abort`, which do what argo_workflow_pause, _resume and _abandon do. PAYLOAD is JSON of LEN bytes
 * (0: up to its NUL), at most 64 KiB, or NULL. It succeeds when the message is committed; the run's
 * executor gets it as soon as there is one. *OUT (OUT may be NULL) is the message; NULL for the
 * last three types. Errors: ARGO_E_INVALID (also a type that is none, a setting that is none),
 * ARGO_E_JSON, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_STATE (the run has ended), ARGO_E_TOO_LARGE,
 * ARGO_E_QUOTA (1,000 wait that no executor has received). Since: 0.1 */
ARGO_PUBLIC int argo_message_send(argo_client *client, const char *workflow_id, const char *type,
                                  const char *payload, size_t len,
                                  const struct argo_call_options *how, argo_message **out,
                                  argo_error **err);

/* Sends a message to the CI NAME. TYPE is a word like an id; FROM, an id that says who sends it, may
 * be NULL; PAYLOAD as above, NULL for {}. *OUT (OUT may be NULL) is the message. Errors: ARGO_E_INVALID,
 * ARGO_E_JSON, ARGO_E_ID, ARGO_E_NO_CI, ARGO_E_TOO_LARGE, ARGO_E_QUOTA (1,000 have not been
 * received). Since: 0.1 */
ARGO_PUBLIC int argo_message_send_ci(argo_client *client, const char *name, const char *type,
                                     const char *from, const char *payload, size_t len,
                                     const struct argo_call_options *how, argo_message **out,
                                     argo_error **err);

/* Reads the messages to the CI NAME, at most 1,000; there may be none. OPTIONS may be NULL. What
 * `after` names has been received, and is gone; nothing else takes a message away. Errors:
 * ARGO_E_INVALID (also when `after` is above the last number), ARGO_E_ID, ARGO_E_NO_CI (also when
 * it is removed meanwhile), ARGO_E_WAITERS. Since: 0.1 */
ARGO_PUBLIC int argo_message_list_ci(argo_client *client, const char *name,
                                     const struct argo_read_options *options,
                                     const struct argo_call_options *how, argo_messages **out,
                                     argo_error **err);

/* The messages of a list, each valid until the list is freed (NULL beyond the last), and the `after`
 * that says that they have been received. argo_messages_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_messages_count(const argo_messages *list);
ARGO_PUBLIC const argo_message *argo_messages_at(const argo_messages *list, size_t index);
ARGO_PUBLIC int64_t argo_messages_next_after(const argo_messages *list);
ARGO_PUBLIC void argo_messages_free(argo_messages *list);

/* A message: its id (a UUID), its type, who sends it, its number, when it was taken, its payload as
 * JSON. Since: 0.1 */
ARGO_PUBLIC const char *argo_message_id(const argo_message *message);
ARGO_PUBLIC const char *argo_message_type(const argo_message *message);
ARGO_PUBLIC const char *argo_message_from(const argo_message *message);
ARGO_PUBLIC int64_t argo_message_seq(const argo_message *message);
ARGO_PUBLIC int64_t argo_message_at_ms(const argo_message *message);
ARGO_PUBLIC const char *argo_message_payload(const argo_message *message, size_t *len);

/* Frees a message of argo_message_send or _send_ci; not one of a list. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_message_free(argo_message *message);

ARGO_END_DECLS

#endif
