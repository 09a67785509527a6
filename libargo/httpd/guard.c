/*
 * The guard's head checks: header syntax, the ambiguous framings that smuggle requests, Host,
 * Origin and the announced size. It trusts nothing that libmicrohttpd let through.
 */
#include "httpd/guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* Headers that may come once only: a second one would mean something else to someone else. */
enum single {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONTENT_TYPE,
    AUTHORIZATION,
    IDEMPOTENCY_KEY,
    EPOCH,
    LAST_EVENT_ID,
    N_SINGLES
};

static const char *const single_names[N_SINGLES] = {
    [HOST] = "Host",
    [CONTENT_LENGTH] = "Content-Length",
    [TRANSFER_ENCODING] = "Transfer-Encoding",
    [CONTENT_TYPE] = "Content-Type",
    [AUTHORIZATION] = "Authorization",
    [IDEMPOTENCY_KEY] = "Idempotency-Key",
    [EPOCH] = "X-Argo-Epoch",
    [LAST_EVENT_ID] = "Last-Event-ID",
};

static const char *const loopback_names[] = {"localhost", "127.0.0.1", "[::1]", NULL};

static bool text_is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool token_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return len > 0;
}

static bool value_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A blank ends the target on the wire; libmicrohttpd takes one for a part of it. */
static bool target_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool listed(const char *const *names, const char *text, size_t len)
{
    for (; names != NULL && *names != NULL; names++) {
        if (text_is(text, len, *names)) {
            return true;
        }
    }
    return false;
}

static bool port_valid(const char *text, size_t len, uint16_t expected)
{
    char digits[6];
    uint16_t port;
    if (len == 0 || len >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    return ag_parse_u16(digits, "port", &port, NULL) == 0 && (expected == 0 || port == expected);
}

/* The loopback's names must name our port: another one belongs to another server, and a page of
 * that server is foreign. Configured names may be reached through a proxy. */
static bool host_known(const struct ag_header *host, const struct ag_guard_rules *rules)
{
    const char *text = host->value;
    size_t len = host->value_len;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    const char *bracket = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;
    const char *from = bracket != NULL ? bracket : text;
    const char *colon = memchr(from, ':', len - (size_t)(from - text));
    size_t name_len = colon != NULL ? (size_t)(colon - text) : len;
    bool any_port = listed(rules->hosts, text, name_len);
    if (!any_port && !listed(loopback_names, text, name_len)) {
        return false;
    }
    if (colon == NULL) {
        return any_port || rules->port == 0 || rules->port == 80;
    }
    return port_valid(colon + 1, len - name_len - 1, any_port ? 0 : rules->port);
}

static int check_syntax(const struct ag_guard_head *head, const struct ag_header **singles,
                        argo_error **err)
{
    if (strcmp(head->version, "HTTP/1.1") != 0 && strcmp(head->version, "HTTP/1.0") != 0) {
        return ag_error_set(err, ARGO_E_INVALID, "the request must be HTTP/1.1 or HTTP/1.0");
    }
    if (!target_valid(head->target, head->target_len)) {
        return ag_error_set(err, ARGO_E_INVALID, "the target has a blank or control byte");
    }
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct ag_header *h = &head->headers[i];
        if (!token_valid(h->name, h->name_len)) {
            return ag_error_set(err, ARGO_E_INVALID, "header %zu has an illegal name", i + 1);
        }
        if (!value_valid(h->value, h->value_len)) {
            return ag_error_set(err, ARGO_E_INVALID, "header %zu has a control byte", i + 1);
        }
        for (size_t s = 0; s < N_SINGLES; s++) {
            if (!text_is(h->name, h->name_len, single_names[s])) {
                continue;
            }
            if (singles[s] != NULL) {
                int code = s == HOST ? ARGO_E_ORIGIN : ARGO_E_INVALID;
                return ag_error_set(err, code, "%s may be given only once", single_names[s]);
            }
            singles[s] = h;
        }
    }
    return 0;
}

/* Nothing of ours has a page: whatever a browser sends on behalf of one is foreign. */
static int check_origin(const struct ag_guard_head *head, const struct ag_header *host,
                        const struct ag_guard_rules *rules, argo_error **err)
{
    if (host == NULL) {
        return ag_error_set(err, ARGO_E_ORIGIN, "Host is missing");
    }
    if (!host_known(host, rules)) {
        return ag_error_set(err, ARGO_E_ORIGIN,
                            "Host must be localhost, 127.0.0.1 or [::1] with this port, "
                            "or a configured name");
    }
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct ag_header *h = &head->headers[i];
        if (text_is(h->name, h->name_len, "Origin")) {
            return ag_error_set(err, ARGO_E_ORIGIN, "requests from web pages are refused");
        }
        if (text_is(h->name, h->name_len, "Sec-Fetch-Site") &&
            !text_is(h->value, h->value_len, "none") &&
            !text_is(h->value, h->value_len, "same-origin")) {
            return ag_error_set(err, ARGO_E_ORIGIN, "requests from other sites are refused");
        }
    }
    return 0;
}

/* The number of bytes announced, or an error; more than MAX need not be counted. */
static int read_length(const struct ag_header *length, size_t max, uint64_t *out, argo_error **err)
{
    uint64_t n = 0;
    for (size_t i = 0; i < length->value_len; i++) {
        if (!isdigit((unsigned char)length->value[i])) {
            return ag_error_set(err, ARGO_E_INVALID, "Content-Length must be a number");
        }
        n = n * 10 + (uint64_t)(length->value[i] - '0');
        if (n > max) {
            return ag_error_set(err, ARGO_E_TOO_LARGE, "the body may have %zu bytes", max);
        }
    }
    if (length->value_len == 0) {
        return ag_error_set(err, ARGO_E_INVALID, "Content-Length must be a number");
    }
    *out = n;
    return 0;
}

static int check_framing(const struct ag_guard_head *head, const struct ag_header *length,
                         const struct ag_header *encoding, size_t body_max, bool *has_body,
                         argo_error **err)
{
    uint64_t n = 0;
    if (encoding == NULL) {
        int rc = length != NULL ? read_length(length, body_max, &n, err) : 0;
        if (rc == 0) {
            *has_body = n > 0;
        }
        return rc;
    }
    if (length != NULL || strcmp(head->version, "HTTP/1.1") != 0) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "Transfer-Encoding goes with HTTP/1.1 and no Content-Length");
    }
    if (!text_is(encoding->value, encoding->value_len, "chunked")) {
        return ag_error_set(err, ARGO_E_INVALID, "Transfer-Encoding must be chunked");
    }
    return 0;
}

int ag_guard_head(const struct ag_guard_head *head, const struct ag_guard_rules *rules,
                  bool *has_body, argo_error **err)
{
    const struct ag_header *singles[N_SINGLES] = {NULL};
    /* Whatever goes wrong before the framing is known, a body may follow. */
    *has_body = true;
    int rc = check_syntax(head, singles, err);
    if (rc == 0) {
        rc = check_origin(head, singles[HOST], rules, err);
    }
    if (rc == 0) {
        rc = check_framing(head, singles[CONTENT_LENGTH], singles[TRANSFER_ENCODING],
                           rules->body_max, has_body, err);
    }
    return rc;
}

/* Steps over N NUL bytes at *AT. */
static bool skip_nuls(const char *base, size_t size, size_t *at, size_t n)
{
    for (; n > 0; n--, (*at)++) {
        if (*at >= size || base[*at] != '\0') {
            return false;
        }
    }
    return true;
}

/* A piece of LEN bytes that begins at *AT. */
static bool skip_piece(const char *base, size_t size, size_t *at, const char *piece, size_t len)
{
    if (*at >= size || piece != base + *at || len > size - *at) {
        return false;
    }
    *at += len;
    return true;
}

static void skip_blanks(const char *base, size_t size, size_t *at)
{
    while (*at < size && (base[*at] == ' ' || base[*at] == '\t')) {
        (*at)++;
    }
}

bool ag_guard_block(const char *method, size_t size, const char *url,
                    const struct ag_guard_head *head)
{
    size_t at = 0;
    if (!skip_piece(method, size, &at, method, strlen(method)) ||
        !skip_nuls(method, size, &at, 1) || !skip_piece(method, size, &at, url, head->target_len) ||
        !skip_nuls(method, size, &at, 1) ||
        !skip_piece(method, size, &at, head->version, strlen(head->version)) ||
        !skip_nuls(method, size, &at, 2)) {
        return false;
    }
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct ag_header *h = &head->headers[i];
        if (!skip_piece(method, size, &at, h->name, h->name_len) ||
            !skip_nuls(method, size, &at, 1)) {
            return false;
        }
        skip_blanks(method, size, &at);
        if (!skip_piece(method, size, &at, h->value, h->value_len)) {
            return false;
        }
        skip_blanks(method, size, &at);
        if (!skip_nuls(method, size, &at, 2)) {
            return false;
        }
    }
    return skip_nuls(method, size, &at, 2) && at == size;
}

bool ag_guard_is_json(const char *content_type)
{
    if (content_type == NULL) {
        return false;
    }
    size_t len = strcspn(content_type, ";");
    while (len > 0 && (content_type[len - 1] == ' ' || content_type[len - 1] == '\t')) {
        len--;
    }
    return text_is(content_type, len, "application/json");
}
