/*
 * The command line of argo-daemon.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <argo/config.h>
#include <argo/daemon.h>

struct options {
    struct argo_daemon_options daemon;
    const char *home; /* NULL: as argo_context_new finds it */
    char *executor, *templates;
    int ready_fd; /* -1: none */
    int foreground;
    int repair;
    enum argo_log_level level;
    uint64_t given; /* a bit for each option of the command line */
};

enum { OPTIONS_GO, OPTIONS_SHOWN, OPTIONS_WRONG };

/* OPTIONS_SHOWN: help or version went to stdout. OPTIONS_WRONG: stderr says what. OUT is to be
 * cleared whatever is returned. */
int options_parse(int argc, char **argv, struct options *out);
/* Takes from $ARGO_HOME/config and the environment what the command line does not say. */
int options_configure(struct options *o, const argo_context *ctx, argo_error **err);
void options_clear(struct options *o);

#endif
