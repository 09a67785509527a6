/*
 * A supervisor with this program as its executor, and a stub of the domain that notes what it is
 * told. Executors are spawned, or forked from the warm process. One at a time per process.
 */
#ifndef TESTS_UNIT_DAEMON_FIXTURE_H
#define TESTS_UNIT_DAEMON_FIXTURE_H

#include "daemon/internal.h"
#include "lib/runner.h"

#define FIXTURE_TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct fixture {
    struct argo_daemon daemon;
    struct ag_run run; /* what is launched */
    struct ag_run_spec spec;
    char self[512];
    char nonce[32]; /* of this test alone: one that fails leaves its processes behind */
    /* the domain */
    int64_t ended_rid, ended_pid; /* of the last executor that ended */
    int ended_status, ended_calls;
    int done_calls;
    int stopped_calls, stopped_code;
};

extern struct fixture fx;

/* What the domain is told of a launch, and what it says. */
struct launch {
    int calls, code;
    int64_t pid;
    char details[256];
    bool unwanted;
};

/* The main function: the program's NAME tells whether it is to be an executor. */
int fixture_main(const char *name, Suite *(*suite)(void));
/* A case for tests whose executors are spawned, and one with a warm process to fork them. */
TCase *fixture_spawned(Suite *s);
TCase *fixture_forked(Suite *s);
const char *fixture_path(const char *name); /* in the directory; as temp_path */

/* An executor does what WHAT says: see fixture.c. */
void begin_launch(const char *what, struct launch *l);
int end_launch(struct launch *l); /* its code */
int launch(const char *what, struct launch *l);
int64_t launched(const char *what); /* its pid */
/* The next line that an executor tells. */
char *listen_to(char *line, size_t size);
/* Dispatches until *CALLS is no longer 0. */
void until(const int *calls);
/* Whether the next executor is forked. */
bool next_is_forked(void);
void until_forked(void);

void note_done(void *user);
void end_run(int64_t grace_ms); /* note_done is called later */
void stop_run(void);
void continue_run(int64_t paused_ms);
/* Of the run's processes; those that are stopped now stay so. */
size_t running(void);
size_t living(void);

#endif
