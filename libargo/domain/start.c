/*
 * Starting a run: everything is checked first, all problems at once; then one transaction makes
 * the row and the first executor's token.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

/* The verbs of the routes /api/workflow/VERB/{id}: no workflow may be called so. */
static const char *const reserved_ids[] = {"start",   "list",     "status", "pause", "resume",
                                           "abandon", "progress", "output", "input"};

/* What a request has become by the time that it is accepted. */
struct start_plan {
    char *template_name;
    char *workflow_id;
    char *definition, *file;
    size_t definition_len;
    ag_template *plan;
    ag_value *parameters;
    char *retire; /* "ID~N" for the ended run that bears the id */
    int64_t retire_rid;
};

static void plan_clear(struct start_plan *p)
{
    free(p->template_name);
    free(p->workflow_id);
    free(p->definition);
    free(p->file);
    ag_template_free(p->plan);
    ag_value_unref(p->parameters);
    free(p->retire);
}

static int find_definition(ag_domain *d, const struct ag_start_request *request,
                           struct start_plan *p, argo_error **err)
{
    if (request->definition != NULL) {
        const char *text = ag_value_as_text(request->definition);
        p->definition = text != NULL ? ag_strdup(text) : ag_value_print(request->definition, NULL);
        p->definition_len = p->definition == NULL ? 0 : strlen(p->definition);
        p->file =
            ag_strdup(request->definition_file == NULL ? "definition" : request->definition_file);
        return p->definition == NULL || p->file == NULL ? ag_error_nomem(err) : 0;
    }
    if (request->template_name == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "template",
                              "template: expected a template's name, or a definition");
    }
    struct ag_template_file file = {0};
    int r = ag_catalog_find(d, request->template_name, request->cwd, &file, err);
    if (r == 0) {
        p->definition = ag_take(file.text);
        p->definition_len = file.len; /* a NUL in it is for the parser to refuse */
        p->file = ag_take(file.path);
    }
    ag_template_file_clear(&file);
    return r;
}

static int name_template(const struct ag_start_request *request, struct start_plan *p,
                         argo_error **err)
{
    const char *name = request->template_name;
    if (name == NULL) {
        name = ag_template_name(p->plan);
        int r = ag_id_check(name, "workflow_name", err);
        if (r < 0) {
            return r;
        }
    }
    p->template_name = ag_strdup(name);
    return p->template_name == NULL ? ag_error_nomem(err) : 0;
}

static int next_free_id(ag_domain *d, struct start_plan *p, argo_error **err)
{
    int64_t n = 0;
    int r = ag_store_instance_max(d->store, p->template_name, &n, err);
    while (r >= 0) {
        if (n == INT64_MAX) {
            return ag_error_field(err, ARGO_E_EXISTS, "instance",
                                  "instance: the numbers of '%s' are used up, give one yourself",
                                  p->template_name);
        }
        free(p->workflow_id);
        p->workflow_id = ag_asprintf("%s_%" PRId64, p->template_name, ++n);
        if (p->workflow_id == NULL) {
            return ag_error_nomem(err);
        }
        if (ag_map_get(d->by_id, p->workflow_id) == NULL) {
            return 0;
        }
    }
    return r;
}

static int choose_id(ag_domain *d, const struct ag_start_request *request, struct start_plan *p,
                     argo_error **err)
{
    if (request->workflow_id != NULL) {
        p->workflow_id = ag_strdup(request->workflow_id);
    } else if (request->instance != NULL) {
        p->workflow_id = ag_asprintf("%s_%s", p->template_name, request->instance);
    } else {
        int r = next_free_id(d, p, err);
        if (r < 0) {
            return r;
        }
    }
    if (p->workflow_id == NULL) {
        return ag_error_nomem(err);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(reserved_ids); i++) {
        if (strcmp(p->workflow_id, reserved_ids[i]) == 0) {
            return ag_error_field(err, ARGO_E_ID, "workflow_id", "'%s' is a reserved word",
                                  p->workflow_id);
        }
    }
    return ag_id_check(p->workflow_id, "workflow_id", err);
}

/* The id must be free, or belong to a run that has ended: that one is renamed. */
static int claim_id(ag_domain *d, struct start_plan *p, argo_error **err)
{
    struct ag_live *live = ag_map_get(d->by_id, p->workflow_id);
    if (live != NULL) {
        return ag_error_field(err, ARGO_E_EXISTS, "workflow_id", "Workflow '%s' is %s",
                              p->workflow_id, ag_run_state_words[live->row.state]);
    }
    struct ag_run run = {0};
    int found = ag_store_run(d->store, p->workflow_id, &run, err);
    int64_t n = 0;
    if (found > 0 && !ag_run_state_ended(run.state)) {
        found = ag_error_field(err, ARGO_E_EXISTS, "workflow_id",
                               "Workflow '%s' has not ended, and what is stored of it is damaged",
                               p->workflow_id);
    } else if (found > 0) {
        p->retire_rid = run.rid;
        found = ag_store_retired_max(d->store, p->workflow_id, &n, err);
        p->retire = ag_asprintf("%s~%" PRId64, p->workflow_id, n + 1);
        if (found >= 0 && p->retire == NULL) {
            found = ag_error_nomem(err);
        }
    }
    ag_run_clear(&run);
    return found < 0 ? found : 0;
}

static int check_request(ag_domain *d, const struct ag_start_request *request, argo_error **err)
{
    int r = ag_cwd_check(request->cwd, err);
    if (r == 0 && request->session_id != NULL) {
        r = ag_session_check(d, request->session_id, err);
    }
    if (r < 0) {
        return r;
    }
    struct ag_value_iter it = {0};
    while (ag_value_next(request->env, &it)) {
        if (!ag_value_is(it.value, ARGO_TYPE_TEXT)) {
            return ag_error_field(err, ARGO_E_INVALID, "env", "env.%s: expected text", it.key);
        }
    }
    return 0;
}

static int make_plan(ag_domain *d, const struct ag_start_request *request, struct start_plan *p,
                     argo_error **err)
{
    AG_AUTO(ag_map) cis = ag_ci_names(d);
    int r = cis == NULL ? ag_error_nomem(err) : check_request(d, request, err);
    if (r == 0) {
        r = find_definition(d, request, p, err);
    }
    if (r == 0) {
        r = ag_template_load_for(p->file, p->definition, p->definition_len, cis, &p->plan, err);
    }
    if (r == 0) {
        r = ag_template_resolve_parameters(p->plan, request->parameters, &p->parameters, err);
    }
    if (r == 0) {
        r = name_template(request, p, err);
    }
    if (r == 0) {
        r = choose_id(d, request, p, err);
    }
    return r < 0 ? r : claim_id(d, p, err);
}

/* ---- the same start again ------------------------------------------------------------------------ */

static int same_start(ag_domain *d, int64_t rid, const char *body_hash, argo_error **err)
{
    struct ag_run_spec spec = {0};
    int r = ag_store_run_spec(d->store, rid, &spec, err);
    if (r > 0 && !ag_streq(spec.request_hash, body_hash)) {
        r = ag_error_field(err, ARGO_E_KEY_REUSED, "request_key",
                           "request_key was used for another start");
    }
    ag_run_spec_clear(&spec);
    return r;
}

struct starting {
    int64_t rid;
    char hash[AG_SHA256_HEX];
};

/* 1: this start was made before (*OUT_RID); 0: it is new. */
static int started_before(ag_domain *d, const char *key, const char *body_hash, int64_t *out_rid,
                          argo_error **err)
{
    if (key == NULL) {
        return 0;
    }
    const struct starting *on_its_way = ag_map_get(d->starting, key);
    if (on_its_way != NULL) {
        *out_rid = on_its_way->rid;
        return strcmp(on_its_way->hash, body_hash) == 0
                   ? 1
                   : ag_error_field(err, ARGO_E_KEY_REUSED, "request_key",
                                    "request_key was used for another start");
    }
    struct ag_run run = {0};
    int found = ag_store_run_by_request_key(d->store, key, &run, err);
    *out_rid = run.rid;
    ag_run_clear(&run);
    return found > 0 ? same_start(d, *out_rid, body_hash, err) : found;
}

/* ---- rows ------------------------------------------------------------------------------------------ */

static int fill_spec(ag_domain *d, const struct ag_start_request *request, struct start_plan *p,
                     const char *body_hash, struct ag_run_spec *spec, argo_error **err)
{
    char nonce[33];
    char hash[AG_SHA256_HEX];
    int r = ag_random_hex(nonce, 32, err);
    if (r < 0) {
        return r;
    }
    ag_sha256_hex(p->definition, strlen(p->definition), hash);
    *spec = (struct ag_run_spec){
        .request_key = ag_strdup(request->request_key),
        .request_hash = ag_strdup(body_hash),
        .instance = ag_strdup(request->instance),
        .branch = ag_strdup(request->branch == NULL ? "main" : request->branch),
        .environment = ag_strdup(request->environment == NULL ? "dev" : request->environment),
        .parameters = ag_value_ref(p->parameters),
        .cwd = ag_strdup(request->cwd == NULL ? argo_context_home(d->ctx) : request->cwd),
        .env = ag_value_ref(request->env),
        .definition = ag_strdup(p->definition),
        .definition_file = ag_strdup(p->file),
        .definition_hash = ag_strdup(hash),
        .default_provider = ag_strdup(request->default_provider),
        .default_model = ag_strdup(request->default_model),
        .nonce = ag_strdup(nonce),
    };
    return 0;
}

static struct ag_live *make_live(ag_domain *d, const struct ag_start_request *request,
                                 struct start_plan *p, argo_error **err)
{
    struct ag_run row = {
        .rid = ag_store_next_rid(d->store),
        .workflow_id = ag_take(p->workflow_id),
        .template_name = ag_take(p->template_name),
        .session_id = ag_strdup(request->session_id),
        .current_step = 1,
        .total_steps = (int64_t)ag_template_step_count(p->plan),
        .step_name = ag_strdup(ag_template_step(p->plan, 0)->name),
        .created = ag_context_now_ms(d->ctx),
        .state = AG_RUN_QUEUED,
    };
    struct ag_live *live = ag_live_new(d, &row, err);
    if (live != NULL && ag_live_insert(d, live) < 0) {
        ag_live_free(live);
        ag_error_nomem(err);
        return NULL;
    }
    if (live != NULL) {
        live->told_state = -1;
        live->fresh = true;
    }
    return live;
}

struct start {
    ag_domain *domain;
    char *request_key;
    ag_done_fn done;
    void *user;
};

static void start_done(const argo_error *err, void *user)
{
    struct start *s = user;
    if (s->request_key != NULL) {
        ag_map_remove(s->domain->starting, s->request_key);
    }
    if (s->done != NULL) {
        s->done(err, s->user);
    }
    free(s->request_key);
    free(s);
}

static int note_starting(ag_domain *d, const char *key, int64_t rid, const char *body_hash)
{
    if (key == NULL) {
        return 0;
    }
    struct starting *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return ARGO_E_NOMEM;
    }
    entry->rid = rid;
    snprintf(entry->hash, sizeof(entry->hash), "%s", body_hash);
    if (ag_map_put(d->starting, key, entry) < 0) {
        free(entry);
        return ARGO_E_NOMEM;
    }
    return 0;
}

static int commit_start(ag_domain *d, struct start_plan *p, struct ag_run_spec *spec,
                        struct ag_live *live, ag_done_fn done, void *user, argo_error **err)
{
    struct start *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ag_error_nomem(err);
    }
    *s = (struct start){d, ag_strdup(spec->request_key), done, user};
    struct ag_change_set *c = NULL;
    int r = note_starting(d, spec->request_key, live->row.rid, spec->request_hash);
    r = r < 0 ? ag_error_nomem(err) : ag_live_prepare_launch(live, start_done, s, &c, err);
    if (r < 0) {
        if (s->request_key != NULL) {
            ag_map_remove(d->starting, s->request_key);
        }
        free(s->request_key);
        free(s);
        return r;
    }
    if (p->retire != NULL) {
        ag_txn_retire_id(c->txn, p->retire_rid, p->retire);
    }
    ag_txn_add_run(c->txn, &live->row, spec);
    ag_change_commit(c);
    return 0;
}

static int start_again(ag_domain *d, ag_done_fn done, void *user, argo_error **err)
{
    /* An empty change: its commit comes after that of the start that is repeated. */
    struct ag_change_set *c = NULL;
    int r = ag_change_new(d, 0, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    ag_change_commit(c);
    return 1;
}

int ag_run_start(ag_domain *d, const struct ag_start_request *request, const char *body_hash,
                 int64_t *out_rid, ag_done_fn done, void *user, argo_error **err)
{
    if (d->quiesced) {
        return ag_error_set(err, ARGO_E_SHUTDOWN, "The daemon is stopping: try again in a moment");
    }
    int r = started_before(d, request->request_key, body_hash, out_rid, err);
    if (r != 0) {
        return r < 0 ? r : start_again(d, done, user, err);
    }
    struct start_plan p = {0};
    struct ag_run_spec spec = {0};
    struct ag_live *live = NULL;
    r = make_plan(d, request, &p, err);
    if (r == 0) {
        r = fill_spec(d, request, &p, body_hash, &spec, err);
    }
    if (r == 0) {
        live = make_live(d, request, &p, err);
        r = live == NULL ? ARGO_E_NOMEM : 0;
    }
    if (r == 0) {
        *out_rid = live->row.rid;
        r = commit_start(d, &p, &spec, live, done, user, err);
        if (r < 0) {
            ag_live_remove(d, live);
        }
    }
    plan_clear(&p);
    ag_run_spec_clear(&spec);
    return r;
}

int ag_run_find(ag_domain *d, const char *workflow_id, int64_t *out_rid, argo_error **err)
{
    const struct ag_live *live = ag_map_get(d->by_id, workflow_id);
    if (live != NULL) {
        *out_rid = live->row.rid;
        return 0;
    }
    int found = ag_store_rid(d->store, workflow_id, out_rid, err);
    if (found == 0) {
        const char *nearest = ag_map_nearest(d->by_id, workflow_id);
        return ag_error_set(err, ARGO_E_NO_WORKFLOW, "Workflow '%s' does not exist%s%s%s",
                            workflow_id, nearest == NULL ? "" : "; did you mean '",
                            nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    }
    return found < 0 ? found : 0;
}
