/*
 * A host with two daemons on homes of their own, one of them reached over TCP, and a client of
 * each, on one poll loop. It is a host that reaps every child that it finds, and kills an executor:
 * the runs end all the same. The library leaves signals, their mask, and in the end every fd as it
 * found them. Usage: host HOME OTHER_HOME EXECUTOR TEMPLATES
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <argo/argo.h>

#define CHECK(fact)                                                       \
    do {                                                                  \
        if (!(fact)) {                                                    \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #fact, \
                    argo_error_details(failure));                         \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

struct site {
    argo_context *ctx;
    argo_daemon *daemon;
    argo_client *client;
    argo_workflow *run;
    int ended, stopped, kill_first;
    char question[65];
};

static argo_error *failure;

static struct argo_call_options then(struct site *site, argo_call_fn fn)
{
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    how.fn = fn;
    how.user = site;
    return how;
}

static void on_answered(void *user, int result, const argo_error *err)
{
    CHECK(result == 0 && err == NULL);
}

static void answer(struct site *site)
{
    struct argo_call_options how = then(site, on_answered);
    CHECK(argo_question_answer_text(site->client, argo_workflow_id(site->run), site->question,
                                    "Ada", &how, &failure) == 0);
}

/* The daemon does not see the status of this one. */
static void kill_and_reap(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static int on_record(void *user, const argo_record *record)
{
    struct site *site = user;
    if (strcmp(argo_record_kind(record), "question") == 0) {
        snprintf(site->question, sizeof(site->question), "%s", argo_record_question_id(record));
        if (site->kill_first) {
            kill_and_reap((pid_t)argo_workflow_pid(site->run));
        }
        answer(site);
    }
    return 0;
}

static void on_ended(void *user, int result, const argo_error *err)
{
    struct site *site = user;
    CHECK(result == 0 && err == NULL);
    site->ended = 1;
}

static void on_started(void *user, int result, const argo_error *err)
{
    struct site *site = user;
    struct argo_call_options how = then(site, on_ended);
    CHECK(result == 0 && err == NULL);
    CHECK(argo_workflow_follow(site->client, argo_workflow_id(site->run), 0, on_record, site, &how,
                               &failure) == 0);
}

static void open_site(struct site *site, char **argv, int tcp)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    struct argo_workflow_start_options what = ARGO_WORKFLOW_START_OPTIONS_INIT;
    struct argo_call_options how = then(site, on_started);
    char url[64];
    options.port = 0;
    options.no_tcp = !tcp;
    options.executor = argv[3];
    options.templates = argv[4];
    what.template_name = "hello";
    site->kill_first = !tcp;
    CHECK(argo_context_new(argv[tcp ? 2 : 1], &site->ctx, &failure) == 0);
    CHECK(argo_daemon_new(site->ctx, &options, &site->daemon, &failure) == 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", (int)argo_daemon_port(site->daemon));
    CHECK((argo_daemon_port(site->daemon) != 0) == tcp);
    CHECK(argo_client_new(site->ctx, tcp ? url : NULL, &site->client, &failure) == 0);
    CHECK(argo_workflow_start(site->client, &what, &how, &site->run, &failure) == 0);
}

static void close_site(struct site *site)
{
    argo_workflow_free(site->run);
    argo_client_free(site->client);
    argo_daemon_free(site->daemon);
    argo_context_free(site->ctx);
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void turn(struct site *sites)
{
    struct pollfd fds[4];
    int timeout = -1;
    for (int i = 0; i < 2; i++) {
        fds[2 * i].fd = argo_daemon_get_fd(sites[i].daemon);
        fds[2 * i].events = argo_daemon_get_events(sites[i].daemon);
        fds[2 * i + 1].fd = argo_client_get_fd(sites[i].client);
        fds[2 * i + 1].events = argo_client_get_events(sites[i].client);
        timeout = shorter(timeout, argo_daemon_get_timeout(sites[i].daemon));
        timeout = shorter(timeout, argo_client_get_timeout(sites[i].client));
    }
    CHECK(poll(fds, 4, timeout) >= 0);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        /* nobody asks whose it was */
    }
    for (int i = 0; i < 2; i++) {
        CHECK(argo_client_dispatch(sites[i].client, &failure) == 0);
        int r = argo_daemon_dispatch(sites[i].daemon, &failure);
        CHECK(r >= 0);
        sites[i].stopped = r;
    }
}

/* ---- what the library must leave alone -------------------------------------------------------- */

struct traces {
    struct sigaction actions[64];
    sigset_t mask;
    int fds;
};

static void look(struct traces *t)
{
    DIR *dir = opendir("/proc/self/fd");
    memset(t, 0, sizeof(*t));
    for (int i = 1; i < 64; i++) {
        sigaction(i, NULL, &t->actions[i]);
    }
    sigprocmask(SIG_SETMASK, NULL, &t->mask);
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        t->fds++;
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    static struct traces before, after;
    static struct site sites[2];
    CHECK(argc == 5);
    look(&before);
    open_site(&sites[0], argv, 0);
    open_site(&sites[1], argv, 1);
    while (!sites[0].ended || !sites[1].ended) {
        turn(sites);
    }
    argo_daemon_stop(sites[0].daemon);
    argo_daemon_stop(sites[1].daemon);
    while (!sites[0].stopped || !sites[1].stopped) {
        turn(sites);
    }
    close_site(&sites[0]);
    close_site(&sites[1]);
    look(&after);
    for (int i = 1; i < 64; i++) {
        CHECK(before.actions[i].sa_handler == after.actions[i].sa_handler);
        CHECK(sigismember(&before.mask, i) == sigismember(&after.mask, i));
    }
    CHECK(before.fds == after.fds);
    puts("ok");
    return 0;
}
