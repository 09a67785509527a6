/*
 * The registry of CIs (companion intelligences): the models and programs that steps may ask.
 *
 * The calls are typed calls: HOW says whether they block, see struct argo_call_options. For what a
 * snapshot gives the same holds as for those of <argo/workflow.h>.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_REGISTRY_H
#define ARGO_REGISTRY_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

typedef struct argo_ci argo_ci;
typedef struct argo_cis argo_cis;

/* What has happened to a CI, and a page of that. */
typedef struct argo_ci_event argo_ci_event;
typedef struct argo_ci_events argo_ci_events;

struct argo_ci_options {
    size_t size;          /* set by ARGO_CI_OPTIONS_INIT */
    const char *name;     /* an id, required */
    const char *provider; /* see docs/cis.md; the other members are NULL or 0 where the
                                        provider has no use for them */
    const char *model;
    const char *role;      /* "default": the CI of steps that name none */
    const char *base_url;  /* of an OpenAI-compatible server */
    const char *recording; /* the directory of a replay CI */
    const char *upstream;  /* the CI whose exchanges it records */
    int64_t port;          /* 0 to 65535 */
    const char *socket_path;
    const char *const *command;      /* up to a NULL, at most 64 */
    const char *const *capabilities; /* up to a NULL, at most 64 */
    const char *session_id;          /* the session that it belongs to */
};

#define ARGO_CI_OPTIONS_INIT                                                                     \
    {                                                                                            \
        sizeof(struct argo_ci_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            NULL, NULL                                                                           \
    }

/* Registers a CI. *OUT (OUT may be NULL) is the CI. Errors: ARGO_E_INVALID, ARGO_E_ID,
 * ARGO_E_EXISTS, ARGO_E_NO_SESSION, ARGO_E_QUOTA (1,000 CIs). Since: 0.1 */
ARGO_PUBLIC int argo_ci_add(argo_client *client, const struct argo_ci_options *options,
                            const struct argo_call_options *how, argo_ci **out, argo_error **err);

/* All CIs, by name. Since: 0.1 */
ARGO_PUBLIC int argo_ci_list(argo_client *client, const struct argo_call_options *how,
                             argo_cis **out, argo_error **err);

/* The CI NAME. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_CI. Since: 0.1 */
ARGO_PUBLIC int argo_ci_get(argo_client *client, const char *name,
                            const struct argo_call_options *how, argo_ci **out, argo_error **err);

/* Removes the CI NAME; with FORCE also while it is busy or has a task. Its messages go, its history
 * stays. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_CI, ARGO_E_STATE (it is busy). Since: 0.1 */
ARGO_PUBLIC int argo_ci_remove(argo_client *client, const char *name, bool force,
                               const struct argo_call_options *how, argo_error **err);

/* Says for the CI NAME that it lives. STATUS is "running", "idle", "busy", "error" or "stopped", or
 * NULL; TASK is what it works on, "" for nothing, or NULL for what it was. Once it has said so it
 * must again: one that goes silent is in error, then stopped. *OUT (OUT may be NULL) is the CI.
 * Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_CI. Since: 0.1 */
ARGO_PUBLIC int argo_ci_heartbeat(argo_client *client, const char *name, const char *status,
                                  const char *task, const struct argo_call_options *how,
                                  argo_ci **out, argo_error **err);

/* A page of at most LIMIT (at most 1,000; 0: 100) of what has happened to the CI NAME, newest first,
 * from CURSOR on: argo_ci_events_next_cursor of the page before, or NULL for the first. The CI may
 * have been removed. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_CI. Since: 0.1 */
ARGO_PUBLIC int argo_ci_history(argo_client *client, const char *name, int64_t limit,
                                const char *cursor, const struct argo_call_options *how,
                                argo_ci_events **out, argo_error **err);

/* The CIs of a list, each valid until the list is freed (NULL beyond the last). argo_cis_free takes
 * NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_cis_count(const argo_cis *list);
ARGO_PUBLIC const argo_ci *argo_cis_at(const argo_cis *list, size_t index);
ARGO_PUBLIC void argo_cis_free(argo_cis *list);

/* Texts of a CI. Since: 0.1 */
ARGO_PUBLIC const char *argo_ci_name(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_provider(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_model(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_role(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_status(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_base_url(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_recording(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_upstream(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_socket_path(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_session_id(const argo_ci *ci);
ARGO_PUBLIC const char *argo_ci_task(const argo_ci *ci);

/* Its port (0: none), how many messages it has not received, when it was heard of last. Since: 0.1 */
ARGO_PUBLIC int64_t argo_ci_port(const argo_ci *ci);
ARGO_PUBLIC int64_t argo_ci_unread(const argo_ci *ci);
ARGO_PUBLIC int64_t argo_ci_last_heartbeat_ms(const argo_ci *ci);

/* Its JSON: the command and the capabilities, arrays of text. Since: 0.1 */
ARGO_PUBLIC const char *argo_ci_command(const argo_ci *ci, size_t *len);
ARGO_PUBLIC const char *argo_ci_capabilities(const argo_ci *ci, size_t *len);

/* Frees a CI of argo_ci_add, _get or _heartbeat; not one of a list. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_ci_free(argo_ci *ci);

/* What a page of a history tells, each valid until the page is freed (NULL beyond the last), and
 * where the next page begins: NULL after the last one. argo_ci_events_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_ci_events_count(const argo_ci_events *list);
ARGO_PUBLIC const argo_ci_event *argo_ci_events_at(const argo_ci_events *list, size_t index);
ARGO_PUBLIC const char *argo_ci_events_next_cursor(const argo_ci_events *list);
ARGO_PUBLIC void argo_ci_events_free(argo_ci_events *list);

/* Its number, its kind ("registered", "status", "task", "silence", "session", "removed") and time;
 * how the CI was from then on: status, task, session, and messages that had been sent to it.
 * Since: 0.1 */
ARGO_PUBLIC int64_t argo_ci_event_seq(const argo_ci_event *ci_event);
ARGO_PUBLIC const char *argo_ci_event_kind(const argo_ci_event *ci_event);
ARGO_PUBLIC int64_t argo_ci_event_at_ms(const argo_ci_event *ci_event);
ARGO_PUBLIC const char *argo_ci_event_status(const argo_ci_event *ci_event);
ARGO_PUBLIC const char *argo_ci_event_task(const argo_ci_event *ci_event);
ARGO_PUBLIC const char *argo_ci_event_session_id(const argo_ci_event *ci_event);
ARGO_PUBLIC int64_t argo_ci_event_messages(const argo_ci_event *ci_event);

ARGO_END_DECLS

#endif
