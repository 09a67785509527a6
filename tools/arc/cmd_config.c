/*
 * config, config get, set, unset: the settings, where they come from, and the home's file.
 */
#include <string.h>

#include "arc.h"
#include "commands.h"
#include "table.h"

static void set_value(argo_value *object, const char *value)
{
    (void)(value == NULL ? argo_value_set_null(object, "value")
                         : argo_value_set_text(object, "value", value));
}

static argo_value *describe(const struct argo_setting *setting)
{
    argo_value *item = argo_value_new_object();
    (void)argo_value_set_text(item, "key", setting->key);
    set_value(item, setting->value);
    (void)argo_value_set_text(item, "source", setting->source);
    (void)argo_value_set_text(item, "help", setting->help);
    return item;
}

static int print_value(const argo_value *value)
{
    arc_auto_free char *text = argo_value_print(value, 0);
    arc_print_json(text);
    return ARC_EXIT_OK;
}

static int print_json(const argo_config *config)
{
    const struct argo_setting *setting;
    arc_auto_value argo_value *reply = argo_value_new_object();
    arc_auto_value argo_value *list = argo_value_new_array();
    for (size_t i = 0; (setting = argo_config_at(config, i)) != NULL; i++) {
        arc_auto_value argo_value *item = describe(setting);
        (void)argo_value_set_value(list, NULL, item);
    }
    (void)argo_value_set_value(reply, "settings", list);
    return print_value(reply);
}

static int config_list(struct arc *arc, int argc, char **argv)
{
    static const char *const headers[] = {"SETTING", "VALUE", "FROM", NULL};
    int code = 0;
    arc_auto_list struct arc_list none = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &none, &code)) {
        return code;
    }
    if (arc->json) {
        return print_json(arc->config);
    }
    const struct argo_setting *setting;
    struct arc_table table;
    arc_table_init(&table, headers);
    for (size_t i = 0; (setting = argo_config_at(arc->config, i)) != NULL; i++) {
        arc_table_add(&table, setting->key);
        arc_table_add(&table, setting->value == NULL ? "" : setting->value);
        arc_table_add(&table, setting->source);
    }
    arc_table_print(&table, stdout, arc_terminal_width());
    arc_table_clear(&table);
    return ARC_EXIT_OK;
}

const struct arc_command arc_command_config = {
    .name = "config",
    .brief = "Show the settings and where they come from",
    .help =
        "The command line counts before the environment, then come ./.env.argo.local, ./.env.argo,\n"
        "$ARGO_HOME/config, and what is built in.\n",
    .run = config_list,
};

/* A key that there is; else says which is the nearest. */
static int find_key(struct arc *arc, const char *key, const struct argo_setting **out)
{
    const struct argo_setting *setting;
    arc_auto_error argo_error *err = NULL;
    for (size_t i = 0; (setting = argo_config_at(arc->config, i)) != NULL; i++) {
        if (strcmp(setting->key, key) == 0) {
            *out = setting;
            return 0;
        }
    }
    (void)argo_config_set(arc->config, key, "", &err);
    (void)arc_wrong_setting(arc, err);
    return ARC_EXIT_NOT_FOUND;
}

static int config_get(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    const struct argo_setting *setting = NULL;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    code = find_key(arc, words.items[0], &setting);
    if (code == 0 && setting->value == NULL) {
        arc_failed(arc, "%s is not set", setting->key);
        return ARC_EXIT_NOT_FOUND;
    }
    if (code == 0 && arc->json) {
        arc_auto_value argo_value *item = describe(setting);
        return print_value(item);
    }
    if (code == 0) {
        arc_putf(stdout, "%s\n", setting->value);
    }
    return code;
}

const struct arc_command arc_command_config_get = {
    .name = "config get",
    .arguments = "SETTING",
    .brief = "Print the value of a setting",
    .run = config_get,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SETTING},
};

/* Says what has been written, and what it does not change. */
static int stored(struct arc *arc, const char *key, const char *value)
{
    const struct argo_setting *setting = NULL;
    const char *home = argo_context_home(arc->ctx);
    if (value != NULL) {
        arc_putf(stderr, "%s/config: %s is %s\n", home, key, value);
    } else {
        arc_putf(stderr, "%s/config: %s is not set\n", home, key);
    }
    if (arc->config == NULL || find_key(arc, key, &setting) != 0) {
        return ARC_EXIT_OK;
    }
    if (setting->given && strncmp(setting->source, home, strlen(home)) != 0) {
        arc_putf(stderr, "What counts here is %s, from: %s\n", setting->value, setting->source);
    }
    if (setting->option != NULL) {
        fputs("A daemon that runs goes on as it is: arc daemon stop, then arc daemon start\n",
              stderr);
    }
    return ARC_EXIT_OK;
}

static int stored_json(const struct arc *arc, const char *key, const char *value)
{
    arc_auto_value argo_value *reply = argo_value_new_object();
    arc_auto_free char *file = arc_format("%s/config", argo_context_home(arc->ctx));
    (void)argo_value_set_text(reply, "status", "success");
    (void)argo_value_set_text(reply, "key", key);
    set_value(reply, value);
    (void)argo_value_set_text(reply, "file", file == NULL ? "" : file);
    return print_value(reply);
}

static int store(struct arc *arc, const char *key, const char *value)
{
    arc_auto_error argo_error *err = NULL;
    if (argo_config_store(arc->ctx, key, value, &err) < 0) {
        return arc_wrong_setting(arc, err);
    }
    return arc->json ? stored_json(arc, key, value) : stored(arc, key, value);
}

static int config_set(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    return arc_arguments(arc, NULL, argc, argv, &words, &code)
               ? store(arc, words.items[0], words.items[1])
               : code;
}

const struct arc_command arc_command_config_set = {
    .name = "config set",
    .arguments = "SETTING VALUE",
    .brief = "Write a setting into $ARGO_HOME/config",
    .run = config_set,
    .min = 2,
    .max = 2,
    .words = {ARC_WORDS_SETTING},
    .unsettled = true,
};

static int config_unset(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    arc_auto_list struct arc_list words = {0};
    return arc_arguments(arc, NULL, argc, argv, &words, &code) ? store(arc, words.items[0], NULL)
                                                               : code;
}

const struct arc_command arc_command_config_unset = {
    .name = "config unset",
    .arguments = "SETTING",
    .brief = "Take a setting out of $ARGO_HOME/config",
    .run = config_unset,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SETTING},
    .unsettled = true,
};
