/*
 * template new: a template to begin with. What is there already is never overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arc.h"
#include "commands.h"
#include "file.h"

static const char starter[] =
    "# A workflow: steps that run one after the other, and ask you when they need you.\n"
    "# Check it:  arc validate %s\n"
    "# Start it:  arc start %s\n"
    "workflow_name: %s\n"
    "description: What it is for, in a line\n"
    "\n"
    "# What may be given at the start: arc start FILE -p greeting=Hi\n"
    "parameters:\n"
    "  greeting: {type: string, default: Hello}\n"
    "\n"
    "steps:\n"
    "  # A question waits for you, however long. The answer is saved under a name.\n"
    "  - step: name\n"
    "    type: user_ask\n"
    "    prompt: What is your name?\n"
    "    default: world\n"
    "    save_to: name\n"
    "\n"
    "  # A command is its words, never a shell line; {{name}} becomes what was saved.\n"
    "  - step: count\n"
    "    type: command\n"
    "    argv: [wc, -c]\n"
    "    stdin: \"{{name}}\"\n"
    "    save_to: count\n"
    "    repeat: safe        # it may run again when it was interrupted\n"
    "\n"
    "  # To ask a model, register one (arc help ci add), and use this instead of `greet`:\n"
    "  # - step: greet\n"
    "  #   type: ci_ask\n"
    "  #   prompt: \"Greet {{name}} with {{greeting}}, in one line.\"\n"
    "  #   save_to: text\n"
    "\n"
    "  - step: greet\n"
    "    type: display\n"
    "    message: \"{{greeting}}, {{name}}! That is {{count}} bytes.\"\n";

/* The name of the template in the file PATH: without directories and ending. */
static char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    return arc_format("%.*s", (int)(dot == NULL ? strlen(base) : (size_t)(dot - base)), base);
}

static bool is_id(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return len > 0 && len <= 64 && name[len] == '\0' && strchr("._-", name[0]) == NULL &&
           strstr(name, "..") == NULL;
}

static int write_new(struct arc *arc, const char *path, const char *name)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        return arc_failed(arc, "%s is there already; nothing has been written. Give another name",
                          path);
    }
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool ok = file != NULL && fprintf(file, starter, path, path, name) > 0;
    ok = file != NULL && fclose(file) == 0 && ok;
    if (!ok) {
        arc_failed(arc, "%s: %s", path, strerror(errno));
        if (file != NULL) {
            (void)unlink(path);
        }
        return ARC_EXIT_FAILED;
    }
    return ARC_EXIT_OK;
}

static void print_json(const char *path, const char *name)
{
    arc_auto_value argo_value *reply = argo_value_new_object();
    (void)argo_value_set_text(reply, "status", "success");
    (void)argo_value_set_text(reply, "path", path);
    (void)argo_value_set_text(reply, "name", name);
    arc_auto_free char *text = argo_value_print(reply, 0);
    arc_print_json(text);
}

static int template_new(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    const char *word = words.items[0];
    bool here = !arc_is_file_name(word);
    arc_auto_free char *path = here ? arc_format("./.argo/workflows/%s.yaml", word) : strdup(word);
    arc_auto_free char *name = path == NULL ? NULL : name_in(path);
    if (name == NULL) {
        return arc_failed(arc, "Out of memory");
    }
    if (!is_id(name)) {
        return arc_usage(arc,
                         "template new: '%s' is no name: it begins with a letter or digit and has "
                         "up to 64 of A-Z a-z 0-9 . _ -",
                         name);
    }
    if (here) {
        (void)mkdir(".argo", 0777);
        (void)mkdir(".argo/workflows", 0777);
    }
    code = write_new(arc, path, name);
    if (code == ARC_EXIT_OK && arc->json) {
        print_json(path, name);
    } else if (code == ARC_EXIT_OK) {
        arc_putf(stdout, "%s\n", path);
        arc_putf(stderr, "Edit it, then: arc start %s\n", path);
        if (here) {
            arc_putf(stderr, "To start it by its name: arc template trust %s\n", name);
        }
    }
    return code;
}

const struct arc_command arc_command_template_new = {
    .name = "template new",
    .arguments = "NAME|PATH",
    .brief = "Write a template to begin with",
    .help =
        "NAME goes to ./.argo/workflows/NAME.yaml. What is there already is never overwritten.\n"
        "It runs by its path; by its name only when it is trusted: it will change yet.\n",
    .run = template_new,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_FILE},
    .unsettled = true,
};
