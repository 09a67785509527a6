/*
 * start: what a run needs from here (directory, environment, parameters) goes along with it.
 */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"
#include "file.h"
#include "watch.h"

struct start {
    struct arc_list parameters;
    const char *ci, *branch, *environment, *id, *session, *cwd;
    int detach, wait;
};

static const struct arc_option start_options[] = {
    {"param", 'p', ARC_OPTION_LIST, offsetof(struct start, parameters), "NAME=VALUE",
     "a parameter of the template", ARC_WORDS_NONE},
    {"ci", 0, ARC_OPTION_TEXT, offsetof(struct start, ci), "NAME", "the same as -p ci=NAME",
     ARC_WORDS_CI},
    {"branch", 'b', ARC_OPTION_TEXT, offsetof(struct start, branch), "B",
     "the branch it is about (main)", ARC_WORDS_NONE},
    {"environment", 'e', ARC_OPTION_TEXT, offsetof(struct start, environment), "E",
     "the environment it is about (dev)", ARC_WORDS_NONE},
    {"id", 0, ARC_OPTION_TEXT, offsetof(struct start, id), "ID",
     "its id, instead of TEMPLATE_INSTANCE", ARC_WORDS_NONE},
    {"session", 0, ARC_OPTION_TEXT, offsetof(struct start, session), "ID",
     "the session it belongs to (arc session new)", ARC_WORDS_SESSION},
    {"cwd", 0, ARC_OPTION_TEXT, offsetof(struct start, cwd), "DIR",
     "the directory it works in (the current one; with --url Argo's, there)", ARC_WORDS_DIRECTORY},
    {"detach", 'd', ARC_OPTION_FLAG, offsetof(struct start, detach), NULL,
     "print the id and return", ARC_WORDS_NONE},
    {"wait", 'w', ARC_OPTION_FLAG, offsetof(struct start, wait), NULL,
     "show its output until it ends, also without a terminal", ARC_WORDS_NONE},
    {0},
};

/* The variables that a run gets from the person who starts it; nothing else of the environment
 * leaves this process. */
static bool is_passed_on(const char *name, size_t len)
{
    static const char *const names[] = {"PATH", "HOME", "USER",   "LOGNAME",      "SHELL",
                                        "LANG", "TZ",   "TMPDIR", "SSH_AUTH_SOCK"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) {
            return true;
        }
    }
    return len > 3 && strncmp(name, "LC_", 3) == 0;
}

static void put_environment(argo_value *body)
{
    arc_auto_value argo_value *env = argo_value_new_object();
    for (char **p = environ; *p != NULL; p++) {
        size_t len = strcspn(*p, "=");
        if ((*p)[len] == '=' && is_passed_on(*p, len)) {
            arc_auto_free char *name = arc_format("%.*s", (int)len, *p);
            (void)argo_value_set_text(env, name, *p + len + 1);
        }
    }
    (void)argo_value_set_value(body, "env", env);
}

/* The same start sent twice is one start. */
static void put_request_key(argo_value *body)
{
    unsigned char bytes[16];
    char key[2 * sizeof(bytes) + 1] = "";
    if (getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            snprintf(key + 2 * i, 3, "%02x", bytes[i]);
        }
        (void)argo_value_set_text(body, "request_key", key);
    }
}

/* NAME=VALUE pairs; values are text, which the template's declaration turns into its type. */
static int put_parameters(struct arc *arc, const struct start *start, argo_value *body)
{
    arc_auto_value argo_value *parameters = argo_value_new_object();
    for (size_t i = 0; i < start->parameters.n; i++) {
        const char *pair = start->parameters.items[i];
        size_t len = strcspn(pair, "=");
        if (pair[len] != '=' || len == 0) {
            return arc_usage(arc, "-p '%s': expected NAME=VALUE", pair);
        }
        arc_auto_free char *name = arc_format("%.*s", (int)len, pair);
        if (argo_value_set_text(parameters, name, pair + len + 1) < 0) {
            return arc_usage(arc, "-p '%s': not UTF-8", pair);
        }
    }
    if (start->ci != NULL) {
        (void)argo_value_set_text(parameters, "ci", start->ci);
    }
    if (argo_value_size(parameters) > 0) {
        (void)argo_value_set_value(body, "parameters", parameters);
    }
    return 0;
}

static void put_known(argo_value *body, const char *key, const char *text)
{
    if (text != NULL) {
        (void)argo_value_set_text(body, key, text);
    }
}

/* A directory there is nothing that this program could look for. */
static int put_directory_there(struct arc *arc, const char *given, argo_value *body)
{
    if (given != NULL && given[0] != '/') {
        return arc_usage(
            arc,
            "--cwd '%s': with --url expected an absolute path, of a directory where the "
            "daemon runs",
            given);
    }
    put_known(body, "cwd", given);
    return 0;
}

static int put_directory(struct arc *arc, const char *given, argo_value *body)
{
    if (arc->url != NULL) {
        return put_directory_there(arc, given, body);
    }
    arc_auto_free char *cwd = given == NULL ? getcwd(NULL, 0) : realpath(given, NULL);
    if (cwd == NULL) {
        return arc_failed(arc, "%s: no such directory", given == NULL ? "." : given);
    }
    if (argo_value_set_text(body, "cwd", cwd) < 0) {
        return arc_failed(arc, "%s: the directory's name is not UTF-8. Give another: --cwd DIR",
                          cwd);
    }
    return 0;
}

/* What a step gets for which template and registry say nothing. */
static void put_defaults(struct arc *arc, argo_value *body)
{
    put_known(body, "default_provider", argo_config_get(arc->config, "ARGO_DEFAULT_PROVIDER"));
    put_known(body, "default_model", argo_config_get(arc->config, "ARGO_DEFAULT_MODEL"));
}

static int build(struct arc *arc, const struct start *start, const struct arc_list *words,
                 argo_value *body)
{
    int code = arc_put_template(arc, words->items[0], body);
    if (code == 0) {
        put_known(body, "instance", words->n > 1 ? words->items[1] : NULL);
        put_known(body, "workflow_id", start->id);
        put_known(body, "branch", start->branch);
        put_known(body, "environment", start->environment);
        put_known(body, "session_id", start->session);
        code = put_parameters(arc, start, body);
    }
    if (code == 0) {
        code = put_directory(arc, start->cwd, body);
        if (arc->url == NULL) {
            put_environment(body); /* what holds here need not hold there */
        }
        put_defaults(arc, body);
        put_request_key(body);
    }
    return code;
}

/* After the start: watch it, or say what it is called. */
static int go_on(struct arc *arc, const struct start *start, const struct arc_reply *reply)
{
    const char *id = argo_value_text(reply->value, "workflow_id", "");
    bool follow = start->wait || (arc->terminal && !start->detach && !arc->json);
    if (arc->json) {
        arc_print_reply(reply);
    } else if (follow) {
        arc_putf(stderr, "Started %s (pid %lld).%s\n", id,
                 (long long)argo_value_int(reply->value, "data.pid", 0),
                 arc->terminal ? " Ctrl-D detaches." : "");
    } else if (!follow) {
        arc_putf(stdout, "%s\n", id);
    }
    if (!follow) {
        return ARC_EXIT_OK;
    }
    struct arc_watch_options watch = {.workflow_id = id, .questions = true, .summary = true};
    return arc_watch(arc, &watch);
}

static int refused(struct arc *arc, const argo_error *err)
{
    int code = arc_fail(arc, err);
    if (argo_error_code(err) == ARGO_E_EXISTS && !arc->json) {
        fputs("Watch it: arc attach ID. Start one beside it: give another INSTANCE\n", stderr);
    }
    return code;
}

static int run_start(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct start start = {0};
    arc_auto_list struct arc_list words = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_error argo_error *err = NULL;
    if (arc_arguments(arc, &start, argc, argv, &words, &code)) {
        code = start.detach && start.wait
                   ? arc_usage(arc, "start: --detach and --wait exclude each other")
                   : build(arc, &start, &words, body);
        if (code == 0) {
            code = arc_request(arc, "POST", "/api/workflow/start", body, 0, &reply, &err) < 0
                       ? refused(arc, err)
                       : go_on(arc, &start, &reply);
        }
    }
    arc_list_clear(&start.parameters);
    return code;
}

const struct arc_command arc_command_start = {
    .name = "start",
    .arguments = "TEMPLATE|FILE [INSTANCE]",
    .brief = "Start a workflow",
    .help =
        "TEMPLATE is a name (arc template list); with a / in it, or ending in .json, .yaml or .yml,\n"
        "it is a file. On a terminal arc attaches to the workflow; elsewhere it prints its id.\n",
    .run = run_start,
    .options = start_options,
    .min = 1,
    .max = 2,
    .words = {ARC_WORDS_TEMPLATE},
    .workflow = true,
};
