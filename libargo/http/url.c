/*
 * What a URL says, and how long to wait before the next try. Pure functions: nothing is resolved
 * and nothing is sent.
 */
#include <arpa/inet.h>
#include <string.h>

#include <curl/curl.h>

#include "base/crypto.h"
#include "base/text.h"
#include "http/http.h"

static void url_free(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void text_free(char **text)
{
    curl_free(*text);
}

static bool loopback_name(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

int ag_http_url_read(const char *url, struct ag_http_url *out, argo_error **err)
{
    __attribute__((cleanup(url_free))) CURLU *parts = curl_url();
    __attribute__((cleanup(text_free))) char *scheme = NULL;
    __attribute__((cleanup(text_free))) char *host = NULL;
    __attribute__((cleanup(text_free))) char *port = NULL;
    if (parts == NULL) {
        return ag_error_nomem(err);
    }
    CURLUcode rc = curl_url_set(parts, CURLUPART_URL, url, 0);
    rc = rc != CURLUE_OK ? rc : curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    rc = rc != CURLUE_OK ? rc : curl_url_get(parts, CURLUPART_HOST, &host, 0);
    rc = rc != CURLUE_OK ? rc : curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (rc == CURLUE_OUT_OF_MEMORY) {
        return ag_error_nomem(err);
    }
    bool https = rc == CURLUE_OK && strcmp(scheme, "https") == 0;
    if (rc != CURLUE_OK || (!https && strcmp(scheme, "http") != 0)) {
        return ag_error_set(err, ARGO_E_INVALID, "'%s' is not an http or https URL", url);
    }
    uint16_t number;
    int code = ag_parse_u16(port, "the URL's port", &number, err);
    if (code < 0) {
        return code;
    }
    *out = (struct ag_http_url){
        .https = https,
        .loopback = loopback_name(host),
        .port = number,
    };
    return 0;
}

int64_t ag_http_backoff_ms(unsigned try, int64_t first_ms, int64_t max_ms)
{
    int64_t span = first_ms;
    for (unsigned i = 1; i < try && span < max_ms; i++) {
        span *= 2;
    }
    span = span < max_ms ? span : max_ms;
    uint32_t random = 0;
    (void)ag_random(&random, sizeof(random), NULL); /* without luck all wait the shorter time */
    return span / 2 + (int64_t)(random % (uint64_t)(span - span / 2 + 1));
}
