/*
 * The floor of a server: SQLite, jansson and a bare libmicrohttpd loop that gives the same reply to
 * everything. `bench-serve DATABASE REPLY [listen]`: the listening socket is fd 10, without one it
 * only idles; it says on fd 9 that it is ready.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>
#include <microhttpd.h>

#define READY_FD  9
#define LISTEN_FD 10

struct reply {
    char *text;
    size_t len;
};

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    const struct reply *reply = cls;
    if (*con_cls == NULL) {
        *con_cls = cls;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(reply->len, reply->text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/json");
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    enum MHD_Result rc = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return rc;
}

static struct reply load_reply(const char *path)
{
    json_error_t error;
    json_t *value = json_load_file(path, JSON_DECODE_ANY, &error);
    struct reply reply = {.text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)};
    json_decref(value);
    while (reply.text != NULL && reply.text[reply.len] != '\0') {
        reply.len++;
    }
    return reply;
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    if (argc < 3 || sqlite3_open(argv[1], &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b TEXT)",
                     NULL, NULL, NULL) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    struct reply reply = load_reply(argv[2]);
    bool listens = argc > 3;
    struct MHD_Daemon *mhd = MHD_start_daemon(
        listens ? MHD_USE_EPOLL : MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        on_request, &reply, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
        listens ? MHD_OPTION_LISTEN_SOCKET : MHD_OPTION_END, LISTEN_FD, MHD_OPTION_END);
    if (reply.text == NULL || mhd == NULL || write(READY_FD, "0\n", 2) != 2 ||
        close(READY_FD) != 0) {
        return EXIT_FAILURE;
    }
    while (MHD_run_wait(mhd, -1) == MHD_YES) {
    }
    return EXIT_FAILURE;
}
