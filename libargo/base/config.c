/*
 * The settings: one table of what there is, and reading it from everywhere in order of precedence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argo/config.h>

#include "base/buf.h"
#include "base/dotenv.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"

enum kind { NUMBER, SWITCH, LEVEL, NAME, TEXT };

struct known {
    const char *key;
    enum kind kind;
    int64_t min, max;    /* of a NUMBER */
    bool anywhere;       /* a file in the current directory may set it, trusted or not */
    const char *builtin; /* or NULL */
    const char *option;  /* of argo-daemon, or NULL */
    const char *help;
};

static const struct known table[] = {
    {"ARGO_DAEMON_PORT", NUMBER, 0, UINT16_MAX, true, "9876", "port",
     "the daemon's port on 127.0.0.1; 0: any (unset: 9876, or any when that is taken)"},
    {"ARGO_DAEMON_URL", TEXT, 0, 0, false, NULL, NULL,
     "the daemon that arc talks to: unix:PATH or http://127.0.0.1:PORT"},
    {"ARGO_DEFAULT_PROVIDER", NAME, 0, 0, true, NULL, NULL,
     "the CI of steps for which step, template and registry name none"},
    {"ARGO_DEFAULT_MODEL", TEXT, 0, 0, true, NULL, NULL,
     "the model of steps for which step, template and CI name none"},
    {"ARGO_NO_TCP", SWITCH, 0, 0, false, "0", "no-tcp", "1: the daemon listens on its socket only"},
    {"ARGO_PARK_AFTER", NUMBER, 0, 86400, false, "10", "park-after",
     "seconds after which a process that waits for a person ends"},
    {"ARGO_STALL_AFTER", NUMBER, 0, 86400, false, "120", "stall-after",
     "seconds of silence after which a run is shown as stalled"},
    {"ARGO_HEARTBEAT", NUMBER, 0, 86400, false, "30", "heartbeat",
     "seconds between heartbeats of a CI that sends some"},
    {"ARGO_HEARTBEAT_MISSES", NUMBER, 0, 1000, false, "3", "heartbeat-misses",
     "so many missing heartbeats make a CI error, as many again stopped"},
    {"ARGO_WARM_FOR", NUMBER, 0, 86400, false, "60", "warm-for",
     "seconds that a process to fork executors from is kept after the last one; 0: none"},
    {"ARGO_OUTPUT_MAX", NUMBER, 2097152, INT32_MAX, false, "67108864", "output-max",
     "bytes of a run's output that are kept, the rest goes to its log"},
    {"ARGO_LOG_LEVEL", LEVEL, 0, 0, false, "info", "log-level",
     "what the daemon logs: error, warning, info or debug"},
};

enum { N_SETTINGS = AG_ARRAY_SIZE(table) };

struct argo_config {
    struct argo_setting settings[N_SETTINGS];
    char *values[N_SETTINGS], *sources[N_SETTINGS]; /* those that are ours */
};

static int find_known(const char *key, const char *place, size_t *out, argo_error **err)
{
    const char *words[N_SETTINGS];
    for (size_t i = 0; i < N_SETTINGS; i++) {
        if (strcmp(table[i].key, key) == 0) {
            *out = i;
            return 0;
        }
        words[i] = table[i].key;
    }
    const char *nearest = ag_nearest_word(key, words, N_SETTINGS);
    return ag_error_field(err, ARGO_E_INVALID, key, "%s: there is no setting '%s'%s%s%s", place,
                          key, nearest == NULL ? "; see: arc config" : "; did you mean '",
                          nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static int bad(const struct known *k, const char *value, const char *place, const char *expected,
               argo_error **err)
{
    return ag_error_field(err, ARGO_E_INVALID, k->key, "%s: %s is '%s', expected %s", place, k->key,
                          value, expected);
}

static int check_value(const struct known *k, const char *value, const char *place,
                       argo_error **err)
{
    int64_t n = 0;
    char expected[96];
    enum argo_log_level level;
    if (!ag_utf8_valid(value, strlen(value))) {
        return bad(k, "?", place, "text in UTF-8", err);
    }
    switch (k->kind) {
    case NUMBER:
        snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)k->min,
                 (long long)k->max);
        return ag_parse_i64(value, k->key, k->min, k->max, &n, NULL) == 0
                   ? 0
                   : bad(k, value, place, expected, err);
    case SWITCH:
        return strcmp(value, "0") == 0 || strcmp(value, "1") == 0
                   ? 0
                   : bad(k, value, place, "0 or 1", err);
    case LEVEL:
        return argo_log_level_parse(value, &level, NULL) == 0
                   ? 0
                   : bad(k, value, place, "error, warning, info or debug", err);
    case NAME:
        return ag_id_valid(value) ? 0 : bad(k, value, place, "the name of a CI", err);
    case TEXT:
        return value[strcspn(value, "\r\n")] == '\0' ? 0 : bad(k, value, place, "one line", err);
    }
    return 0;
}

/* Above what has been set so far. */
static int take(struct argo_config *c, size_t i, const char *value, const char *source,
                argo_error **err)
{
    ag_auto_free char *own = ag_strdup(value);
    ag_auto_free char *from = ag_strdup(source);
    if (own == NULL || from == NULL) {
        return ag_error_nomem(err);
    }
    free(c->values[i]);
    free(c->sources[i]);
    c->settings[i].value = c->values[i] = ag_take(own);
    c->settings[i].source = c->sources[i] = ag_take(from);
    c->settings[i].given = 1;
    return 0;
}

/* ---- files -------------------------------------------------------------------------------------- */

struct reading {
    struct argo_config *config;
    const char *path;
    bool free_only; /* the file is of a directory, and not trusted */
    enum ag_trust trust;
    bool seen[N_SETTINGS];
};

static int take_line(const char *key, const char *value, unsigned line, void *user,
                     argo_error **err)
{
    struct reading *r = user;
    size_t i = 0;
    ag_auto_free char *place = ag_asprintf("%s:%u", r->path, line);
    if (place == NULL) {
        return ag_error_nomem(err);
    }
    int rc = find_known(key, place, &i, err);
    if (rc == 0 && r->seen[i]) {
        rc = ag_error_field(err, ARGO_E_INVALID, key, "%s: %s is set a second time", place, key);
    }
    if (rc == 0 && r->free_only && !table[i].anywhere) {
        return ag_error_field(
            err, ARGO_E_UNTRUSTED, key,
            "%s: %s may be set here by a trusted file only%s; look at it, then: "
            "arc config trust %s",
            place, key, r->trust == AG_TRUST_CHANGED ? ", and this one has changed since" : "",
            r->path);
    }
    if (rc == 0 && *value != '\0') {
        rc = check_value(&table[i], value, place, err);
        rc = rc < 0 || r->config == NULL ? rc : take(r->config, i, value, place, err);
    }
    if (rc == 0) {
        r->seen[i] = true;
    }
    return rc;
}

static int read_directory_file(struct argo_config *c, const char *home, const char *directory,
                               const char *name, argo_error **err)
{
    size_t len = 0;
    ag_auto_free char *text = NULL;
    ag_auto_free char *given = ag_path_join(directory, name);
    if (given == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(given)) {
        return 0;
    }
    ag_auto_free char *path = realpath(given, NULL);
    struct reading r = {.config = c, .path = path == NULL ? given : path, .free_only = true};
    int rc = ag_file_read(r.path, AG_DOTENV_MAX, &text, &len, err);
    if (rc == 0 && strlen(text) != len) {
        rc = ag_error_set(err, ARGO_E_INVALID, "%s: expected text, without NUL bytes", r.path);
    }
    if (rc == 0) {
        rc = ag_trust_look(home, r.path, text, len, &r.trust, err);
    }
    r.free_only = r.trust != AG_TRUST_GIVEN;
    return rc < 0 ? rc : ag_dotenv_parse(r.path, text, take_line, &r, err);
}

/* *TEXT stays NULL when there is no such file. */
static int read_home_file(const char *home, char **path, char **text, argo_error **err)
{
    *path = ag_path_join(home, "config");
    if (*path == NULL) {
        return ag_error_nomem(err);
    }
    return ag_file_exists(*path) ? ag_file_read_private(*path, AG_DOTENV_MAX, text, err) : 0;
}

static int read_home(struct argo_config *c, const char *home, argo_error **err)
{
    ag_auto_free char *path = NULL;
    ag_auto_free char *text = NULL;
    int rc = read_home_file(home, &path, &text, err);
    struct reading r = {.config = c, .path = path};
    return rc < 0 || text == NULL ? rc : ag_dotenv_parse(path, text, take_line, &r, err);
}

static int read_environment(struct argo_config *c, argo_error **err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < N_SETTINGS; i++) {
        const char *value = getenv(table[i].key);
        if (value != NULL && *value != '\0') {
            rc = check_value(&table[i], value, "environment", err);
            rc = rc < 0 ? rc : take(c, i, value, "environment", err);
        }
    }
    return rc;
}

/* ---- the object --------------------------------------------------------------------------------- */

int argo_config_new(const argo_context *ctx, const char *directory, argo_config **out,
                    argo_error **err)
{
    if (ctx == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_config_new: expected a context and OUT");
    }
    const char *home = argo_context_home(ctx);
    struct argo_config *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ag_error_nomem(err);
    }
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const struct known *k = &table[i];
        c->settings[i] =
            (struct argo_setting){k->key, k->builtin, "built-in", 0, k->option, k->help};
    }
    int rc = read_home(c, home, err);
    if (rc == 0 && directory != NULL) {
        rc = read_directory_file(c, home, directory, ".env.argo", err);
        rc = rc < 0 ? rc : read_directory_file(c, home, directory, ".env.argo.local", err);
    }
    rc = rc < 0 ? rc : read_environment(c, err);
    if (rc < 0) {
        argo_config_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void argo_config_free(argo_config *config)
{
    for (size_t i = 0; config != NULL && i < N_SETTINGS; i++) {
        free(config->values[i]);
        free(config->sources[i]);
    }
    free(config);
}

int argo_config_set(argo_config *config, const char *key, const char *value, argo_error **err)
{
    size_t i = 0;
    if (config == NULL || key == NULL || value == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_config_set: expected a key and a value");
    }
    int rc = find_known(key, "command line", &i, err);
    rc = rc < 0 ? rc : check_value(&table[i], value, "command line", err);
    return rc < 0 ? rc : take(config, i, value, "command line", err);
}

const char *argo_config_get(const argo_config *config, const char *key)
{
    for (size_t i = 0; config != NULL && key != NULL && i < N_SETTINGS; i++) {
        if (strcmp(table[i].key, key) == 0) {
            return config->settings[i].value;
        }
    }
    return NULL;
}

const struct argo_setting *argo_config_at(const argo_config *config, size_t index)
{
    return config != NULL && index < N_SETTINGS ? &config->settings[index] : NULL;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Whether a line, right or wrong, is about KEY. */
static bool is_about(const char *line, size_t len, const char *key)
{
    static const char blanks[] = " \t\r";
    static const char shell[] = "export ";
    const char *end = line + len;
    line += strspn(line, blanks);
    line += ag_starts_with(line, shell) ? strlen(shell) : 0;
    if (!ag_starts_with(line, key)) {
        return false;
    }
    line += strlen(key);
    line += strspn(line, blanks);
    return line < end && *line == '=';
}

/* TEXT with the first line about KEY (none: a new last one) as KEY=QUOTED, without the others; QUOTED
 * NULL: without all of them. How many there were. */
static size_t edit(const char *text, const char *key, const char *quoted, struct ag_buf *out)
{
    size_t found = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (!is_about(text, len, key)) {
            ag_buf_add(out, text, len);
            ag_buf_add_char(out, '\n');
        } else if (found++ == 0 && quoted != NULL) {
            ag_buf_printf(out, "%s=%s\n", key, quoted);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
    if (found == 0 && quoted != NULL) {
        ag_buf_printf(out, "%s=%s\n", key, quoted);
    }
    return found;
}

/* What is wrong in other lines stays, and is told by whoever reads them. */
static int write_home(const char *home, const char *key, const char *value, argo_error **err)
{
    size_t i = 0;
    ag_auto_free char *path = NULL;
    ag_auto_free char *text = NULL;
    ag_auto_free char *quoted = value == NULL ? NULL : ag_dotenv_quote(value);
    ag_auto_buf lines = AG_BUF_INIT(AG_DOTENV_MAX);
    ag_auto_close int lock = -1; /* who reads it meanwhile would write over what we do */
    if (value != NULL && quoted == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_dir_private(home, err);
    rc = rc < 0 ? rc : ag_dir_lock(home, &lock, err);
    rc = rc < 0 ? rc : read_home_file(home, &path, &text, err);
    if (rc < 0) {
        return rc;
    }
    if (edit(text == NULL ? "" : text, key, quoted, &lines) == 0 && value == NULL) {
        return find_known(key, "command line", &i, err);
    }
    rc = ag_buf_check(&lines, path, err);
    return rc < 0 ? rc : ag_file_write(path, ag_buf_text(&lines), lines.len, 0600, err);
}

int argo_config_store(const argo_context *ctx, const char *key, const char *value, argo_error **err)
{
    size_t i = 0;
    if (ctx == NULL || key == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_config_store: expected a context and a key");
    }
    int rc = value == NULL ? 0 : find_known(key, "command line", &i, err);
    if (rc == 0 && value != NULL) {
        rc = *value == '\0' ? bad(&table[i], value, "command line", "a value", err)
                            : check_value(&table[i], value, "command line", err);
    }
    return rc < 0 ? rc : write_home(argo_context_home(ctx), key, value, err);
}
