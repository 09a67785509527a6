/*
 * A store in a directory of its own, and a driver that can be told to wait and to fail. One store
 * per test process.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "lib/runner.h"
#include "store/driver.h"
#include "store/store.h"

/* The databases that the suite runs over; each test is a loop test with its index. */
extern const struct ag_driver *const fixture_drivers[];
extern const int fixture_driver_count;

struct fixture {
    char dir[64];
    char path[96];
    ag_loop *loop;
    ag_store *store;
    int failed; /* calls of the store's `failed` */
    int pending;
};

extern struct fixture fx;

void fixture_setup(void); /* a directory and a loop */
void fixture_teardown(void);
void fixture_open(int driver); /* through the faulty driver */
void fixture_close(void);

/* The writer stops before its next group until it is let go. */
void fixture_hold(void);
void fixture_let_go(void);
void fixture_await_held(void); /* until the writer has taken a group and waits */
void fixture_fail_commits(int n);
void fixture_limit_pages(int n); /* 0: none; takes effect when the writer opens */

/* Commits and dispatches until the callback; returns its code. */
int fixture_commit(ag_txn *t);
void fixture_dispatch_until(const int *counter, int n);

ag_value *json(const char *text);
/* A live run with its specification, committed. */
int64_t fixture_add_run(const char *id, const char *template_name, int state);
/* All that ag_store_live gives, as words: "run:ID=STATE flight:RID/PATH@ATTEMPT question:RID/ID
 * line:RID/SEQ/TEXT damaged:WHY ". Static. */
const char *fixture_live(void);
int fixture_exec(const char *sql); /* directly on the file, while no store has it open */

#endif
