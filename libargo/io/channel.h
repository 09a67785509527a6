/*
 * The inner face of a run's channel: output as records, input as records. What a host sees of a
 * channel is <argo/io_channel.h>; this is for those that run workflows on a loop of their own.
 *
 * A channel made here lives on the caller's loop, which drives it. No callback may free it.
 */
#ifndef AG_IO_CHANNEL_H
#define AG_IO_CHANNEL_H

#include <argo/io_channel.h>

#include "base/loop.h"
#include "wire/records.h"

typedef struct ag_outbox ag_outbox; /* io/outbox.h */

/* Above this many bytes queued a writer of records stops reading its source until `drained`,
 * which is called at half of it. */
#define AG_CHANNEL_HIGH ((size_t)ARGO_IO_BUFFER_MAX)

struct ag_channel_events {
    void (*input)(const struct ag_stream_record *record, void *user); /* lines and answers */
    void (*drained)(void *user);
};

/* From now on input comes to EVENTS, and to no read. */
void ag_channel_set_events(argo_io_channel *ch, const struct ag_channel_events *events, void *user);

/* Queues output, which is never refused; returns how many bytes are queued. Over HTTP a record
 * stays one; elsewhere only its text goes out. */
size_t ag_channel_write_record(argo_io_channel *ch, const struct ag_output_record *record);

/* Input that has come to the run by another way than the channel's own. */
void ag_channel_deliver(argo_io_channel *ch, const struct ag_stream_record *record);

/* LOOP NULL: a private one, which the calls of the public face drive. */
int ag_channel_new_fd(ag_loop *loop, int fd, argo_io_channel **out, argo_error **err);
int ag_channel_new_null(ag_loop *loop, argo_io_channel **out, argo_error **err);

/* The run's own channel over its daemon. What is written goes through OUTBOX, in order with all
 * else that is there; input is delivered by the caller. */
int ag_channel_new_outbox(argo_context *ctx, ag_loop *loop, ag_outbox *outbox,
                          const char *workflow_id, argo_io_channel **out, argo_error **err);

#endif
