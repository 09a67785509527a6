/*
 * The field tables of what replies say beside the records of records.c: as a client reads them.
 */
#include "wire/records.h"
#include "wire/table.h"

static const struct ag_field acted_fields[] = {
    ID(struct ag_acted, "workflow_id", workflow_id, 0),
    TEXT(struct ag_acted, "action", action, AG_MAX_NAME, AG_OMIT_EMPTY),
    VALUE(struct ag_acted, "error", error, AG_OMIT_EMPTY),
};
LISTED(ag_acted_record, "outcome", "workflows", struct ag_acted, acted_fields);

static const struct ag_field template_info_fields[] = {
    TEXT(struct ag_template_info, "name", name, AG_MAX_FILE, 0),
    TEXT(struct ag_template_info, "path", path, AG_MAX_FILE, 0),
    BOOL(struct ag_template_info, "valid", valid, 0),
    TEXT(struct ag_template_info, "description", description, 0, 0),
    INT(struct ag_template_info, "steps", steps, 0, COUNT_MAX, AG_OMIT_EMPTY),
    OBJECT(struct ag_template_info, "parameters", parameters, AG_OMIT_EMPTY),
    TEXT(struct ag_template_info, "trust", trust, AG_MAX_NAME, AG_OMIT_EMPTY),
    TEXT(struct ag_template_info, "shadows", shadows, AG_MAX_FILE, AG_OMIT_EMPTY),
    TEXT(struct ag_template_info, "definition", definition, 0, AG_OMIT_EMPTY),
};
LISTED(ag_template_info_record, "template", "templates", struct ag_template_info,
       template_info_fields);

/* ---- the daemon itself, and lists ---------------------------------------------------------- */

static const struct ag_field health_fields[] = {
    TEXT(struct ag_health, "service", service, AG_MAX_LABEL, 0),
    TEXT(struct ag_health, "version", version, AG_MAX_LABEL, AG_OMIT_EMPTY),
    INT(struct ag_health, "pid", pid, 0, COUNT_MAX, AG_OMIT_EMPTY),
    {.key = "uptime", .type = AG_FIELD_DURATION, AT(struct ag_health, uptime)},
    TEXT(struct ag_health, "store", store, AG_MAX_NAME, AG_OMIT_EMPTY),
    INT(struct ag_health, "workflows", workflows, 0, COUNT_MAX, 0),
    INT(struct ag_health, "executors", executors, 0, COUNT_MAX, 0),
    INT(struct ag_health, "open_questions", open_questions, 0, COUNT_MAX, 0),
    INT(struct ag_health, "port", port, 0, UINT16_MAX, 0),
};
RECORD(ag_health_record, "health", struct ag_health, health_fields);

static const struct ag_field build_fields[] = {
    TEXT(struct ag_build, "version", version, AG_MAX_LABEL, 0),
    TEXT(struct ag_build, "binary_sha256", binary_sha256, AG_MAX_LABEL, 0),
    TEXT(struct ag_build, "disk_sha256", disk_sha256, AG_MAX_LABEL, 0),
    BOOL(struct ag_build, "update_available", update_available, 0),
    INT(struct ag_build, "api_version", api_version, 0, COUNT_MAX, 0),
    INT(struct ag_build, "pid", pid, 0, COUNT_MAX, 0),
};
RECORD(ag_build_record, "version", struct ag_build, build_fields);

static const struct ag_field shutdown_fields[] = {
    {.key = "grace_s",
     .type = AG_FIELD_DURATION,
     AT(struct ag_shutdown, grace),
     .max = 3600 * 1000},
    BOOL(struct ag_shutdown, "abandon", abandon, AG_OMIT_EMPTY),
};
RECORD(ag_shutdown_record, "shutdown request", struct ag_shutdown, shutdown_fields);

static const struct ag_field page_fields[] = {
    INT(struct ag_page, "count", count, 0, COUNT_MAX, 0),
    TEXT(struct ag_page, "next_cursor", next_cursor, AG_MAX_LABEL, 0),
    ARRAY(struct ag_page, "records", records, 0, AG_OMIT_EMPTY),
    INT(struct ag_page, "next_after", next_after, 0, COUNT_MAX, AG_OMIT_EMPTY),
    BOOL(struct ag_page, "ended", ended, AG_OMIT_EMPTY),
};
RECORD(ag_page_record, "page", struct ag_page, page_fields);
