/*
 * Replies into snapshots. What does not fit the tables comes from a daemon that is none, or that is
 * newer than it may be: ARGO_E_PROTOCOL.
 */
#include "client/snapshot.h"

#include "base/text.h"

struct ag_json_text {
    const ag_value *value;
    char *text;
    size_t len;
};

/* ---- JSON members ----------------------------------------------------------------------------- */

static int add_texts(struct ag_texts *texts, const struct ag_record *rec, const void *in,
                     argo_error **err)
{
    struct ag_json_text *items =
        reallocarray(texts->items, texts->n + rec->n_fields, sizeof(*items));
    if (items == NULL) {
        return ag_error_nomem(err);
    }
    texts->items = items;
    for (size_t i = 0; i < rec->n_fields; i++) {
        const struct ag_field *f = &rec->fields[i];
        if (f->type != AG_FIELD_VALUE && f->type != AG_FIELD_OBJECT && f->type != AG_FIELD_ARRAY) {
            continue;
        }
        const ag_value *value = *(ag_value *const *)(const void *)((const char *)in + f->offset);
        if (value != NULL) {
            struct ag_json_text *item = &texts->items[texts->n];
            item->value = value;
            item->text = ag_value_print(value, &item->len);
            if (item->text == NULL) {
                return ag_error_nomem(err);
            }
            texts->n++;
        }
    }
    return 0;
}

const char *ag_snapshot_json(const struct ag_texts *texts, const ag_value *value, size_t *len)
{
    const struct ag_json_text *found = NULL;
    for (size_t i = 0; texts != NULL && value != NULL && i < texts->n; i++) {
        found = texts->items[i].value == value ? &texts->items[i] : found;
    }
    if (len != NULL) {
        *len = found != NULL ? found->len : 0;
    }
    return found != NULL ? found->text : NULL;
}

/* ---- one snapshot ----------------------------------------------------------------------------- */

static void clear(const struct ag_snapshot_type *type, char *snapshot)
{
    struct ag_texts *texts = (void *)snapshot;
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i].text);
    }
    free(texts->items);
    ag_record_clear(type->record, snapshot + type->offset);
    if (type->more != NULL) {
        ag_record_clear(type->more, snapshot + type->more_offset);
    }
}

void ag_snapshot_free(const struct ag_snapshot_type *type, void *snapshot)
{
    if (snapshot != NULL) {
        clear(type, snapshot);
        free(snapshot);
    }
}

static int decode_record(const struct ag_record *rec, const ag_value *object, void *out,
                         argo_error **err)
{
    AG_AUTO(argo_error) why = NULL;
    int rc = ag_record_decode(rec, object, out, &why);
    if (rc == ARGO_E_NOMEM) {
        return ag_error_nomem(err);
    }
    return rc == 0 ? 0
                   : ag_error_set(err, ARGO_E_PROTOCOL, "the reply is not understood: %s",
                                  argo_error_details(why));
}

/* SNAPSHOT is all zero; it is to be cleared, also after a failure. */
static int decode(const struct ag_snapshot_type *type, const ag_value *object, char *snapshot,
                  argo_error **err)
{
    struct ag_texts *texts = (void *)snapshot;
    void *out = snapshot + type->offset;
    int rc = decode_record(type->record, object, out, err);
    rc = rc < 0 ? rc : add_texts(texts, type->record, out, err);
    if (rc == 0 && type->more != NULL) {
        out = snapshot + type->more_offset;
        rc = decode_record(type->more, object, out, err);
        rc = rc < 0 ? rc : add_texts(texts, type->more, out, err);
    }
    return rc;
}

static int read_one(struct ag_ask *ask, const ag_value *object, argo_error **err)
{
    if (ask->out == NULL) {
        return 0;
    }
    char *snapshot = calloc(1, ask->type->size);
    if (snapshot == NULL) {
        return ag_error_nomem(err);
    }
    int rc = decode(ask->type, object, snapshot, err);
    if (rc < 0) {
        ag_snapshot_free(ask->type, snapshot);
        return rc;
    }
    memcpy(ask->out, &snapshot, sizeof(snapshot));
    return 0;
}

int ag_read_data(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    return read_one(ask, ag_value_get(reply, "data"), err);
}

int ag_read_flat(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    return read_one(ask, reply, err);
}

/* ---- lists ------------------------------------------------------------------------------------ */

void ag_snapshots_free(struct ag_snapshots *list)
{
    if (list != NULL) {
        for (size_t i = 0; i < list->n; i++) {
            clear(list->type, list->items + i * list->type->size);
        }
        free(list->items);
        ag_record_clear(&ag_page_record, &list->page);
        free(list);
    }
}

const void *ag_snapshots_at(const struct ag_snapshots *list, size_t index)
{
    return index < list->n ? list->items + index * list->type->size : NULL;
}

static int decode_items(struct ag_snapshots *list, const ag_value *items, argo_error **err)
{
    size_t n = ag_value_size(items);
    list->items = calloc(n > 0 ? n : 1, list->type->size);
    if (list->items == NULL) {
        return ag_error_nomem(err);
    }
    for (int rc = 0; list->n < n;) {
        char *item = list->items + list->n * list->type->size;
        rc = decode(list->type, ag_value_at(items, list->n++), item, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int ag_snapshots_decode(const struct ag_snapshot_type *type, const ag_value *reply,
                        struct ag_snapshots **out, argo_error **err)
{
    struct ag_snapshots *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        return ag_error_nomem(err);
    }
    list->type = type;
    int rc = decode_record(&ag_page_record, ag_value_get(reply, "data"), &list->page, err);
    const ag_value *items = list->page.records;
    if (items == NULL) {
        items = ag_value_get(reply, type->record->plural);
    }
    if (rc == 0 && !ag_value_is(items, ARGO_TYPE_ARRAY)) {
        rc = ag_error_set(err, ARGO_E_PROTOCOL, "the reply is not understood: expected %s",
                          type->record->plural);
    }
    rc = rc < 0 ? rc : decode_items(list, items, err);
    if (rc < 0) {
        ag_snapshots_free(list);
        return rc;
    }
    *out = list;
    return 0;
}

int ag_read_list(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    struct ag_snapshots *list = NULL;
    int rc = ag_snapshots_decode(ask->type, reply, &list, err);
    if (rc == 0) {
        memcpy(ask->out, &list, sizeof(void *));
    }
    return rc;
}
