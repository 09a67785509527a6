/*
 * The lives of runs and of the daemon: pause, resume and abandon a run; sessions, which do it for
 * several; how the daemon is, and its end.
 *
 * The calls are typed calls: HOW says whether they block, see struct argo_call_options. Where
 * processes are waited for, a try may last a minute more than its timeout. For what a snapshot
 * gives the same holds as for those of <argo/workflow.h>.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_LIFECYCLE_H
#define ARGO_LIFECYCLE_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

/* ---- runs ------------------------------------------------------------------------------------- */

/* Stops everything of the run ID; succeeds when all of it stands still. Time limits stand still as
 * well, deadlines of questions do not. To pause a paused run changes nothing. Errors:
 * ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_STATE (it has ended), ARGO_E_SIGNAL.
 * Since: 0.1 */
ARGO_PUBLIC int argo_workflow_pause(argo_client *client, const char *id,
                                    const struct argo_call_options *how, argo_error **err);

/* Lets a paused run go on. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_STATE (it
 * is not paused), ARGO_E_SIGNAL. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_resume(argo_client *client, const char *id,
                                     const struct argo_call_options *how, argo_error **err);

/* Ends the run ID and every process of it; succeeds when none lives: the daemon's grace (5 s) and
 * more, where they do not end by themselves. Errors: ARGO_E_INVALID, ARGO_E_ID,
 * ARGO_E_NO_WORKFLOW, ARGO_E_STATE (it has ended), ARGO_E_SIGNAL. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_abandon(argo_client *client, const char *id,
                                      const struct argo_call_options *how, argo_error **err);

/* ---- sessions --------------------------------------------------------------------------------- */

/* A session groups runs and CIs: those that were started and registered with its id. */
typedef struct argo_session argo_session;
typedef struct argo_sessions argo_sessions;

/* Makes a session. ID NULL: the daemon finds one; DESCRIPTION (at most 256 bytes) may be NULL. *OUT
 * (OUT may be NULL) is the session. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_EXISTS, ARGO_E_QUOTA.
 * Since: 0.1 */
ARGO_PUBLIC int argo_session_add(argo_client *client, const char *id, const char *description,
                                 const struct argo_call_options *how, argo_session **out,
                                 argo_error **err);

/* The session ID. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_SESSION. Since: 0.1 */
ARGO_PUBLIC int argo_session_get(argo_client *client, const char *id,
                                 const struct argo_call_options *how, argo_session **out,
                                 argo_error **err);

/* A page of at most LIMIT sessions (at most 1,000; 0: 100), by id, from CURSOR on:
 * argo_sessions_next_cursor of the page before, or NULL for the first. Errors: ARGO_E_INVALID.
 * Since: 0.1 */
ARGO_PUBLIC int argo_session_list(argo_client *client, int64_t limit, const char *cursor,
                                  const struct argo_call_options *how, argo_sessions **out,
                                  argo_error **err);

/* Removes the session ID. With FORCE its runs are abandoned first, without it there may be none that
 * has not ended. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_SESSION, ARGO_E_STATE. Since: 0.1 */
ARGO_PUBLIC int argo_session_remove(argo_client *client, const char *id, bool force,
                                    const struct argo_call_options *how, argo_error **err);

/* Pauses or resumes each run of the session ID. Returns of how many that failed: 0, or more when
 * some could not be paused, or were not paused. Errors: ARGO_E_INVALID, ARGO_E_ID,
 * ARGO_E_NO_SESSION. Since: 0.1 */
ARGO_PUBLIC int argo_session_pause(argo_client *client, const char *id,
                                   const struct argo_call_options *how, argo_error **err);
ARGO_PUBLIC int argo_session_resume(argo_client *client, const char *id,
                                    const struct argo_call_options *how, argo_error **err);

/* The sessions of a page, each valid until the page is freed (NULL beyond the last), and where the
 * next page begins: NULL after the last one. argo_sessions_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_sessions_count(const argo_sessions *list);
ARGO_PUBLIC const argo_session *argo_sessions_at(const argo_sessions *list, size_t index);
ARGO_PUBLIC const char *argo_sessions_next_cursor(const argo_sessions *list);
ARGO_PUBLIC void argo_sessions_free(argo_sessions *list);

/* A session: its id, description, when it was made, the ids of its runs that have not ended, and the
 * names of its CIs (NULL beyond the last). Since: 0.1 */
ARGO_PUBLIC const char *argo_session_id(const argo_session *session);
ARGO_PUBLIC const char *argo_session_description(const argo_session *session);
ARGO_PUBLIC int64_t argo_session_created_ms(const argo_session *session);
ARGO_PUBLIC size_t argo_session_workflow_count(const argo_session *session);
ARGO_PUBLIC const char *argo_session_workflow_at(const argo_session *session, size_t index);
ARGO_PUBLIC size_t argo_session_ci_count(const argo_session *session);
ARGO_PUBLIC const char *argo_session_ci_at(const argo_session *session, size_t index);

/* Frees a session of argo_session_add or _get; not one of a list. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_session_free(argo_session *session);

/* ---- the daemon ------------------------------------------------------------------------------- */

/* How the daemon is; and which program it is. */
typedef struct argo_health argo_health;
typedef struct argo_build argo_build;

/* Asks the daemon how it is. Since: 0.1 */
ARGO_PUBLIC int argo_health_get(argo_client *client, const struct argo_call_options *how,
                                argo_health **out, argo_error **err);

/* Its version and process; how long it has been running; whether its store takes what is to be
 * kept; how many runs have not ended, how many executors live, how many questions are open; the TCP
 * port that it listens on (0: none). argo_health_free takes NULL. Since: 0.1 */
ARGO_PUBLIC const char *argo_health_version(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_pid(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_uptime_ms(const argo_health *health);
ARGO_PUBLIC bool argo_health_store_ok(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_workflows(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_executors(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_open_questions(const argo_health *health);
ARGO_PUBLIC int64_t argo_health_port(const argo_health *health);
ARGO_PUBLIC void argo_health_free(argo_health *health);

/* Asks the daemon which program it is. Since: 0.1 */
ARGO_PUBLIC int argo_build_get(argo_client *client, const struct argo_call_options *how,
                               argo_build **out, argo_error **err);

/* Its version, and that of its API; the SHA-256 of the program that runs and of the file that lies
 * on the disk now, and whether they differ. argo_build_free takes NULL. Since: 0.1 */
ARGO_PUBLIC const char *argo_build_version(const argo_build *build);
ARGO_PUBLIC int64_t argo_build_api_version(const argo_build *build);
ARGO_PUBLIC const char *argo_build_binary_sha256(const argo_build *build);
ARGO_PUBLIC const char *argo_build_disk_sha256(const argo_build *build);
ARGO_PUBLIC bool argo_build_update_available(const argo_build *build);
ARGO_PUBLIC void argo_build_free(argo_build *build);

/* Asks the daemon to stop: requests under way get GRACE_MS milliseconds (0 to 3,600,000). Executors
 * go on without it; with ABANDON all runs are abandoned first. It succeeds when the daemon begins to
 * stop. Errors: ARGO_E_INVALID. Since: 0.1 */
ARGO_PUBLIC int argo_client_stop_daemon(argo_client *client, int64_t grace_ms, bool abandon,
                                        const struct argo_call_options *how, argo_error **err);

ARGO_END_DECLS

#endif
