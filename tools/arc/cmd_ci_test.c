/*
 * ci test: asks a CI one small question from here, as an executor would, and tells how it went.
 */
#include <string.h>
#include <time.h>

#include <argo/ask.h>

#include "arc.h"
#include "commands.h"

#define QUESTION        "Reply with the word pong, and with nothing else."
#define DEFAULT_TIMEOUT 60
#define MAX_TIMEOUT     3600

struct test {
    const char *prompt, *model, *timeout;
};

/* When it was asked, and how long its first word took. */
struct clock {
    double asked, first_word;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int on_text(void *user, const char *text, size_t len, const char *label)
{
    struct clock *clock = user;
    if (clock->first_word < 0) {
        clock->first_word = now() - clock->asked;
    }
    return 0;
}

/* The CI as the daemon has it. */
static int get_ci(struct arc *arc, const char *name, argo_value **out, argo_error **err)
{
    arc_auto_reply struct arc_reply reply = {0};
    arc_auto_free char *path = argo_client_path("/api/registry/ci/{}", name);
    int r = arc_request(arc, "GET", path, NULL, 0, &reply, err);
    if (r < 0) {
        return r;
    }
    arc_auto_free char *text = argo_value_print(argo_value_get(reply.value, "data"), 0);
    return argo_value_parse(text, text == NULL ? 0 : strlen(text), out, err);
}

static void put_seconds(const char *name, double seconds)
{
    printf("%-11s %.*f s\n", name, seconds < 10 ? 2 : 1, seconds);
}

static void print_usage(const argo_value *usage)
{
    const argo_value *cost = argo_value_get(usage, "cost_usd");
    arc_putf(stdout, "%-11s %s\n", "model", argo_value_text(usage, "model", "?"));
    if (argo_value_get(usage, "input_tokens") != NULL) {
        printf("%-11s %lld in, %lld out\n", "tokens",
               (long long)argo_value_int(usage, "input_tokens", 0),
               (long long)argo_value_int(usage, "output_tokens", 0));
    }
    if (cost != NULL) {
        printf("%-11s $%g\n", "cost", argo_value_real(usage, "cost_usd", 0));
    }
    if (argo_value_int(usage, "attempts", 1) > 1) {
        printf("%-11s %lld\n", "attempts", (long long)argo_value_int(usage, "attempts", 1));
    }
}

static int print_json(const char *name, const argo_value *reply, const struct clock *clock,
                      double took)
{
    arc_auto_value argo_value *out = argo_value_new_object();
    (void)argo_value_set_text(out, "name", name);
    (void)argo_value_set_text(out, "text", argo_value_text(reply, "text", ""));
    (void)argo_value_set_value(out, "label", argo_value_get(reply, "label"));
    (void)argo_value_set_real(out, "seconds", took);
    (void)argo_value_set_real(out, "first_word", clock->first_word);
    (void)argo_value_set_value(out, "usage", argo_value_get(reply, "usage"));
    arc_auto_free char *text = argo_value_print(out, 0);
    arc_print_json(text != NULL ? text : "null");
    return ARC_EXIT_OK;
}

static int print(const char *name, const argo_value *reply, const struct clock *clock, double took)
{
    const char *text = argo_value_text(reply, "text", "");
    const argo_value *label = argo_value_get(reply, "label");
    if (argo_value_type(label) == ARGO_TYPE_TEXT) {
        arc_putf(stdout, "%s plays a recording.\n", name);
    } else {
        arc_putf(stdout, "%s answers.\n", name);
    }
    arc_putf(stdout, "%-11s %s\n", "answer", text);
    put_seconds("took", took);
    if (clock->first_word >= 0) {
        put_seconds("first word", clock->first_word);
    }
    print_usage(argo_value_get(reply, "usage"));
    return ARC_EXIT_OK;
}

/* The model that is asked: TEST's, else where the CI has none that of the settings. */
static const char *choose_model(struct arc *arc, const argo_value *ci, const struct test *test)
{
    bool own = *argo_value_text(ci, "model", "") != '\0' ||
               strcmp(argo_value_text(ci, "provider", ""), "claude") == 0;
    return test->model != NULL || own ? test->model
                                      : argo_config_get(arc->config, "ARGO_DEFAULT_MODEL");
}

static int ask(struct arc *arc, const char *name, const struct test *test, long seconds,
               struct clock *clock, argo_value **reply, argo_error **err)
{
    arc_auto_value argo_value *ci = NULL;
    arc_auto_value argo_value *upstream = NULL;
    arc_auto_value argo_value *request = argo_value_new_object();
    int r = get_ci(arc, name, &ci, err);
    const char *recorded = argo_value_text(ci, "upstream", NULL);
    if (r == 0 && recorded != NULL) {
        r = get_ci(arc, recorded, &upstream, err);
    }
    if (r < 0) {
        return r;
    }
    const char *model = choose_model(arc, ci, test);
    (void)argo_value_set_text(request, "prompt", test->prompt != NULL ? test->prompt : QUESTION);
    if (model != NULL && *model != '\0') {
        (void)argo_value_set_text(request, "model", model);
    }
    *clock = (struct clock){now(), -1};
    return argo_ask(arc->ctx, ci, upstream, request, seconds * 1000, on_text, clock, reply, err);
}

int arc_ci_probe(struct arc *arc, const char *name, argo_error **err)
{
    struct test test = {0};
    struct clock clock;
    arc_auto_value argo_value *reply = NULL;
    return ask(arc, name, &test, DEFAULT_TIMEOUT, &clock, &reply, err);
}

static int test_ci(struct arc *arc, const char *name, const struct test *test, long seconds)
{
    struct clock clock;
    arc_auto_error argo_error *err = NULL;
    arc_auto_value argo_value *reply = NULL;
    if (ask(arc, name, test, seconds, &clock, &reply, &err) < 0) {
        return arc_fail(arc, err);
    }
    double took = now() - clock.asked;
    return arc->json ? print_json(name, reply, &clock, took) : print(name, reply, &clock, took);
}

static int ci_test(struct arc *arc, int argc, char **argv)
{
    int code = 0;
    struct test test = {0};
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, &test, argc, argv, &words, &code)) {
        return code;
    }
    long seconds =
        test.timeout == NULL ? DEFAULT_TIMEOUT : arc_parse_number(test.timeout, 1, MAX_TIMEOUT);
    if (seconds < 0) {
        return arc_usage(arc, "ci test: --timeout is '%s', expected 1 to %d seconds", test.timeout,
                         MAX_TIMEOUT);
    }
    return test_ci(arc, words.items[0], &test, seconds);
}

static const struct arc_option options[] = {
    {"prompt", 0, ARC_OPTION_TEXT, offsetof(struct test, prompt), "TEXT",
     "what to ask, instead of one word", ARC_WORDS_NONE},
    {"model", 'm', ARC_OPTION_TEXT, offsetof(struct test, model), "M", "another model than its own",
     ARC_WORDS_NONE},
    {"timeout", 0, ARC_OPTION_TEXT, offsetof(struct test, timeout), "S",
     "how many seconds it may take (60)", ARC_WORDS_NONE},
    {0},
};

const struct arc_command arc_command_ci_test = {
    .name = "ci test",
    .arguments = "NAME",
    .brief = "Ask a CI one small question",
    .help = "It is asked from here, as a workflow would: the answer, how long it took, and what it "
            "cost.\n",
    .run = ci_test,
    .options = options,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_CI},
};
