/*
 * What the files of the store share: the store, its queue to the writer thread, transactions.
 */
#ifndef AG_STORE_INTERNAL_H
#define AG_STORE_INTERNAL_H

#include <pthread.h>

#include "base/list.h"
#include "store/rows.h"

/* No statement: the parameters are a file's path and what to append to it. */
#define AG_OP_APPEND_FILE AG_SQL_COUNT

/* One statement with its parameters; their texts follow in the same allocation. */
struct ag_op {
    struct ag_op *next;
    enum ag_sql id;
    int n;
    struct ag_cell cells[];
};

struct ag_txn {
    struct ag_list link; /* in the store's queue, the writer's group or done */
    ag_store *store;
    struct ag_op *first, **end;
    int64_t handed_us; /* when it was handed over */
    bool tokens;       /* it changes some */
    bool nomem;        /* a put failed */
    bool failed;       /* its group did */
    ag_commit_fn fn;
    void *user;
};

struct ag_writer_health {
    bool failing; /* the last group did */
    struct ag_store_stats stats;
};

/* Tokens as they were last read: executors show theirs with every request. */
#define AG_TOKENS_HELD 64

struct ag_held_token {
    struct ag_token token;
    uint64_t version; /* it holds while this is the store's; 0: none */
};

struct ag_store {
    argo_context *ctx;
    const struct ag_driver *driver;
    char *path;
    void (*on_failed)(void *user);
    void *user;
    struct ag_db *reader; /* the loop's */
    struct ag_db *writer; /* the thread's while it runs; NULL after a failed reopening */
    ag_wake *wake;
    ag_defer *thaw; /* NULL: the reader is never frozen */
    bool frozen;    /* the reader, until the iteration ends or a commit is reported */
    int64_t next_rid;
    struct ag_held_token held_tokens[AG_TOKENS_HELD];
    uint64_t tokens_version; /* grows with each commit that changes tokens */
    bool closing;
    struct ag_writer_health seen; /* as of the last report */
    bool has_thread;
    bool untidy; /* the thread's: the driver has something left to do */
    pthread_t thread;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t work;  /* the writer has something to do */
    pthread_cond_t idle;  /* the writer has finished a group */
    struct ag_list queue; /* committed by the loop, in order */
    struct ag_list done;  /* for the loop to report, in order */
    bool busy;            /* the writer has a group */
    bool stop;
    struct ag_writer_health health;
    /* Set by the writer when a group fails. Until the loop has reported it and taken it away,
     * nothing is written and everything queued fails with it. */
    argo_error *failure;
};

void ag_store_thaw(ag_store *s);

int ag_writer_start(ag_store *s, argo_error **err);
/* Commits everything, reports it, ends the thread. */
void ag_writer_stop(ag_store *s);
/* On the loop: calls the callbacks of what is done. */
void ag_writer_report(ag_store *s);

#endif
