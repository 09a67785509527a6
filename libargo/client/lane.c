/*
 * Connections over TCP that prove themselves. A port of 127.0.0.1 belongs to nobody: another user
 * may listen on it. The daemon must show that it knows the token before it is shown the token, and
 * it is shown it only over connections that were made for such a proof.
 */
#include <inttypes.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/text.h"
#include "client/internal.h"

#define TOKEN_MAX 4096

static void wipe(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void ag_lane_free(struct ag_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    ag_list_remove(&lane->link);
    ag_http_free(lane->http);
    wipe(lane->token);
    wipe(lane->proof_key);
    free(lane);
}

static int read_token(const ag_client *c, char **out, argo_error **err)
{
    ag_auto_free char *path = ag_path_join(argo_context_home(c->ctx), "token");
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(path)) {
        return ag_error_set(err, ARGO_E_NO_TOKEN,
                            "%s is not there: has a daemon ever run in this home?", path);
    }
    int rc = ag_file_read_private(path, TOKEN_MAX, out, err);
    if (rc == 0) {
        (*out)[strcspn(*out, " \r\n")] = '\0';
    }
    return rc;
}

/* An executor shows its run's token, of which the daemon keeps only the hash; the proof is made
 * with the home's. A token that a user gave serves for both. */
static int read_secrets(const ag_client *c, struct ag_lane *lane, argo_error **err)
{
    bool given = c->token != NULL && c->epoch == 0;
    int rc = 0;
    if (given) {
        lane->proof_key = ag_strdup(c->token);
    } else {
        rc = read_token(c, &lane->proof_key, err);
    }
    if (rc < 0) {
        return rc;
    }
    lane->token = ag_strdup(c->token != NULL ? c->token : lane->proof_key);
    return lane->token != NULL && lane->proof_key != NULL ? 0 : ag_error_nomem(err);
}

int ag_lane_new(ag_client *c, struct ag_lane **out, argo_error **err)
{
    struct ag_lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_init(&lane->link);
    int rc = read_secrets(c, lane, err);
    rc = rc < 0 ? rc : ag_http_new(c->loop, c->ctx, &lane->http, err);
    if (rc < 0) {
        ag_lane_free(lane);
        return rc;
    }
    *out = lane;
    return 0;
}

int ag_lane_check(const ag_client *c, struct ag_lane *lane, const char *challenge,
                  const struct ag_http_response *response, argo_error **err)
{
    char expected[AG_SHA256_HEX];
    AG_AUTO(ag_value) reply = NULL;
    ag_auto_free char *text = ag_asprintf("argo1|%u|%s", (unsigned)c->port, challenge);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    ag_hmac_sha256_hex(lane->proof_key, text, expected);
    (void)ag_value_parse_object(response->body, response->body_len, &reply, NULL);
    const char *proof = ag_value_get_text(ag_value_get(reply, "data"), "proof", "");
    proof = ag_value_get_text(reply, "proof", proof);
    if (response->status != 200 || !ag_equal_constant_time(proof, expected)) {
        return ag_error_set(err, ARGO_E_DENIED,
                            "what listens on port %u is not your daemon: it does not know the "
                            "token of %s",
                            (unsigned)c->port, argo_context_home(c->ctx));
    }
    lane->proved = true;
    return 0;
}
