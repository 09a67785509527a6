/*
 * template list, template show, validate.
 */
#include <string.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"
#include "file.h"
#include "table.h"

/* Of this directory as well, which is asked for by its path. */
static char *path_here(const char *format, const char *name)
{
    arc_auto_free char *cwd = getcwd(NULL, 0);
    const char *dir = cwd == NULL ? "/" : cwd;
    return name == NULL ? argo_client_path(format, dir) : argo_client_path(format, name, dir);
}

static void add_template(struct arc_table *table, const argo_value *t)
{
    char steps[24];
    bool valid = argo_value_bool(t, "valid", true);
    const char *trust = argo_value_text(t, "trust", "");
    snprintf(steps, sizeof(steps), "%lld", (long long)argo_value_int(t, "steps", 0));
    arc_auto_free char *state = arc_format(
        "%s%s", trust, argo_value_text(t, "shadows", NULL) == NULL ? "" : ", shadows another");
    arc_table_add(table, argo_value_text(t, "name", ""));
    arc_table_add(table, valid ? steps : "invalid");
    arc_table_add(table, state == NULL ? trust : state);
    arc_table_add(table, argo_value_text(t, "description", ""));
}

static int template_list(struct arc *arc, int argc, char **argv)
{
    static const char *const headers[] = {"NAME", "STEPS", "HERE", "DESCRIPTION", NULL};
    int code = 0;
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &none, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = path_here("/api/template?cwd={}", NULL);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const argo_value *list = argo_value_get(reply.value, "templates");
    if (argo_value_size(list) == 0) {
        arc_putf(stderr, "No templates. Put one into %s/workflows/templates\n",
                 argo_context_home(arc->ctx));
        return ARC_EXIT_OK;
    }
    struct arc_table table;
    arc_table_init(&table, headers);
    for (size_t i = 0; i < argo_value_size(list); i++) {
        add_template(&table, argo_value_at(list, i));
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_template_list = {
    .name = "template list",
    .brief = "List templates",
    .help = "HERE says of those in .argo/workflows, here or above, whether they are trusted.\n",
    .run = template_list,
};

static int template_show(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = path_here("/api/template/{}?cwd={}", words.items[0]);
    if (!arc_fetch(arc, path, &reply, &code)) {
        return code;
    }
    const char *text = argo_value_text(reply.value, "data.definition", "");
    size_t len = strlen(text);
    arc_put(stdout, text);
    fputs(len > 0 && text[len - 1] != '\n' ? "\n" : "", stdout);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_template_show = {
    .name = "template show",
    .arguments = "NAME",
    .brief = "Print a template",
    .run = template_show,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_TEMPLATE},
};

static int validate(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    arc_auto_value argo_value *body = argo_value_new_object();
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    code = arc_put_template(arc, words.items[0], body);
    if (code != 0) {
        return code;
    }
    arc_auto_free char *cwd = getcwd(NULL, 0);
    if (cwd != NULL) {
        (void)argo_value_set_text(body, "cwd", cwd);
    }
    arc_auto_error argo_error *err = NULL;
    arc_auto_reply struct arc_reply reply = {0};
    if (arc_request(arc, "POST", "/api/template/validate", body, 0, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    if (arc->json) {
        return arc_print_reply(&reply);
    }
    arc_putf(stdout, "%s is valid (%lld steps)\n", words.items[0],
             (long long)argo_value_int(reply.value, "data.steps", 0));
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_validate = {
    .name = "validate",
    .arguments = "FILE|TEMPLATE",
    .brief = "Check a template and print every problem",
    .run = validate,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_TEMPLATE},
};
