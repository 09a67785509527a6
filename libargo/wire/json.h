/*
 * JSON written straight into a buffer, compact and in the order of the calls.
 *
 * A comma is set where one is due: after whatever is no opening bracket, colon or blank. Nothing
 * else is checked: who opens closes, and in an object a key comes before each value. Failures stay
 * in the buffer (buf.h).
 */
#ifndef AG_WIRE_JSON_H
#define AG_WIRE_JSON_H

#include "base/buf.h"
#include "wire/value.h"

void ag_json_open(struct ag_buf *out, char bracket);
void ag_json_close(struct ag_buf *out, char bracket);
void ag_json_key(struct ag_buf *out, const char *key); /* plain ASCII without quotes */
/* NULL gives null; invalid bytes become U+FFFD. */
void ag_json_text(struct ag_buf *out, const char *text);
void ag_json_int(struct ag_buf *out, int64_t n);
void ag_json_bool(struct ag_buf *out, bool yes);
/* What has been written elsewhere: values, or nothing. */
void ag_json_written(struct ag_buf *out, const struct ag_buf *values);
void ag_json_value(struct ag_buf *out, const ag_value *v); /* NULL gives null */

#endif
