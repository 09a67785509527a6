/*
 * Opening a SQLite file: creation with mode 0600 from birth, the checks that find damage before
 * anything is written, and the settings of both kinds of connection.
 *
 * The checks look at sizes, the header and the schema, not at every page: opening must be fast.
 * The file is opened by hand only before SQLite has it: closing a descriptor of our own would
 * drop SQLite's locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "store/sqlite.h"

#define HEADER_SIZE 100

/* What the file looks like before SQLite touches it. */
struct look {
    bool exists;
    int64_t size;
    int64_t wal_size;
    int64_t header_bytes; /* how long the header says that the file is; 0: does not say */
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t promised_bytes(const unsigned char header[HEADER_SIZE])
{
    int64_t page_size = header[16] << 8 | header[17];
    if (page_size == 1) {
        page_size = 65536;
    }
    /* The count is valid when "version valid for" equals the change counter. */
    return be32(header + 24) == be32(header + 92) ? page_size * be32(header + 28) : 0;
}

static int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static int look_at(const char *path, struct look *look, argo_error **err)
{
    *look = (struct look){0};
    ag_auto_free char *wal = ag_asprintf("%s-wal", path);
    if (wal == NULL) {
        return ag_error_nomem(err);
    }
    look->wal_size = file_size(wal);
    ag_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : ag_error_errno(err, errno, "open '%s'", path);
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return ag_error_errno(err, errno, "stat '%s'", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return ag_error_set(err, ARGO_E_STATE, "'%s': expected a regular file", path);
    }
    look->exists = true;
    look->size = st.st_size;
    unsigned char header[HEADER_SIZE] = {0};
    ssize_t got = pread(fd, header, sizeof(header), 0);
    if (got < 0) {
        return ag_error_errno(err, errno, "read '%s'", path);
    }
    if (got > 0 && (got < HEADER_SIZE || memcmp(header, "SQLite format 3", 16) != 0)) {
        return ag_sqlite_damaged(path, "it does not begin with an SQLite header", err);
    }
    if (got > 0) {
        look->header_bytes = promised_bytes(header);
    }
    return 0;
}

static int create(const char *path, argo_error **err)
{
    ag_auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ag_error_errno(err, errno, "create '%s'", path);
    }
    const char *slash = strrchr(path, '/');
    ag_auto_free char *dir =
        slash == NULL ? ag_strdup(".") : ag_strndup(path, (size_t)(slash - path) + 1);
    if (dir == NULL) {
        return ag_error_nomem(err);
    }
    ag_auto_close int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || fsync(dir_fd) < 0) {
        return ag_error_errno(err, errno, "sync the directory '%s'", dir);
    }
    return 0;
}

struct answer {
    const char *expected;
    bool given;
};

static int compare_answer(void *user, int n, char **texts, char **names)
{
    struct answer *answer = user;
    answer->given = n == 1 && ag_streq(texts[0], answer->expected);
    return 0;
}

/* 1 when PRAGMA answers EXPECTED, 0 when something else. */
static int ask(const struct ag_sqlite *c, const char *pragma, const char *expected,
               argo_error **err)
{
    struct answer answer = {.expected = expected};
    if (sqlite3_exec(c->db, pragma, compare_answer, &answer, NULL) != SQLITE_OK) {
        return ag_sqlite_error(c, pragma, err);
    }
    return answer.given;
}

static int quick_check(const struct ag_sqlite *c, const char *pragma, argo_error **err)
{
    int rc = ask(c, pragma, "ok", err);
    return rc == 0 ? ag_sqlite_damaged(c->path, "its pages do not fit together", err) : rc;
}

/* A file that is shorter than its header says has lost pages, unless a checkpoint was cut off:
 * then the log still has them, and only a look at every page can tell. */
static int check_content(const struct ag_sqlite *c, const struct look *look, argo_error **err)
{
    if (look->size < look->header_bytes) {
        return quick_check(c, "PRAGMA quick_check(1)", err);
    }
    return quick_check(c, "PRAGMA quick_check('sqlite_schema')", err);
}

static int count_wal_pages(void *user, sqlite3 *db, const char *name, int pages)
{
    struct ag_sqlite *c = user;
    c->wal_pages = pages;
    return SQLITE_OK;
}

static int connect_file(const char *path, bool writer, struct ag_sqlite **out, argo_error **err)
{
    struct ag_sqlite *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ag_error_nomem(err);
    }
    c->base.driver = &ag_sqlite_driver;
    c->writer = writer;
    c->path = ag_strdup(path);
    int rc = c->path == NULL ? ag_error_nomem(err) : 0;
    if (rc == 0 && sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                   NULL) != SQLITE_OK) {
        rc = ag_sqlite_error(c, "open", err);
    }
    if (rc < 0) {
        ag_sqlite_close(&c->base);
        return rc;
    }
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, AG_SQLITE_WAIT_MS);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 128, 64);
    /* A reader never checkpoints, and a writer not before it has found the file sound. */
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    *out = c;
    return 0;
}

/* Only what is ours or new gets a log: a foreign database is refused later, as it was. */
static int use_log(const struct ag_sqlite *c, argo_error **err)
{
    int64_t ours = 0;
    int rc = ag_sqlite_number(c, "SELECT COUNT(*) = 0 OR SUM(name = 'meta') > 0 FROM sqlite_schema",
                              &ours, err);
    if (rc < 0 || ours == 0) {
        return rc;
    }
    rc = ask(c, "PRAGMA journal_mode = WAL", "wal", err);
    if (rc == 0) {
        return ag_error_set(err, ARGO_E_STORE,
                            "'%s': its file system cannot hold a write-ahead log (shared memory "
                            "is missing); expected a local one",
                            c->path);
    }
    return rc < 0 ? rc : 0;
}

static int set_up_writer(struct ag_sqlite *c, const struct look *look, argo_error **err)
{
    int rc = check_content(c, look, err);
    if (rc >= 0) {
        rc = use_log(c, err);
    }
    if (rc == 0) {
        rc = ag_sqlite_exec(c,
                            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                            "PRAGMA cache_size = -1024; PRAGMA journal_size_limit = 16777216;"
                            "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                            "PRAGMA mmap_size = 0;",
                            err);
    }
    if (rc == 0) {
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        sqlite3_wal_hook(c->db, count_wal_pages, c);
        c->scrub = look->wal_size > 0; /* whoever left it did not come to it */
    }
    return rc;
}

int ag_sqlite_open(const char *path, bool writer, struct ag_db **out, argo_error **err)
{
    struct look look = {0};
    if (writer) {
        int rc = look_at(path, &look, err);
        if (rc == 0 && look.size == 0 && look.wal_size > 0) {
            rc = ag_sqlite_damaged(path, "it is empty or gone, but its log is there", err);
        }
        if (rc == 0 && look.size < look.header_bytes && look.wal_size == 0) {
            rc = ag_sqlite_damaged(path, "its end is missing", err);
        }
        if (rc == 0 && !look.exists) {
            rc = create(path, err);
        }
        if (rc < 0) {
            return rc;
        }
    }
    struct ag_sqlite *c = NULL;
    int rc = connect_file(path, writer, &c, err);
    if (rc < 0) {
        return rc;
    }
    if (writer) {
        rc = set_up_writer(c, &look, err);
    } else {
        rc = ag_sqlite_exec(c,
                            "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
                            "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;"
                            "PRAGMA mmap_size = 0;",
                            err);
    }
    if (rc < 0) {
        ag_sqlite_close(&c->base);
        return rc;
    }
    *out = &c->base;
    return 0;
}
