/*
 * template trust, config trust: files of a repository count when somebody has looked at them. The
 * daemon keeps the record, and takes nothing from a process of a run.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"
#include "file.h"
#include "table.h"

struct trust {
    int yes, list, remove;
};

static const struct arc_option trust_options[] = {
    {"yes", 'y', ARC_OPTION_FLAG, offsetof(struct trust, yes), NULL,
     "do not ask: it has been looked at", ARC_WORDS_NONE},
    {"list", 'l', ARC_OPTION_FLAG, offsetof(struct trust, list), NULL,
     "list what is trusted, and whether it has changed since", ARC_WORDS_NONE},
    {"remove", 0, ARC_OPTION_FLAG, offsetof(struct trust, remove), NULL, "trust it no longer",
     ARC_WORDS_NONE},
    {0},
};

/* The template NAME of the directory above whose templates count here; NULL: there is none. */
static char *find_above(struct arc *arc, const char *name)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *cwd = getcwd(NULL, 0);
    arc_auto_free char *path =
        argo_client_path("/api/template/{}?cwd={}", name, cwd == NULL ? "/" : cwd);
    if (arc_request(arc, "GET", path, NULL, 0, &reply, &err) < 0 ||
        argo_value_get(reply.value, "data.trust") == NULL) {
        return NULL;
    }
    return realpath(argo_value_text(reply.value, "data.path", ""), NULL);
}

/* The file that WORD means, absolute: a path, or the name of a template that counts here, which need
 * not be there. NULL without memory. */
static char *find_file(struct arc *arc, const char *word)
{
    static const char *const endings[] = {".json", ".yaml", ".yml"};
    char *real = realpath(word, NULL);
    for (size_t i = 0; real == NULL && i < 3 && !arc_is_file_name(word); i++) {
        arc_auto_free char *path = arc_format("./.argo/workflows/%s%s", word, endings[i]);
        real = path == NULL ? NULL : realpath(path, NULL);
    }
    if (real == NULL && arc->command == &arc_command_template_trust && !arc_is_file_name(word)) {
        real = find_above(arc, word);
    }
    if (real != NULL) {
        return real;
    }
    arc_auto_free char *cwd = getcwd(NULL, 0);
    bool name = !arc_is_file_name(word);
    return arc_format("%s%s%s%s%s", *word == '/' || cwd == NULL ? "" : cwd, *word == '/' ? "" : "/",
                      name ? ".argo/workflows/" : "", word, name ? ".yaml" : "");
}

static int list_trusted(struct arc *arc)
{
    static const char *const headers[] = {"FILE", "STATE", NULL};
    int code = 0;
    arc_auto_reply struct arc_reply reply = {0};
    if (!arc_fetch(arc, "/api/trust", &reply, &code)) {
        return code;
    }
    const argo_value *list = argo_value_get(reply.value, "files");
    if (argo_value_size(list) == 0) {
        fputs("Nothing is trusted.\n", stderr);
        return ARC_EXIT_OK;
    }
    struct arc_table table;
    arc_table_init(&table, headers);
    for (size_t i = 0; i < argo_value_size(list); i++) {
        arc_table_add(&table, argo_value_text(argo_value_at(list, i), "path", ""));
        arc_table_add(&table, argo_value_text(argo_value_at(list, i), "trust", ""));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    return ARC_EXIT_OK;
}

static int take_back(struct arc *arc, const char *file)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/trust?path={}", file);
    if (arc_request(arc, "DELETE", path, NULL, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s is not trusted any longer\n", file);
    return ARC_EXIT_OK;
}

static void show_step(const argo_value *step)
{
    const argo_value *does = argo_value_get(step, "does");
    arc_auto_free char *json = does == NULL ? NULL : argo_value_print(does, 0);
    const char *text = argo_value_text(does, NULL, json == NULL ? "" : json);
    size_t len = strcspn(text, "\n");
    arc_putf(stderr, "    %-14s %-12s %.*s%s\n", argo_value_text(step, "step", ""),
             argo_value_text(step, "type", ""), (int)len, text, text[len] == '\0' ? "" : " ...");
}

/* What it is, and what it would do: to be read before it is trusted. */
static void show(const argo_value *reply)
{
    const argo_value *data = argo_value_get(reply, "data");
    arc_putf(stderr, "%s\n  sha256  %s\n  state   %s\n", argo_value_text(reply, "path", ""),
             argo_value_text(reply, "sha256", ""), argo_value_text(reply, "trust", ""));
    if (strcmp(argo_value_text(data, "kind", ""), "config") == 0) {
        arc_putf(stderr, "  it says\n%s\n", argo_value_text(data, "text", ""));
        return;
    }
    if (!argo_value_bool(data, "valid", true)) {
        arc_putf(stderr, "  invalid: %s\n", argo_value_text(data, "error", ""));
    }
    const argo_value *steps = argo_value_get(data, "steps");
    arc_putf(stderr, "  steps   %zu\n", argo_value_size(steps));
    for (size_t i = 0; i < argo_value_size(steps); i++) {
        show_step(argo_value_at(steps, i));
    }
}

static int give(struct arc *arc, const char *file, const argo_value *seen)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    if (argo_value_set_text(body, "path", file) < 0) {
        return arc_failed(arc, "%s: the path is not UTF-8", file);
    }
    (void)argo_value_set_text(body, "sha256", argo_value_text(seen, "sha256", ""));
    if (arc_request(arc, "POST", "/api/trust", body, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s is trusted as it is now\n", file);
    return ARC_EXIT_OK;
}

static int look_and_give(struct arc *arc, const struct trust *given, const char *file)
{
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply seen = {0};
    arc_auto_free char *path = argo_client_path("/api/trust?path={}", file);
    if (access(file, F_OK) != 0 && arc->url == NULL) {
        arc_failed(arc, "%s: %s", file, strerror(errno));
        fputs("See which there are: arc template list\n", stderr);
        return ARC_EXIT_NOT_FOUND;
    }
    if (arc_request(arc, "GET", path, NULL, 0, &seen, &err) < 0) {
        return arc_fail(arc, err);
    }
    show(seen.value);
    if (!given->yes && !arc->terminal) {
        return arc_usage(arc, "%s: without a terminal to ask on, --yes is needed",
                         arc->command->name);
    }
    if (!given->yes && !arc_confirmed("Let it count, as it is now?")) {
        fputs("It is not trusted.\n", stderr);
        return ARC_EXIT_FAILED;
    }
    return give(arc, file, seen.value);
}

static int trust(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct trust given = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &given, argc, argv, &words, &code)) {
        return code;
    }
    if (arc->command == &arc_command_config_trust) {
        arc->url = NULL; /* this program reads such a file, so this home's record counts */
    }
    if (given.list && words.n == 0) {
        return list_trusted(arc);
    }
    if (given.list || words.n == 0) {
        return arc_usage(arc, "%s: expected a file, or --list", arc->command->name);
    }
    if (arc->url != NULL && words.items[0][0] != '/') {
        return arc_usage(arc,
                         "%s: with --url expected the file's absolute path where the daemon runs",
                         arc->command->name);
    }
    /* What is listed may have become a link: taking it back is about the path as it was. */
    bool as_it_is = arc->url != NULL || (given.remove && words.items[0][0] == '/');
    arc_auto_free char *file = as_it_is ? strdup(words.items[0]) : find_file(arc, words.items[0]);
    if (file == NULL) {
        return arc_failed(arc, "Out of memory");
    }
    return given.remove ? take_back(arc, file) : look_and_give(arc, &given, file);
}

const struct arc_command arc_command_template_trust = {
    .name = "template trust",
    .arguments = "NAME|PATH",
    .brief = "Let a template of .argo/workflows run by its name",
    .help = "Shows what it would do, and asks. When the file changes it is no longer trusted.\n",
    .run = trust,
    .options = trust_options,
    .max = 1,
    .words = {ARC_WORDS_TEMPLATE},
    .unsettled = true,
};

const struct arc_command arc_command_config_trust = {
    .name = "config trust",
    .arguments = "PATH",
    .brief = "Let ./.env.argo or ./.env.argo.local set everything",
    .help = "Without it they may set the port, the default provider and the default model only.\n",
    .run = trust,
    .options = trust_options,
    .max = 1,
    .words = {ARC_WORDS_FILE},
    .unsettled = true,
};
