/*
 * The tables and how they come to be: numbered migrations, applied in one transaction.
 */
#ifndef AG_STORE_SCHEMA_H
#define AG_STORE_SCHEMA_H

#include "store/driver.h"

/* The statements that lead from one version to the next; NULL-terminated. */
struct ag_migration {
    const char *const *ddl;
};

extern const struct ag_migration ag_migrations[];
extern const int ag_schema_version; /* how many there are */

/* Brings DB from whatever version it has to N, the length of LIST. A newer one, or a database
 * that is none of ours, is ARGO_E_STATE and left as it is. PLACE is for the error texts. */
int ag_schema_migrate(struct ag_db *db, const char *place, const struct ag_migration *list, int n,
                      argo_error **err);
/* The version that DB says it has; 0 for an empty one. */
int ag_schema_read_version(struct ag_db *db, const char *place, int64_t *out, argo_error **err);

/* The error of a PLACE whose VERSION is above N. */
int ag_schema_newer(const char *place, int64_t version, int n, argo_error **err);

#endif
