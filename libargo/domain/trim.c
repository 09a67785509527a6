/*
 * Output that is too much: the oldest goes to the run's log file, and one `gap` record stays in its
 * place. Nothing waits for a reader, and nothing is lost: the log is on the disk before the records
 * are deleted. A crash in between leaves them in both, and they are written once more.
 */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "domain/internal.h"

enum {
    RECORD_COST = 64,           /* of a record beside its texts */
    CHUNK_MAX = 1024 * 1024,    /* how much is made room for at once */
    LINES_MAX = 4 * 1024 * 1024 /* of log in one transaction; one record more may follow */
};

int64_t ag_output_cost(const char *text, const char *path)
{
    return RECORD_COST +
           (int64_t)((text == NULL ? 0 : strlen(text)) + (path == NULL ? 0 : strlen(path)));
}

struct trimming {
    struct ag_buf lines;
    int64_t goal; /* how much is to go */
    int64_t cost; /* how much goes */
    int64_t records, bytes;
    int64_t upto;
};

static int trim_record(const struct ag_stream_record *rec, void *user)
{
    struct trimming *t = user;
    AG_AUTO(ag_value) v = ag_record_encode(&ag_event_record, rec);
    ag_auto_free char *line = v == NULL ? NULL : ag_value_print(v, NULL);
    if (line == NULL) {
        return ARGO_E_NOMEM;
    }
    ag_buf_add_text(&t->lines, line);
    ag_buf_add_char(&t->lines, '\n');
    t->cost += ag_output_cost(rec->text, rec->path);
    t->bytes += (int64_t)(rec->text == NULL ? 0 : strlen(rec->text));
    t->records++;
    t->upto = rec->seq;
    return t->cost >= t->goal || t->lines.len > LINES_MAX ? 1 : 0;
}

static int read_gap(const struct ag_stream_record *rec, void *user)
{
    struct ag_live *live = user;
    live->gap_records = ag_value_get_int(rec->data, "records", 0);
    live->gap_bytes = ag_value_get_int(rec->data, "bytes", 0);
    return 1;
}

/* What the gap before this one, which it takes in, has counted; read once after a start. */
static int know_gap(struct ag_live *live, argo_error **err)
{
    if (live->gap_records > 0 || live->row.trimmed_seq == 0) {
        return 0;
    }
    return ag_store_records(live->domain->store, live->row.rid, AG_STREAM_OUTPUT,
                            live->row.trimmed_seq - 1, 1, read_gap, live, err);
}

static int collect(struct ag_live *live, const char *log, struct trimming *t, argo_error **err)
{
    int r = ag_file_append_lines(log, "", 0, err);
    if (r == 0) {
        r = know_gap(live, err);
    }
    if (r >= 0) {
        r = ag_store_records(live->domain->store, live->row.rid, AG_STREAM_OUTPUT,
                             live->row.trimmed_seq, INT32_MAX, trim_record, t, err);
    }
    return r < 0 ? r : ag_buf_check(&t->lines, "output", err);
}

/* The record takes the place, and the number, of the last one that went. */
static void put_gap(struct ag_change_set *c, struct ag_live *live, int64_t seq)
{
    char kind[] = "gap";
    ag_auto_free char *text =
        ag_asprintf("%" PRId64 " older records (%" PRId64 " bytes) are in the log %s.log\n",
                    live->gap_records, live->gap_bytes, live->row.workflow_id);
    AG_AUTO(ag_value) data = ag_value_object();
    (void)ag_value_set(data, "records", ag_value_int(live->gap_records));
    (void)ag_value_set(data, "bytes", ag_value_int(live->gap_bytes));
    struct ag_stream_record rec = {.seq = seq,
                                   .stream = AG_STREAM_OUTPUT,
                                   .kind = kind,
                                   .text = text,
                                   .at = ag_context_now_ms(c->domain->ctx),
                                   .data = data};
    ag_txn_add_record(c->txn, live->row.rid, &rec);
}

static void move_to_log(struct ag_change_set *c, struct ag_live *live, const char *log,
                        const struct trimming *t)
{
    ag_txn_append_file(c->txn, log, ag_buf_text(&t->lines));
    ag_txn_remove_output(c->txn, live->row.rid, live->row.trimmed_seq, t->upto);
    live->gap_records += t->records;
    live->gap_bytes += t->bytes;
    live->row.output_bytes -= t->cost;
    live->row.trimmed_seq = t->upto;
    put_gap(c, live, t->upto);
}

void ag_live_trim_output(struct ag_change_set *c, struct ag_live *live)
{
    const struct ag_domain_config *config = &c->domain->config;
    int64_t chunk = config->output_max / 8 < CHUNK_MAX ? config->output_max / 8 : CHUNK_MAX;
    int64_t above = live->row.output_bytes - config->output_max;
    if (config->output_max == 0 || above <= 0 || live->log_refused) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    struct trimming t = {.lines = AG_BUF_INIT(2 * LINES_MAX), .goal = above + chunk};
    ag_auto_free char *log = ag_asprintf("%s/%s.log", config->log_dir, live->row.workflow_id);
    if ((log == NULL ? ag_error_nomem(&err) : collect(live, log, &t, &err)) < 0) {
        /* What cannot go stays. */
        live->log_refused = true;
        ag_log_warning(c->domain->ctx, "domain", "%s keeps all its output: %s",
                       live->row.workflow_id, argo_error_details(err));
    } else if (t.records > 0) {
        move_to_log(c, live, log, &t);
    }
    ag_buf_free(&t.lines);
}
