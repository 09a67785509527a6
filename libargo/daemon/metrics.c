/*
 * Metrics in the text format of Prometheus (0.0.4). Everything is counted in memory where it happens;
 * a scrape reads the counters, and looks at no run. docs/metrics.md says what each of them is.
 */
#include "daemon/metrics.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <argo/version.h>

#include "base/text.h"

#define CLASSES 6 /* of statuses: none, then 1xx to 5xx */

struct route_count {
    uint64_t by_class[CLASSES];
    uint64_t us;
};

struct ag_metrics {
    size_t n_routes;
    struct route_count routes[]; /* and one for requests without a route */
};

int ag_metrics_new(size_t n_routes, ag_metrics **out, argo_error **err)
{
    ag_metrics *m = calloc(1, sizeof(*m) + (n_routes + 1) * sizeof(m->routes[0]));
    if (m == NULL) {
        return ag_error_nomem(err);
    }
    m->n_routes = n_routes;
    *out = m;
    return 0;
}

void ag_metrics_free(ag_metrics *m)
{
    free(m);
}

void ag_metrics_count(ag_metrics *m, size_t route, int status, int64_t micros)
{
    int class = status / 100;
    m->routes[route].by_class[class < CLASSES ? class : 0]++;
    m->routes[route].us += micros > 0 ? (uint64_t)micros : 0;
}

/* ---- the format ------------------------------------------------------------------------------ */

static void family(struct ag_buf *b, const char *name, const char *type, const char *help)
{
    ag_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label(struct ag_buf *b, const char *before, const char *name, const char *value)
{
    ag_buf_printf(b, "%s%s=\"", before, name);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\n') {
            ag_buf_add_text(b, "\\n");
        } else {
            if (*p == '\\' || *p == '"') {
                ag_buf_add_char(b, '\\');
            }
            ag_buf_add_char(b, *p);
        }
    }
    ag_buf_add_char(b, '"');
}

/* One family that has one value. */
static void single(struct ag_buf *b, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    family(b, name, type, help);
    ag_buf_printf(b, "%s %" PRIu64 "\n", name, value);
}

static void by_label(struct ag_buf *b, const char *name, const char *key, const char *word,
                     uint64_t value)
{
    ag_buf_add_text(b, name);
    label(b, "{", key, word);
    ag_buf_printf(b, "} %" PRIu64 "\n", value);
}

/* Numbers by integers: a locale's decimal comma is none of ours. */
static void millionths(struct ag_buf *b, uint64_t us)
{
    ag_buf_printf(b, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

static void histogram(struct ag_buf *b, const char *name, const char *help,
                      const struct ag_histogram *h)
{
    uint64_t count = 0;
    family(b, name, "histogram", help);
    for (int i = 0; i < AG_HISTOGRAM_BOUNDS; i++) {
        int64_t us = ag_histogram_bounds_us[i];
        count += h->counts[i];
        ag_buf_printf(b, "%s_bucket{le=\"%" PRId64 ".%06" PRId64 "\"} %" PRIu64 "\n", name,
                      us / 1000000, us % 1000000, count);
    }
    count += h->counts[AG_HISTOGRAM_BOUNDS];
    ag_buf_printf(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum", name, count, name);
    millionths(b, h->sum_us);
    ag_buf_printf(b, "%s_count %" PRIu64 "\n", name, count);
}

/* ---- the families ---------------------------------------------------------------------------- */

static void print_process(const struct argo_daemon *d, struct ag_buf *b)
{
    family(b, "argo_build_info", "gauge", "1, with the version of the daemon.");
    ag_buf_add_text(b, "argo_build_info");
    label(b, "{", "version", ARGO_VERSION);
    label(b, ",", "binary_sha256", d->binary_sha256);
    ag_buf_add_text(b, "} 1\n");
    family(b, "process_start_time_seconds", "gauge", "When the daemon started, in Unix time.");
    ag_buf_add_text(b, "process_start_time_seconds");
    millionths(b, (uint64_t)d->started_ms * 1000);
}

static void print_runs(const struct argo_daemon *d, struct ag_buf *b)
{
    struct ag_domain_counts counts;
    const struct ag_domain_stats *stats = ag_domain_stats(d->domain);
    ag_domain_count(d->domain, &counts);
    family(b, "argo_runs", "gauge", "Runs that have not ended, by state.");
    for (int i = 0; i < AG_RUN_STATES; i++) {
        if (!ag_run_state_ended(i)) {
            by_label(b, "argo_runs", "state", ag_run_state_words[i], counts.states[i]);
        }
    }
    family(b, "argo_runs_ended_total", "counter", "Runs that have ended, by state.");
    for (int i = 0; i < AG_RUN_STATES; i++) {
        if (ag_run_state_ended(i)) {
            by_label(b, "argo_runs_ended_total", "state", ag_run_state_words[i], stats->ended[i]);
        }
    }
    single(b, "argo_runs_parked", "gauge", "Runs that wait without a process.", counts.parked);
    single(b, "argo_executors", "gauge", "Executors that run.", counts.processes);
    single(b, "argo_questions_open", "gauge", "Questions that wait for an answer.",
           counts.open_questions);
    histogram(b, "argo_launch_seconds",
              "From the commit of a launch to the first request of the executor.", &stats->launch);
    histogram(b, "argo_answer_seconds",
              "From the commit of an answer to the next request of the run's executor.",
              &stats->answer);
}

/* What a provider says it costs; a number that is none counts as little or as much as can be shown. */
static uint64_t micros_of(double usd)
{
    return usd >= 0 && usd < 1e12 ? (uint64_t)(usd * 1000000 + 0.5)
           : usd > 0              ? UINT64_C(1) << 60
                                  : 0;
}

static void print_usage(const struct argo_daemon *d, struct ag_buf *b)
{
    const ag_map *usage = ag_domain_stats(d->domain)->usage;
    const char *model = NULL;
    void *value = NULL;
    family(b, "argo_tokens_total", "counter", "Tokens that steps have used, by model.");
    for (size_t at = 0; ag_map_next(usage, &at, &model, &value);) {
        const struct ag_usage *sum = value;
        const int64_t numbers[] = {sum->input_tokens, sum->output_tokens};
        for (int i = 0; i < 2; i++) {
            ag_buf_add_text(b, "argo_tokens_total");
            label(b, "{", "model", model);
            label(b, ",", "direction", i == 0 ? "input" : "output");
            ag_buf_printf(b, "} %" PRId64 "\n", numbers[i]);
        }
    }
    family(b, "argo_cost_usd_total", "counter",
           "What steps have cost, by model, where it is known.");
    for (size_t at = 0; ag_map_next(usage, &at, &model, &value);) {
        ag_buf_add_text(b, "argo_cost_usd_total");
        label(b, "{", "model", model);
        ag_buf_add_char(b, '}');
        millionths(b, micros_of(((const struct ag_usage *)value)->cost_usd));
    }
}

static uint64_t file_size(const char *path, const char *suffix)
{
    struct stat st;
    ag_auto_free char *name = ag_asprintf("%s%s", path, suffix);
    return name != NULL && stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void print_store(const struct argo_daemon *d, struct ag_buf *b)
{
    struct ag_store_stats stats;
    ag_store_stats(d->store, &stats);
    family(b, "argo_store_bytes", "gauge", "Size of the database, by file.");
    by_label(b, "argo_store_bytes", "file", "db", file_size(d->home.db_path, ""));
    by_label(b, "argo_store_bytes", "file", "wal", file_size(d->home.db_path, "-wal"));
    single(b, "argo_store_failing", "gauge", "1 while the last commit has failed.",
           !ag_store_healthy(d->store));
    single(b, "argo_store_transactions_total", "counter", "Transactions that are durable.",
           stats.transactions);
    single(b, "argo_store_commits_total", "counter", "Commits, each of one or more transactions.",
           stats.groups);
    histogram(b, "argo_commit_seconds",
              "From handing a transaction to the writer until it is durable.", &stats.commit);
}

static void route_labels(const ag_metrics *m, struct ag_buf *b, const char *name, size_t i)
{
    static const char *const methods[] = {
        [AG_GET] = "GET", [AG_POST] = "POST", [AG_DELETE] = "DELETE"};
    ag_buf_add_text(b, name);
    label(b, "{", "method", i < m->n_routes ? methods[ag_daemon_routes[i].method] : "");
    label(b, ",", "route", i < m->n_routes ? ag_daemon_routes[i].pattern : "");
}

static uint64_t of_route(const struct route_count *count)
{
    uint64_t n = 0;
    for (int i = 0; i < CLASSES; i++) {
        n += count->by_class[i];
    }
    return n;
}

/* Routes that nobody has called are left out. */
static void print_requests(const ag_metrics *m, struct ag_buf *b)
{
    static const char *const classes[CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    family(b, "argo_http_requests_total", "counter", "Requests, by route and class of status.");
    for (size_t i = 0; i <= m->n_routes; i++) {
        for (int class = 0; class < CLASSES; class ++) {
            if (m->routes[i].by_class[class] > 0) {
                route_labels(m, b, "argo_http_requests_total", i);
                label(b, ",", "status", classes[class]);
                ag_buf_printf(b, "} %" PRIu64 "\n", m->routes[i].by_class[class]);
            }
        }
    }
    family(b, "argo_http_request_seconds", "summary", "How long requests took, waiting included.");
    for (size_t i = 0; i <= m->n_routes; i++) {
        uint64_t n = of_route(&m->routes[i]);
        if (n > 0) {
            route_labels(m, b, "argo_http_request_seconds_sum", i);
            ag_buf_add_char(b, '}');
            millionths(b, m->routes[i].us);
            route_labels(m, b, "argo_http_request_seconds_count", i);
            ag_buf_printf(b, "} %" PRIu64 "\n", n);
        }
    }
}

void ag_metrics_print(struct argo_daemon *daemon, struct ag_buf *out)
{
    print_process(daemon, out);
    print_runs(daemon, out);
    print_usage(daemon, out);
    print_store(daemon, out);
    print_requests(daemon->metrics, out);
    single(out, "argo_http_connections", "gauge", "Connections.",
           ag_httpd_connections(daemon->httpd));
    single(out, "argo_http_waiting", "gauge", "Requests that wait, streams included.",
           ag_httpd_waiting(daemon->httpd));
}
