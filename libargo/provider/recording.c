/*
 * Reading and writing recorded exchanges. Files are replaced atomically and never changed in
 * place; what was not recorded is an error and never made up.
 */
#include "provider/recording.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define FILE_MAX ((size_t)32 * 1024 * 1024)

int ag_recording_hash(const ag_value *request, char out[AG_SHA256_HEX], argo_error **err)
{
    size_t len;
    ag_auto_free char *text = ag_value_print_sorted(request, &len);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    ag_sha256_hex(text, len, out);
    return 0;
}

static int read_object(const char *path, ag_value **out, argo_error **err)
{
    ag_auto_free char *text = NULL;
    size_t len;
    AG_AUTO(argo_error) why = NULL;
    int rc = ag_file_read(path, FILE_MAX, &text, &len, &why);
    rc = rc < 0 ? rc : ag_value_parse_object(text, len, out, &why);
    return rc < 0 ? ag_error_set(err, ARGO_E_PROVIDER, "%s: %s", path, argo_error_details(why)) : 0;
}

static bool one_line(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "\r\n") == NULL;
}

/* The exchange's own origin, else the directory's label, else its origin. */
static int read_label(const char *dir, const ag_value *exchange, char **out, argo_error **err)
{
    ag_auto_free char *path = ag_path_join(dir, "recording.json");
    AG_AUTO(ag_value) about = NULL;
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    int rc = read_object(path, &about, err);
    if (rc < 0) {
        return rc;
    }
    const char *own = ag_value_get_text(exchange, "origin", NULL);
    const char *label = own == NULL ? ag_value_get_text(about, "label", NULL) : NULL;
    const char *origin = own != NULL ? own : ag_value_get_text(about, "origin", "");
    if (!one_line(label != NULL ? label : origin)) {
        return ag_error_set(err, ARGO_E_PROVIDER, "%s: expected 'origin' or 'label' of one line",
                            path);
    }
    *out = label != NULL ? ag_strdup(label) : ag_asprintf("replay: %s", origin);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

static bool all_text(const ag_value *array)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(array, &it)) {
        if (!ag_value_is(it.value, ARGO_TYPE_TEXT)) {
            return false;
        }
    }
    return ag_value_is(array, ARGO_TYPE_ARRAY);
}

/* The reply with its words as chunks, however the file has them. */
static int read_reply(const char *path, const ag_value *exchange, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) reply = ag_value_copy(ag_value_get(exchange, "reply"));
    const ag_value *text = ag_value_get(reply, "text");
    if (ag_value_get(reply, "chunks") == NULL && ag_value_is(text, ARGO_TYPE_TEXT)) {
        AG_AUTO(ag_value) chunks = ag_value_array();
        int rc = ag_value_append(chunks, ag_value_ref(text));
        rc = rc < 0 ? rc : ag_value_set(reply, "chunks", ag_take(chunks));
        if (rc < 0) {
            return ag_error_nomem(err);
        }
    }
    if (!all_text(ag_value_get(reply, "chunks"))) {
        return ag_error_set(err, ARGO_E_PROVIDER,
                            "%s: expected 'reply' with 'text' or with 'chunks', an array of text",
                            path);
    }
    *out = ag_take(reply);
    return 0;
}

int ag_recording_read(const char *dir, const char *hash, ag_value **reply, char **label,
                      argo_error **err)
{
    ag_auto_free char *path = ag_asprintf("%s/%s.json", dir, hash);
    AG_AUTO(ag_value) exchange = NULL;
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(path)) {
        return ag_error_set(err, ARGO_E_PROVIDER,
                            "no recorded reply to this request: expected %s.json in %s", hash, dir);
    }
    AG_AUTO(ag_value) found = NULL;
    int rc = read_object(path, &exchange, err);
    rc = rc < 0 ? rc : read_reply(path, exchange, &found, err);
    rc = rc < 0 ? rc : read_label(dir, exchange, label, err);
    if (rc == 0) {
        *reply = ag_take(found);
    }
    return rc;
}

static int write_object(const char *path, const ag_value *object, argo_error **err)
{
    ag_auto_buf text = AG_BUF_INIT(FILE_MAX);
    ag_auto_free char *json = ag_value_print_indented(object, 2);
    if (json == NULL) {
        return ag_error_nomem(err);
    }
    ag_buf_add_text(&text, json);
    ag_buf_add_char(&text, '\n');
    int rc = ag_buf_check(&text, path, err);
    rc = rc < 0 ? rc : ag_dir_parents(path, err);
    return rc < 0 ? rc : ag_file_write(path, text.data, text.len, 0600, err);
}

/* Says what the directory is, the first time that something is recorded into it. */
static int write_about(const char *dir, const char *origin, argo_error **err)
{
    ag_auto_free char *path = ag_path_join(dir, "recording.json");
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (ag_file_exists(path)) {
        return 0;
    }
    AG_AUTO(ag_value) about = ag_value_object();
    int rc = ag_value_set(about, "origin", ag_value_text_sane(origin, strlen(origin)));
    return rc < 0 ? ag_error_nomem(err) : write_object(path, about, err);
}

int ag_recording_write(const char *dir, const ag_value *request, const ag_value *reply,
                       const char *origin, argo_error **err)
{
    char hash[AG_SHA256_HEX];
    int rc = ag_recording_hash(request, hash, err);
    if (rc < 0) {
        return rc;
    }
    AG_AUTO(ag_value) exchange = ag_value_object();
    ag_auto_free char *path = ag_asprintf("%s/%s.json", dir, hash);
    rc = ag_value_set(exchange, "origin", ag_value_text_sane(origin, strlen(origin)));
    rc = rc < 0 ? rc : ag_value_set(exchange, "request", ag_value_ref(request));
    rc = rc < 0 ? rc : ag_value_set(exchange, "reply", ag_value_ref(reply));
    if (rc < 0 || path == NULL) {
        return ag_error_nomem(err);
    }
    rc = write_about(dir, origin, err);
    return rc < 0 ? rc : write_object(path, exchange, err);
}
