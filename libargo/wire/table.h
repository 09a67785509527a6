/*
 * How the tables of records.c and replies.c are written. Nobody else includes this.
 */
#ifndef AG_WIRE_TABLE_H
#define AG_WIRE_TABLE_H

#include "wire/field.h"

#define FIELDS(table) .fields = (table), .n_fields = AG_ARRAY_SIZE(table)
#define RECORD(id, text, owner, table) \
    const struct ag_record id = {.name = (text), .size = sizeof(owner), FIELDS(table)}
/* One that is listed, under the key MANY. */
#define LISTED(id, text, many, owner, table) \
    const struct ag_record id = {            \
        .name = (text), .plural = (many), .size = sizeof(owner), FIELDS(table)}
#define AT(owner, member) .offset = offsetof(owner, member)
#define TEXT(owner, key_, member, max_, flags_)                                                   \
    {                                                                                             \
        .key = (key_), .type = AG_FIELD_TEXT, AT(owner, member), .max = (max_), .flags = (flags_) \
    }
#define ID(owner, key_, member, flags_)                                          \
    {                                                                            \
        .key = (key_), .type = AG_FIELD_ID, AT(owner, member), .flags = (flags_) \
    }
#define INT(owner, key_, member, min_, max_, flags_)                                          \
    {                                                                                         \
        .key = (key_), .type = AG_FIELD_INT, AT(owner, member), .min = (min_), .max = (max_), \
        .flags = (flags_)                                                                     \
    }
#define BOOL(owner, key_, member, flags_)                                          \
    {                                                                              \
        .key = (key_), .type = AG_FIELD_BOOL, AT(owner, member), .flags = (flags_) \
    }
#define VALUE(owner, key_, member, flags_)                                             \
    {                                                                                  \
        .key = (key_), .type = AG_FIELD_VALUE, AT(owner, member), .max = AG_MAX_VALUE, \
        .flags = (flags_)                                                              \
    }
#define OBJECT(owner, key_, member, flags_)                                                 \
    {                                                                                       \
        .key = (key_), .type = AG_FIELD_OBJECT, AT(owner, member), .max = AG_MAX_VARIABLES, \
        .flags = (flags_)                                                                   \
    }
#define ARRAY(owner, key_, member, max_, flags_)                                                   \
    {                                                                                              \
        .key = (key_), .type = AG_FIELD_ARRAY, AT(owner, member), .max = (max_), .flags = (flags_) \
    }
#define TIME(owner, key_, member, flags_)                                          \
    {                                                                              \
        .key = (key_), .type = AG_FIELD_TIME, AT(owner, member), .flags = (flags_) \
    }
#define ENUM(owner, key_, member, words_, flags_)                                   \
    {                                                                               \
        .key = (key_), .type = AG_FIELD_ENUM, AT(owner, member), .words = (words_), \
        .flags = (flags_)                                                           \
    }
#define LIST(owner, key_, member, sub_, max_, flags_)                                          \
    {                                                                                          \
        .key = (key_), .type = AG_FIELD_LIST, AT(owner, member), .sub = (sub_), .max = (max_), \
        .flags = (flags_)                                                                      \
    }
/* An optional sub-object is a list of at most one that is an object on the wire: min -1. */
#define SUB(owner, key_, member, sub_)                                                     \
    {                                                                                      \
        .key = (key_), .type = AG_FIELD_LIST, AT(owner, member), .sub = (sub_), .min = -1, \
        .max = 1, .flags = AG_OMIT_EMPTY                                                   \
    }

#define COUNT_MAX INT64_MAX

#endif
