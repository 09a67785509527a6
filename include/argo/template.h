/*
 * The templates that a daemon finds: by name in its home, among the installed ones, and in the
 * directory that a run would be started in. argo_workflow_start runs one, argo_workflow_validate
 * checks one.
 *
 * The calls are typed calls: HOW says whether they block, see struct argo_call_options. For what a
 * snapshot gives the same holds as for those of <argo/workflow.h>.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_TEMPLATE_H
#define ARGO_TEMPLATE_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

typedef struct argo_template argo_template;
typedef struct argo_templates argo_templates;

/* All templates, by name, those that do not load as well; CWD is the directory to look into first,
 * or NULL. Errors: ARGO_E_INVALID. Since: 0.1 */
ARGO_PUBLIC int argo_template_list(argo_client *client, const char *cwd,
                                   const struct argo_call_options *how, argo_templates **out,
                                   argo_error **err);

/* The template NAME, looked for in CWD first unless that is NULL. Errors: ARGO_E_INVALID, ARGO_E_ID,
 * ARGO_E_NO_TEMPLATE. Since: 0.1 */
ARGO_PUBLIC int argo_template_get(argo_client *client, const char *name, const char *cwd,
                                  const struct argo_call_options *how, argo_template **out,
                                  argo_error **err);

/* The templates of a list, each valid until the list is freed (NULL beyond the last).
 * argo_templates_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_templates_count(const argo_templates *list);
ARGO_PUBLIC const argo_template *argo_templates_at(const argo_templates *list, size_t index);
ARGO_PUBLIC void argo_templates_free(argo_templates *list);

/* Texts of a template: its name, its file, what it is for (of one that does not load: why), whether
 * a file of a directory is trusted, the file of the one that it hides; its own text, which a list
 * does not have. Since: 0.1 */
ARGO_PUBLIC const char *argo_template_name(const argo_template *found);
ARGO_PUBLIC const char *argo_template_path(const argo_template *found);
ARGO_PUBLIC const char *argo_template_description(const argo_template *found);
ARGO_PUBLIC const char *argo_template_trust(const argo_template *found);
ARGO_PUBLIC const char *argo_template_shadows(const argo_template *found);
ARGO_PUBLIC const char *argo_template_definition(const argo_template *found);

/* Whether it loads; how many steps it has; its parameters as JSON, an object. Since: 0.1 */
ARGO_PUBLIC bool argo_template_valid(const argo_template *found);
ARGO_PUBLIC int64_t argo_template_steps(const argo_template *found);
ARGO_PUBLIC const char *argo_template_parameters(const argo_template *found, size_t *len);

/* Frees a template of argo_template_get; not one of a list. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_template_free(argo_template *found);

ARGO_END_DECLS

#endif
