/*
 * doctor: looks at everything that Argo needs, and says how to mend what is wrong. It starts no
 * daemon and changes nothing.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <argo/ask.h>
#include <argo/version.h>

#include "commands.h"
#include "doctor.h"

enum { ANSWER_MS = 5000 };

struct patient {
    struct arc *arc;
    struct arc_doctor doctor;
    bool runs;
    int ask;        /* the CIs, too */
    bool homeless;  /* no daemon can have this home */
    long long port; /* of the daemon that runs, 0: none */
};

/* ---- settings and daemon --------------------------------------------------------------------- */

static void check_settings(struct patient *p)
{
    if (argo_error_code(p->arc->unsettled) == ARGO_E_DENIED) {
        arc_doctor_found(&p->doctor, "settings", "do that, or put a file of your own there", "%s",
                         argo_error_details(p->arc->unsettled));
    } else if (p->arc->unsettled != NULL) {
        arc_doctor_found(&p->doctor, "settings",
                         "correct that line: arc config set KEY VALUE, or arc config unset KEY",
                         "%s", argo_error_details(p->arc->unsettled));
    } else {
        arc_doctor_found(&p->doctor, "settings", NULL, "see them: arc config");
    }
}

static void check_running(struct patient *p)
{
    struct arc_doctor *d = &p->doctor;
    arc_auto_reply struct arc_reply health = {0}, version = {0};
    arc_auto_error argo_error *err = NULL;
    int r = arc_request_running(p->arc, "GET", "/api/health", NULL, ANSWER_MS, &health, &err);
    if (r == ARGO_E_NO_DAEMON && p->arc->url == NULL) {
        if (!p->homeless && arc_doctor_database(d, argo_context_home(p->arc->ctx))) {
            arc_doctor_found(d, "daemon", NULL,
                             "none runs; the next command that needs it starts it");
        }
        return;
    }
    if (r < 0 ||
        arc_request_running(p->arc, "GET", "/api/version", NULL, ANSWER_MS, &version, &err) < 0) {
        arc_doctor_found(d, "daemon",
                         "see arc daemon logs; if it is stopped or hangs, kill it: the "
                         "next command starts another, and runs go on",
                         "%s: %s", argo_error_message(err), argo_error_details(err));
        return;
    }
    p->runs = true;
    p->port = (long long)argo_value_int(health.value, "data.port", 0);
    const char *is = argo_value_text(version.value, "version", "?");
    if (strcmp(is, argo_version()) != 0) {
        arc_doctor_found(d, "daemon",
                         "arc daemon stop, then arc daemon start; or install both anew",
                         "the daemon is version %s, arc is %s", is, argo_version());
    } else if (argo_value_bool(version.value, "update_available", false)) {
        arc_doctor_found(d, "daemon",
                         "arc daemon stop, then arc daemon start; runs go on meanwhile",
                         "the daemon's file on the disk is another than the one that runs");
    } else if (strcmp(argo_value_text(health.value, "data.store", "ok"), "ok") != 0) {
        arc_doctor_found(d, "daemon", "see arc daemon logs, and the disk above",
                         "the daemon cannot write its database");
    } else {
        arc_doctor_found(d, "daemon", NULL, "version %s, pid %lld", is,
                         (long long)argo_value_int(version.value, "pid", 0));
    }
}

static bool somebody_listens(long port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return yes;
}

static void check_port(struct patient *p)
{
    const char *text = argo_config_get(p->arc->config, "ARGO_DAEMON_PORT");
    long port = text == NULL ? 0 : arc_parse_number(text, 0, UINT16_MAX);
    if (p->arc->url != NULL || port <= 0 || port == p->port || !somebody_listens(port)) {
        arc_doctor_found(&p->doctor, "port", NULL, "nobody else has it");
    } else if (p->arc->port == NULL) { /* it is the one that is built in: another one will do */
        arc_doctor_found(&p->doctor, "port", NULL,
                         "somebody else listens on %ld; the daemon takes a free one", port);
    } else {
        arc_doctor_found(&p->doctor, "port", "end it, or: arc config set ARGO_DAEMON_PORT N",
                         "another program listens on 127.0.0.1:%ld: the daemon cannot start there",
                         port);
    }
}

/* The first line that PROGRAM --version prints, or "". */
static void ask_version(char *program, char *line, size_t size)
{
    int fds[2];
    int status = -1;
    pid_t pid = -1;
    char option[] = "--version";
    char *const argv[] = {program, option, NULL};
    posix_spawn_file_actions_t actions;
    line[0] = '\0';
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    bool started = posix_spawn(&pid, program, &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    FILE *out = fdopen(fds[0], "r");
    if (out != NULL && started && fgets(line, (int)size, out) == NULL) {
        line[0] = '\0';
    }
    if (out != NULL) {
        fclose(out);
    }
    if (!started || waitpid(pid, &status, 0) < 0 || status != 0) {
        line[0] = '\0';
    }
}

/* What PROGRAM beside this one says of its version; NULL when it cannot be asked. */
static char *version_of(const char *program)
{
    char line[128];
    arc_auto_free char *path = arc_beside(program);
    if (path == NULL) {
        return NULL;
    }
    ask_version(path, line, sizeof(line));
    line[strcspn(line, "\n")] = '\0';
    const char *space = strrchr(line, ' ');
    return space == NULL ? NULL : strdup(space + 1);
}

static void check_programs(struct patient *p)
{
    static const char *const names[] = {"argo-daemon", "argo_workflow_executor"};
    bool ok = true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        arc_auto_free char *is = version_of(names[i]);
        if (is == NULL || strcmp(is, argo_version()) != 0) {
            arc_doctor_found(&p->doctor, "programs", "install all of Argo's programs together",
                             "%s beside arc %s %s, arc is %s", names[i],
                             is == NULL ? "cannot be started" : "is version", is == NULL ? "" : is,
                             argo_version());
            ok = false;
        }
    }
    if (ok) {
        arc_doctor_found(&p->doctor, "programs", NULL, "all are version %s", argo_version());
    }
}

/* ---- CIs and templates ----------------------------------------------------------------------- */

static bool on_path(const char *program)
{
    const char *path = getenv("PATH");
    if (strchr(program, '/') != NULL) {
        return access(program, X_OK) == 0;
    }
    for (const char *dir = path == NULL ? "" : path; *dir != '\0';) {
        size_t len = strcspn(dir, ":");
        arc_auto_free char *file = arc_format("%.*s/%s", (int)len, dir, program);
        if (file != NULL && access(file, X_OK) == 0) {
            return true;
        }
        dir += len + (dir[len] == ':' ? 1 : 0);
    }
    return false;
}

static bool is_local(const char *url)
{
    return strncmp(url, "http://", 7) == 0; /* beyond this machine it must be https */
}

static void ask_ci(struct patient *p, const char *name)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_free char *mend = arc_format("see what it says: arc ci test %s", name);
    if (arc_ci_probe(p->arc, name, &err) < 0) {
        arc_doctor_found(&p->doctor, "CI", mend, "%s does not answer: %s", name,
                         argo_error_details(err));
    } else {
        arc_doctor_found(&p->doctor, "CI", NULL, "%s answers", name);
    }
}

static bool lacks_model(const struct patient *p, const argo_value *ci)
{
    const char *set = argo_config_get(p->arc->config, "ARGO_DEFAULT_MODEL");
    return *argo_value_text(ci, "model", "") == '\0' && (set == NULL || *set == '\0');
}

static void check_ci(struct patient *p, const argo_value *ci)
{
    arc_auto_error argo_error *err = NULL;
    const char *name = argo_value_text(ci, "name", "");
    const char *provider = argo_value_text(ci, "provider", "");
    const char *program = argo_value_text(ci, "command.0", "claude");
    const char *recording = argo_value_text(ci, "recording", "");
    arc_auto_free char *key = arc_format("%s/keys/%s", argo_context_home(p->arc->ctx), name);
    arc_auto_free char *store = arc_format("arc ci key %s", name);
    arc_auto_free char *anew = arc_format("arc ci remove %s, then arc ci add %s ...", name, name);
    bool has_key = p->arc->url != NULL || (key != NULL && access(key, R_OK) == 0);
    bool remote = strcmp(provider, "openai") == 0 || strcmp(provider, "anthropic") == 0;
    if (*provider == '\0') {
        arc_doctor_found(&p->doctor, "CI", anew, "%s has no provider: nobody can be asked", name);
    } else if (argo_ask_check(ci, &err) < 0) {
        arc_doctor_found(&p->doctor, "CI", anew, "%s: no step can ask it: %s", name,
                         argo_error_details(err));
    } else if (remote && lacks_model(p, ci)) {
        arc_doctor_found(&p->doctor, "CI", anew, "%s has no model, nor does ARGO_DEFAULT_MODEL",
                         name);
    } else if (remote && !has_key && !is_local(argo_value_text(ci, "base_url", ""))) {
        arc_doctor_found(&p->doctor, "CI", store, "%s has no key", name);
    } else if (strcmp(provider, "claude") == 0 && !on_path(program)) {
        arc_doctor_found(&p->doctor, "CI", "install it (npm install -g @anthropic-ai/claude-code)",
                         "%s: the program %s is not found", name, program);
    } else if (strcmp(provider, "replay") == 0 && access(recording, R_OK | X_OK) != 0) {
        arc_doctor_found(&p->doctor, "CI", anew, "%s: the recording %s is not there", name,
                         recording);
    } else if (p->ask) {
        ask_ci(p, name);
    } else {
        arc_doctor_found(&p->doctor, "CI", NULL, "%s (%s)", name, provider);
    }
}

static void check_cis(struct patient *p)
{
    arc_auto_reply struct arc_reply reply = {0};
    if (arc_request_running(p->arc, "GET", "/api/registry/ci", NULL, 0, &reply, NULL) < 0) {
        return;
    }
    const argo_value *list = argo_value_get(reply.value, "cis");
    for (size_t i = 0; i < argo_value_size(list); i++) {
        check_ci(p, argo_value_at(list, i));
    }
    if (argo_value_size(list) == 0) {
        arc_doctor_found(&p->doctor, "CI", NULL, "none yet; add one: arc help ci add");
    }
}

static void check_templates(struct patient *p)
{
    size_t before = p->doctor.wrong;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *cwd = getcwd(NULL, 0);
    arc_auto_free char *path = argo_client_path("/api/template?cwd={}", cwd == NULL ? "/" : cwd);
    if (arc_request_running(p->arc, "GET", path, NULL, 0, &reply, NULL) < 0) {
        return;
    }
    const argo_value *list = argo_value_get(reply.value, "templates");
    for (size_t i = 0; i < argo_value_size(list); i++) {
        const argo_value *t = argo_value_at(list, i);
        const char *file = argo_value_text(t, "path", "");
        const char *name = argo_value_text(t, "name", "");
        arc_auto_free char *validate = arc_format("arc validate %s", file);
        arc_auto_free char *trust = arc_format("look at it, then: arc template trust %s", name);
        if (!argo_value_bool(t, "valid", true)) {
            arc_doctor_found(&p->doctor, "template", validate, "%s is invalid", file);
        } else if (strcmp(argo_value_text(t, "trust", ""), "changed") == 0) {
            arc_doctor_found(&p->doctor, "template", trust, "%s has changed since it was trusted",
                             file);
        }
    }
    if (p->doctor.wrong == before) {
        arc_doctor_found(&p->doctor, "template", NULL, "%zu, all valid", argo_value_size(list));
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static void check_machine(struct patient *p)
{
    struct statvfs fs;
    struct rlimit files;
    const char *home = argo_context_home(p->arc->ctx);
    size_t before = p->doctor.wrong;
    bool there = arc_doctor_home(&p->doctor, home);
    p->homeless = !there && p->doctor.wrong > before;
    if (there) {
        arc_doctor_permissions(&p->doctor, home);
        if (statvfs(home, &fs) == 0) {
            arc_doctor_disk(&p->doctor, home, &fs);
        }
    }
    arc_doctor_clock(&p->doctor, home, time(NULL));
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        arc_doctor_limits(&p->doctor, &files);
    }
}

static void print(const struct arc_doctor *d)
{
    for (size_t i = 0; i < argo_value_size(d->findings); i++) {
        const argo_value *f = argo_value_at(d->findings, i);
        const char *mend = argo_value_text(f, "mend", NULL);
        arc_putf(stdout, "%s %-12s %s\n", mend == NULL ? "ok " : "!! ",
                 argo_value_text(f, "check", ""), argo_value_text(f, "message", ""));
        if (mend != NULL) {
            arc_putf(stdout, "%16s mend it: %s\n", "", mend);
        }
    }
}

static int report(struct arc *arc, const struct arc_doctor *d)
{
    int code = d->wrong == 0 ? ARC_EXIT_OK : ARC_EXIT_FAILED;
    if (!arc->json) {
        print(d);
        return code;
    }
    arc_auto_value argo_value *reply = argo_value_new_object();
    (void)argo_value_set_bool(reply, "ok", d->wrong == 0);
    (void)argo_value_set_value(reply, "findings", d->findings);
    arc_auto_free char *text = argo_value_print(reply, 0);
    arc_print_json(text);
    return code;
}

struct doctor {
    int ask;
};

static const struct arc_option doctor_options[] = {
    {"ask", 0, ARC_OPTION_FLAG, offsetof(struct doctor, ask), NULL,
     "ask each CI one small question, too; that may cost", ARC_WORDS_NONE},
    {0},
};

static int doctor(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct doctor given = {0};
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, &given, argc, argv, &none, &code)) {
        return code;
    }
    arc_auto_value argo_value *findings = argo_value_new_array();
    struct patient p = {.arc = arc, .ask = given.ask, .doctor = {.findings = findings}};
    check_settings(&p);
    check_machine(&p);
    check_programs(&p);
    check_running(&p);
    check_port(&p);
    if (p.runs) {
        check_cis(&p);
        check_templates(&p);
    }
    return report(arc, &p.doctor);
}

const struct arc_command arc_command_doctor = {
    .name = "doctor",
    .brief = "Look for what is wrong, and say how to mend it",
    .help = "Exit code 1 when something is to be mended. Nothing is started or changed.\n",
    .run = doctor,
    .options = doctor_options,
    .unsettled = true,
};
