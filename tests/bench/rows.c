/*
 * Many runs at once: the rows of one that has really been there, copied in the database. And a page
 * of them by SQL alone.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static sqlite3 *open_store(const struct bench *b)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/argo.db", b->home);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        bench_die("%s: %s", path, sqlite3_errmsg(db));
    }
    return db;
}

static void sql(sqlite3 *db, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
        bench_die("%s: %s", text, why);
    }
}

/* What a column of the copy number i has instead of the original's. */
static const char *copy_of(const char *column)
{
    static const char *const others[][2] = {
        {"rid", "rid + i"},
        {"workflow_id", "'copy_' || i"},
        {"id_base", "NULL"},
        {"id_number", "NULL"},
        {"request_key", "NULL"},
        {"question_id", "substr(question_id, 1, 20) || printf('%012d', i)"},
    };
    for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++) {
        if (strcmp(column, others[k][0]) == 0) {
            return others[k][1];
        }
    }
    return column;
}

/* N copies of each row of TABLE, for which there is one run. */
static void copy_rows(sqlite3 *db, const char *table, int n)
{
    char columns[2048] = "", values[4096] = "", text[8192];
    sqlite3_stmt *info = NULL;
    snprintf(text, sizeof(text), "SELECT name FROM pragma_table_info('%s')", table);
    sqlite3_prepare_v2(db, text, -1, &info, NULL);
    while (sqlite3_step(info) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(info, 0);
        const char *comma = *columns != '\0' ? ", " : "";
        snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), "%s%s", comma, name);
        snprintf(values + strlen(values), sizeof(values) - strlen(values), "%s%s", comma,
                 copy_of(name));
    }
    sqlite3_finalize(info);
    snprintf(text, sizeof(text),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO %s (%s) SELECT %s FROM %s, n",
             n, table, columns, values, table);
    sql(db, text);
}

void bench_multiply(struct bench *b, int n)
{
    static const char *const tables[] = {"runs",    "run_specs", "questions",
                                         "records", "steps",     "variables"};
    sqlite3 *db = open_store(b);
    sql(db, "PRAGMA synchronous=OFF; BEGIN");
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        copy_rows(db, tables[i], n);
    }
    sql(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
}

double bench_floor_page(struct bench *b)
{
    static const char text[] =
        "SELECT workflow_id, state, pid, template, current_step, total_steps, step_name, started "
        "FROM runs WHERE rid < 9000000000000000000 ORDER BY rid DESC LIMIT 51";
    int n = b->scale.samples;
    double *t = bench_alloc((size_t)n, sizeof(*t));
    sqlite3 *db = open_store(b);
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
        bench_die("%s: %s", text, sqlite3_errmsg(db));
    }
    for (int i = 0; i < n; i++) {
        double start = bench_now_ms();
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(stmt); k++) {
                (void)sqlite3_column_text(stmt, k);
            }
        }
        sqlite3_reset(stmt);
        t[i] = bench_now_ms() - start;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    double p50 = bench_percentile(t, n, 0.5);
    free(t);
    return p50;
}
