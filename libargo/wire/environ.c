/*
 * Environments, between an object and a list.
 */
#include "wire/environ.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"

void ag_text_list_free(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        free(list[i]);
    }
    free(list);
}

char **ag_environ_list(const ag_value *object)
{
    ag_auto_text_list list = calloc(ag_value_size(object) + 1, sizeof(char *));
    struct ag_value_iter it = {0};
    size_t n = 0;
    while (list != NULL && ag_value_next(object, &it)) {
        ag_auto_free char *text = ag_value_display(it.value);
        list[n] = text != NULL ? ag_asprintf("%s=%s", it.key, text) : NULL;
        if (list[n++] == NULL) {
            return NULL;
        }
    }
    return ag_take(list);
}

static int add_own(ag_value *object, const char *entry)
{
    const char *value = strchr(entry, '=');
    ag_auto_free char *name = value != NULL ? ag_strndup(entry, (size_t)(value - entry)) : NULL;
    if (name == NULL || ag_starts_with(name, "ARGO_") || !ag_utf8_valid(entry, strlen(entry))) {
        return 0;
    }
    return ag_value_set(object, name, ag_value_text(value + 1));
}

ag_value *ag_environ_own(void)
{
    AG_AUTO(ag_value) object = ag_value_object();
    int r = object != NULL ? 0 : ARGO_E_NOMEM;
    for (char **entry = environ; r == 0 && entry != NULL && *entry != NULL; entry++) {
        r = add_own(object, *entry);
    }
    return r == 0 ? ag_take(object) : NULL;
}
