/*
 * Recordings: a directory with recording.json {"origin","label"} and one file per exchange,
 * HASH.json {"origin"?,"request","reply":{"chunks":[...] or "text","usage","finish_reason"}}.
 * HASH is the SHA-256 of the canonical request as sorted compact JSON.
 */
#ifndef AG_PROVIDER_RECORDING_H
#define AG_PROVIDER_RECORDING_H

#include "base/crypto.h"
#include "wire/value.h"

/* The name of REQUEST's file without ".json". */
int ag_recording_hash(const ag_value *request, char out[AG_SHA256_HEX], argo_error **err);
/* The reply recorded for HASH in DIR: {"chunks":[...],"usage"?,"finish_reason"?}, and the label to
 * show with its words; the caller owns both. ARGO_E_PROVIDER when there is none or it is broken. */
int ag_recording_read(const char *dir, const char *hash, ag_value **reply, char **label,
                      argo_error **err);
/* Writes an exchange (and recording.json if there is none) with ORIGIN, "recorded from ...". */
int ag_recording_write(const char *dir, const ag_value *request, const ag_value *reply,
                       const char *origin, argo_error **err);

#endif
