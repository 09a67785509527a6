/*
 * An executor of somebody else's, in the place of argo_workflow_executor: repeats every line that
 * is given to its run, until it is told to stop. It uses the run's channel and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argo/argo.h>

static int repeat(argo_io_channel *run, argo_error **err)
{
    char *line = NULL;
    int r = argo_io_channel_write_str(run, "listening\n", err);
    while (r == 0 && (r = argo_io_channel_flush(run, -1, err)) == 0 &&
           (r = argo_io_channel_read_line(run, -1, &line, NULL, err)) == 0) {
        int stop = strcmp(line, "stop") == 0;
        r = argo_io_channel_write_str(run, stop ? "stopping" : line, err);
        r = r < 0 ? r : argo_io_channel_write_str(run, "\n", err);
        free(line);
        if (stop) {
            return r < 0 ? r : argo_io_channel_close(run, -1, err);
        }
    }
    return r;
}

static int serve(argo_context *ctx, const char *token, argo_error **err)
{
    struct argo_io_http_options options = ARGO_IO_HTTP_OPTIONS_INIT;
    argo_io_channel *run = NULL;
    options.url = getenv("ARGO_DAEMON_URL");
    options.workflow_id = getenv("ARGO_WORKFLOW_ID");
    options.token = token;
    options.epoch = strtoll(getenv("ARGO_EPOCH"), NULL, 10);
    int r = argo_io_channel_new_http(ctx, &options, &run, err);
    r = r < 0 ? r : repeat(run, err);
    argo_io_channel_free(run);
    return r;
}

int main(void)
{
    argo_context *ctx = NULL;
    char token[128] = "";
    ssize_t n = read(atoi(getenv("ARGO_TOKEN_FD")), token, sizeof(token) - 1);
    token[strcspn(token, "\n")] = '\0';
    int r = n > 0 ? argo_context_new(NULL, &ctx, NULL) : -1;
    r = r < 0 ? r : serve(ctx, token, NULL);
    argo_context_free(ctx);
    return r == 0 ? 0 : 1;
}
