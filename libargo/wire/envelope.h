/*
 * The shape of every reply: flat fields first, then `data`; errors as one object.
 */
#ifndef AG_WIRE_ENVELOPE_H
#define AG_WIRE_ENVELOPE_H

#include "wire/value.h"

/* {"status":"success"} as an object to add flat fields to. */
ag_value *ag_envelope_success(void);
/* Adds "data":DATA as the last member (takes it over; NULL: an empty object). */
int ag_envelope_finish(ag_value *reply, ag_value *data);

/* The same as text: begin, the flat fields, data, its members, end. */
void ag_envelope_write_success(struct ag_buf *out);
void ag_envelope_write_data(struct ag_buf *out);
void ag_envelope_write_end(struct ag_buf *out);

/* {"status":"error","error":{code,message,details,field?,problems?}} */
ag_value *ag_envelope_error(const argo_error *error);
/* The same as RFC 9457 problem+json. */
ag_value *ag_envelope_problem(const argo_error *error);
/* Reads an error reply back. A reply that is none gives ARGO_E_PROTOCOL with the HTTP status. */
int ag_envelope_read_error(const char *text, size_t len, int http_status, argo_error **err);

#endif
