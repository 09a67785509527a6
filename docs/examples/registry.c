/*
 * Registers a CI, shows all of them, and says what waits for a person: calls that block, as they
 * suit a tool. Usage: registry HOME NAME MODEL
 */
#include <stdio.h>

#include <argo/argo.h>

/* A CI that is there already is as good. */
static int add(argo_client *client, const char *name, const char *model, argo_error **err)
{
    struct argo_ci_options options = ARGO_CI_OPTIONS_INIT;
    argo_error *why = NULL;
    options.name = name;
    options.provider = "openai";
    options.model = model;
    options.base_url = "http://127.0.0.1:11434/v1";
    int r = argo_ci_add(client, &options, NULL, NULL, &why);
    if (r < 0 && r != ARGO_E_EXISTS) {
        *err = why;
        return r;
    }
    argo_error_free(why);
    return 0;
}

static int show_cis(argo_client *client, argo_error **err)
{
    argo_cis *list = NULL;
    int r = argo_ci_list(client, NULL, &list, err);
    for (size_t i = 0; i < argo_cis_count(list); i++) {
        const argo_ci *ci = argo_cis_at(list, i);
        printf("%s: %s by %s\n", argo_ci_name(ci), argo_ci_model(ci), argo_ci_provider(ci));
    }
    argo_cis_free(list);
    return r;
}

/* The runs that have not ended, page by page, each with a hint to it. */
static int show_runs(argo_client *client, argo_error **err)
{
    struct argo_workflow_list_options options = ARGO_WORKFLOW_LIST_OPTIONS_INIT;
    argo_workflows *page = NULL;
    int r = 0;
    do {
        argo_workflows *next = NULL;
        options.cursor = argo_workflows_next_cursor(page);
        r = argo_workflow_list(client, &options, NULL, &next, err);
        argo_workflows_free(page);
        page = next;
        for (size_t i = 0; r == 0 && i < argo_workflows_count(page); i++) {
            const argo_workflow *run = argo_workflows_at(page, i);
            printf("%s is %s\n", argo_workflow_id(run),
                   argo_workflow_state_name(argo_workflow_state(run)));
            r = argo_message_send(client, argo_workflow_id(run), "x-seen", "\"by registry\"", 0,
                                  NULL, NULL, err);
        }
    } while (r == 0 && argo_workflows_next_cursor(page) != NULL);
    argo_workflows_free(page);
    return r;
}

static int show_questions(argo_client *client, argo_error **err)
{
    argo_questions *open = NULL;
    int r = argo_question_list(client, NULL, NULL, &open, err);
    for (size_t i = 0; i < argo_questions_count(open); i++) {
        const argo_question *question = argo_questions_at(open, i);
        printf("%s asks: %s\n", argo_question_workflow_id(question),
               argo_question_prompt(question));
    }
    argo_questions_free(open);
    return r;
}

int main(int argc, char **argv)
{
    argo_context *ctx = NULL;
    argo_client *client = NULL;
    argo_error *err = NULL;
    if (argc != 4) {
        fprintf(stderr, "Usage: %s HOME NAME MODEL\n", argv[0]);
        return 2;
    }
    int r = argo_context_new(argv[1], &ctx, &err);
    r = r < 0 ? r : argo_client_new(ctx, NULL, &client, &err);
    r = r < 0 ? r : add(client, argv[2], argv[3], &err);
    r = r < 0 ? r : show_cis(client, &err);
    r = r < 0 ? r : show_runs(client, &err);
    r = r < 0 ? r : show_questions(client, &err);
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
    }
    argo_error_free(err);
    argo_client_free(client);
    argo_context_free(ctx);
    return r < 0 ? 1 : 0;
}
