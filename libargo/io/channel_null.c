/*
 * The null channel: at its end from the beginning; what is written is forgotten.
 */
#include "io/internal.h"

static int null_write(argo_io_channel *ch, const char *data, size_t len, argo_error **err)
{
    return 0;
}

static void null_write_record(argo_io_channel *ch, const struct ag_output_record *record)
{
}

static size_t null_queued(const argo_io_channel *ch)
{
    return 0;
}

static void null_release(argo_io_channel *ch)
{
}

static const struct ag_channel_ops null_ops = {
    .size = sizeof(argo_io_channel),
    .write = null_write,
    .write_record = null_write_record,
    .queued = null_queued,
    .release = null_release,
};

int ag_channel_new_null(ag_loop *loop, argo_io_channel **out, argo_error **err)
{
    argo_io_channel *ch = NULL;
    int r = ag_channel_new(&null_ops, loop, 0, &ch, err);
    if (r == 0) {
        ch->eof = true;
        *out = ch;
    }
    return r;
}

int argo_io_channel_new_null(argo_io_channel **out, argo_error **err)
{
    if (out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_io_channel_new_null: out must be given");
    }
    return ag_channel_new_null(NULL, out, err);
}
