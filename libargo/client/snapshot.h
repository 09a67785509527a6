/*
 * Snapshots: what replies say, decoded by the tables of wire/records.h into objects that the caller
 * owns. One decoder serves all nouns; a noun has a struct, a type, and getters made by the macros
 * below, which are one line each.
 */
#ifndef AG_CLIENT_SNAPSHOT_H
#define AG_CLIENT_SNAPSHOT_H

#include "client/ask.h"

/* The JSON members of a snapshot as text, made when it is decoded. */
struct ag_texts {
    struct ag_json_text *items;
    size_t n;
};

/* A snapshot begins with its struct ag_texts. */
struct ag_snapshot_type {
    size_t size;
    const struct ag_record *record; /* what is decoded, at OFFSET */
    size_t offset;
    const struct ag_record *more; /* and from the same object, or NULL */
    size_t more_offset;
};

/* A list of them, and what its page says. */
struct ag_snapshots {
    const struct ag_snapshot_type *type;
    char *items;
    size_t n;
    struct ag_page page;
};

/* For struct ag_ask: a snapshot of `data`, or of the reply itself; a list. */
int ag_read_data(struct ag_ask *ask, const ag_value *reply, argo_error **err);
int ag_read_flat(struct ag_ask *ask, const ag_value *reply, argo_error **err);
int ag_read_list(struct ag_ask *ask, const ag_value *reply, argo_error **err);

int ag_snapshots_decode(const struct ag_snapshot_type *type, const ag_value *reply,
                        struct ag_snapshots **out, argo_error **err);
/* Both take NULL. */
void ag_snapshot_free(const struct ag_snapshot_type *type, void *snapshot);
void ag_snapshots_free(struct ag_snapshots *list);

const void *ag_snapshots_at(const struct ag_snapshots *list, size_t index);
/* The text of a JSON member, which VALUE is. */
const char *ag_snapshot_json(const struct ag_texts *texts, const ag_value *value, size_t *len);

#define AG_GET_TEXT(noun, name, member)                        \
    const char *argo_##noun##_##name(const argo_##noun *noun)  \
    {                                                          \
        const char *text = noun != NULL ? noun->member : NULL; \
        return text != NULL ? text : "";                       \
    }

#define AG_GET(kind, noun, name, member)               \
    kind argo_##noun##_##name(const argo_##noun *noun) \
    {                                                  \
        return noun != NULL ? noun->member : 0;        \
    }

#define AG_GET_JSON(noun, name, member)                                    \
    const char *argo_##noun##_##name(const argo_##noun *noun, size_t *len) \
    {                                                                      \
        return ag_snapshot_json(noun != NULL ? &noun->texts : NULL,        \
                                noun != NULL ? noun->member : NULL, len);  \
    }

/* argo_NOUNs: what every list has. */
#define AG_LIST_OF(noun)                                                           \
    struct argo_##noun##s {                                                        \
        struct ag_snapshots all;                                                   \
    };                                                                             \
    size_t argo_##noun##s_count(const argo_##noun##s *list)                        \
    {                                                                              \
        return list != NULL ? list->all.n : 0;                                     \
    }                                                                              \
    const argo_##noun *argo_##noun##s_at(const argo_##noun##s *list, size_t index) \
    {                                                                              \
        return list != NULL ? ag_snapshots_at(&list->all, index) : NULL;           \
    }                                                                              \
    void argo_##noun##s_free(argo_##noun##s *list)                                 \
    {                                                                              \
        ag_snapshots_free(list != NULL ? &list->all : NULL);                       \
    }

/* Of parts of a sequence. */
#define AG_LIST_AFTER(noun)                                       \
    int64_t argo_##noun##s_next_after(const argo_##noun##s *list) \
    {                                                             \
        return list != NULL ? list->all.page.next_after : 0;      \
    }

/* Of lists that come in pages. */
#define AG_LIST_CURSOR(noun)                                           \
    const char *argo_##noun##s_next_cursor(const argo_##noun##s *list) \
    {                                                                  \
        return list != NULL ? list->all.page.next_cursor : NULL;       \
    }

#endif
