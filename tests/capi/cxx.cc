/*
 * The public API from C++: option structs, callbacks and snapshots, against a daemon that runs.
 * Usage: cxx HOME
 */
#include <cstdio>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <string>

#include <argo/argo.h>

namespace
{
template <typename T> using owned = std::unique_ptr<T, void (*)(T *)>;

/* Makes a call that takes an error, and throws what it fails with. */
template <typename F> void call(F &&function)
{
    argo_error *err = nullptr;
    int result = function(&err);
    owned<argo_error> failure(err, argo_error_free);
    if (result < 0) {
        throw std::runtime_error(argo_error_details(failure.get()));
    }
}

struct host {
    argo_workflow *run = nullptr;
    int done = 0;
};

void on_ended(void *user, int result, const argo_error *err)
{
    static_cast<host *>(user)->done = result == 0 && err == nullptr ? 1 : -1;
}

std::string walk(argo_client *client)
{
    host host;
    argo_workflow *started = nullptr;
    argo_workflow_start_options what = ARGO_WORKFLOW_START_OPTIONS_INIT;
    argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    what.definition = "workflow_name: cxx\nsteps: [{step: a, type: display, message: hi}]\n";
    call([&](argo_error **err) {
        return argo_workflow_start(client, &what, nullptr, &started, err);
    });
    owned<argo_workflow> run(started, argo_workflow_free);
    how.fn = on_ended;
    how.user = &host;
    call([&](argo_error **err) {
        return argo_workflow_wait(client, argo_workflow_id(run.get()), -1, &how, &host.run, err);
    });
    while (host.done == 0) {
        pollfd fd = {argo_client_get_fd(client), argo_client_get_events(client), 0};
        (void)poll(&fd, 1, argo_client_get_timeout(client));
        call([&](argo_error **err) { return argo_client_dispatch(client, err); });
    }
    owned<argo_workflow> ended(host.run, argo_workflow_free);
    return argo_workflow_state_name(argo_workflow_state(ended.get()));
}
} // namespace

int main(int, char **argv)
{
    argo_context *ctx = nullptr;
    argo_client *client = nullptr;
    int code = 0;
    try {
        call([&](argo_error **err) { return argo_context_new(argv[1], &ctx, err); });
        call([&](argo_error **err) { return argo_client_new(ctx, nullptr, &client, err); });
        std::puts(walk(client).c_str());
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        code = 1;
    }
    argo_client_free(client);
    argo_context_free(ctx);
    return code;
}
