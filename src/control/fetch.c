#include "control/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "control/state_file.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define ROOTS_MAX ((size_t)16 << 20)

bool fetch_trust_load(struct fetch_trust *trust, struct bytes extra, struct fail *why)
{
    struct arena arena;
    struct bytes system, more;
    *trust = (struct fetch_trust){0};
    if (!extra.len)
        return true;
    arena_init(&arena);
    bool read = file_read(arena_text(&arena, extra), ROOTS_MAX, &arena, &more, why);
    if (read && !file_read(SYSTEM_ROOTS, ROOTS_MAX, &arena, &system, why))
        system = (struct bytes){0}; /* a machine without roots of its own: the extra ones are all there is */
    if (read) {
        trust->len = system.len + 1 + more.len;
        trust->pem = heap_alloc(trust->len);
        if (system.len)
            memcpy(trust->pem, system.at, system.len);
        trust->pem[system.len] = '\n';
        memcpy(trust->pem + system.len + 1, more.at, more.len);
    }
    arena_done(&arena);
    return read;
}

void fetch_trust_done(struct fetch_trust *trust)
{
    free(trust->pem);
    *trust = (struct fetch_trust){0};
}

bool fetch_url_check(struct bytes url, struct fail *why)
{
    struct bytes rest = url, host;
    if (bytes_starts_nocase(url, BYTES("https://")))
        rest = bytes_part(url, 8, url.len);
    else if (bytes_starts_nocase(url, BYTES("http://")))
        rest = bytes_part(url, 7, url.len);
    else
        return fail(why, FAIL_INPUT, "a key set's address must begin with https:// or http://");
    bytes_cut(&rest, '/', &host);
    if (!host.len || bytes_find(host, '@') < host.len || bytes_find(url, '#') < url.len)
        return fail(why, FAIL_INPUT, "a key set's address has no host, or a user or a fragment in it");
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= ' ' || (unsigned char)url.at[i] >= 0x7f)
            return fail(why, FAIL_INPUT, "a key set's address has a character in it that no URL has");
    return true;
}

static size_t on_body_bytes(char *at, size_t size, size_t count, void *of)
{
    struct fetch *fetch = of;
    size_t len = size * count;
    if (fetch->len + len > FETCH_BODY_MAX) {
        fetch->too_big = true;
        return 0;
    }
    fetch->body = heap_grow(fetch->body, fetch->len + len + 1, 1);
    memcpy(fetch->body + fetch->len, at, len);
    fetch->len += len;
    return len;
}

/* Of Cache-Control only max-age and no-store count here; the latter is an age of 0. */
static void cache_control_read(struct fetch *fetch, struct bytes value)
{
    struct bytes rest = value, part;
    uint64_t seconds;
    bool more = true;
    while (more) {
        more = bytes_cut(&rest, ',', &part);
        part = bytes_trim(part);
        if (bytes_starts_nocase(part, BYTES("max-age=")) &&
            bytes_to_u64(bytes_part(part, 8, part.len), INT32_MAX, &seconds))
            fetch->max_age_s = (int64_t)seconds;
        else if (bytes_equal_nocase(part, BYTES("no-store")) || bytes_equal_nocase(part, BYTES("no-cache")))
            fetch->max_age_s = 0;
    }
}

static size_t on_header_line(char *at, size_t size, size_t count, void *of)
{
    struct bytes line = bytes_make(at, size * count), name, rest = line;
    while (rest.len && (rest.at[rest.len - 1] == '\r' || rest.at[rest.len - 1] == '\n'))
        rest.len--;
    if (bytes_cut(&rest, ':', &name) && bytes_equal_nocase(name, BYTES("cache-control")))
        cache_control_read(of, rest);
    return line.len;
}

static void trust_set(CURL *easy, const struct fetch_trust *trust)
{
    struct curl_blob blob = {trust->pem, trust->len, CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (trust->pem)
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
}

struct fetch *fetch_new(struct bytes url, int64_t timeout_ms, const struct fetch_trust *trust, void *owner,
                        struct fail *why)
{
    if (!fetch_url_check(url, why))
        return NULL;
    struct fetch *fetch = heap_new(struct fetch);
    CURL *easy = fetch->easy = curl_easy_init();
    if (!easy)
        abort();
    fetch->url = heap_text(url);
    fetch->max_age_s = -1;
    curl_easy_setopt(easy, CURLOPT_URL, fetch->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)FETCH_BODY_MAX);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "selvage/" SELVAGE_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, owner);
    trust_set(easy, trust);
    return fetch;
}

void fetch_post(struct fetch *fetch, struct bytes form, struct bytes user, struct bytes password)
{
    fetch->form = heap_text(form);
    fetch->form_len = form.len;
    curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, fetch->form);
    curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form.len);
    if (!user.len)
        return;
    char *name = heap_text(user), *secret = heap_text(password);
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(fetch->easy, CURLOPT_USERNAME, name);
    curl_easy_setopt(fetch->easy, CURLOPT_PASSWORD, secret);
    heap_wipe(secret, password.len);
    free(secret);
    free(name);
}

static CURLcode on_context(CURL *easy, void *ssl_context, void *of)
{
    (void)easy;
    spiffe_server_demand(of, ssl_context);
    return CURLE_OK;
}

bool fetch_demand(struct fetch *fetch, struct bytes roots, struct bytes spiffe_id, struct fail *why)
{
    fetch->server = spiffe_server_new(roots, spiffe_id, why);
    if (!fetch->server)
        return false;
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYHOST, 0L); /* its name is in no DNS */
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_CTX_DATA, fetch->server);
    return true;
}

void fetch_free(struct fetch *fetch)
{
    if (!fetch)
        return;
    curl_easy_cleanup(fetch->easy);
    if (fetch->form)
        heap_wipe(fetch->form, fetch->form_len);
    if (fetch->form && fetch->body)
        heap_wipe(fetch->body, fetch->len);
    free(fetch->form);
    free(fetch->body);
    free(fetch->url);
    spiffe_server_free(fetch->server);
    free(fetch);
}

bool fetch_judge(struct fetch *fetch, CURLcode code, struct bytes *body, struct fail *why)
{
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (fetch->too_big || code == CURLE_FILESIZE_EXCEEDED)
        return fail(why, FAIL_LIMIT, "the answer has more than %zu bytes", FETCH_BODY_MAX);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(why, FAIL_LATE, "no answer in time");
    if (code != CURLE_OK)
        return fail(why, FAIL_PEER, "%s", fetch->error[0] ? fetch->error : curl_easy_strerror(code));
    if (status >= 300 && status < 400)
        return fail(why, FAIL_PEER, "the answer is a redirect (%ld), and none is followed", status);
    fetch->status = status;
    if (status != 200 && !(fetch->form && (status == 400 || status == 401)))
        return fail(why, FAIL_PEER, "the answer has status %ld where 200 is wanted", status);
    *body = bytes_make(fetch->body, fetch->len);
    return true;
}
