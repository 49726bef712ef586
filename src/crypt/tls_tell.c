#include "crypt/tls_tell.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/heap.h"

enum {
    ALERT_BASE = 1000
}; /* OpenSSL's reasons for alerts received: this + the alert (SSL_AD_REASON_OFFSET) */

static const struct {
    int reason;
    const char *sentence;
} reasons[] = {
    {SSL_R_NO_SHARED_CIPHER, "the peer offers no cipher suite that is allowed here"},
    {SSL_R_NO_SHARED_GROUPS, "the peer offers no key exchange group that is allowed here"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "the peer offers no key exchange group that is allowed here"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer offers no TLS version that is allowed here"},
    {SSL_R_VERSION_TOO_LOW, "the peer offers no TLS version that is allowed here"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer sent no certificate, and one is required"},
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS"},
    {SSL_R_UNEXPECTED_MESSAGE, "the peer sent a TLS message out of order"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a TLS record of the peer's was changed on its way"},
};

static const struct {
    int error;
    const char *sentence;
} chain_errors[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "no authority trusted here issued it"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "no authority trusted here issued it"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "no authority trusted here issued it"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "no authority trusted here issued it"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "no authority trusted here issued it"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "its signature is wrong"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "it has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "it is not yet valid"},
    {X509_V_ERR_INVALID_PURPOSE, "its extended key usage does not allow this side of TLS"},
};

/* Alerts of TLS 1.3 and ALPN that OpenSSL 3.0 has no words for. */
static const struct {
    int alert;
    const char *name;
} alert_names[] = {
    {SSL_AD_MISSING_EXTENSION, "missing extension"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate required"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no application protocol"},
};

static const char *alert_name(int alert)
{
    for (size_t i = 0; i < sizeof alert_names / sizeof alert_names[0]; i++)
        if (alert_names[i].alert == alert)
            return alert_names[i].name;
    return SSL_alert_desc_string_long(alert);
}

void tls_story_hear(struct tls_story *story, const char *at, size_t len)
{
    for (size_t i = 0; i < len && story->opening_len < sizeof story->opening; i++)
        story->opening[story->opening_len++] = (unsigned char)at[i];
}

void tls_story_refuse(struct tls_story *story, const struct fail *why)
{
    if (story->refusal)
        return;
    story->refusal = heap_new(struct fail);
    *story->refusal = *why;
}

void tls_story_done(struct tls_story *story)
{
    free(story->refusal);
}

void tls_tell_chain(int error, int depth, struct fail *why)
{
    const char *sentence = X509_verify_cert_error_string(error);
    for (size_t i = 0; i < sizeof chain_errors / sizeof chain_errors[0]; i++)
        if (chain_errors[i].error == error)
            sentence = chain_errors[i].sentence;
    if (depth > 0)
        fail(why, FAIL_DENIED, "the peer's certificate is refused: certificate %d of its chain: %s",
             depth + 1, sentence);
    else
        fail(why, FAIL_DENIED, "the peer's certificate is refused: %s", sentence);
}

/* No record of TLS begins with a letter; "GET ", "POST", "PRI " and "HTTP" do ("SSH-" is something else). */
static bool speaks_plain_http(const struct tls_story *story)
{
    for (size_t i = 0; i < sizeof story->opening; i++) {
        bool letter = story->opening[i] >= 'A' && story->opening[i] <= 'Z';
        if (i >= story->opening_len || (!letter && (i < 3 || story->opening[i] != ' ')))
            return false;
    }
    return true;
}

static bool tell_error(unsigned long error, struct fail *why)
{
    int reason = ERR_GET_REASON(error);
    if (!error)
        return fail(why, FAIL_PEER, "the TLS session broke");
    for (size_t i = 0; ERR_GET_LIB(error) == ERR_LIB_SSL && i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].reason == reason)
            return fail(why, FAIL_PEER, "%s", reasons[i].sentence);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= ALERT_BASE && reason < ALERT_BASE + 256)
        return fail(why, FAIL_PEER, "the peer ended TLS with the alert '%s'",
                    alert_name(reason - ALERT_BASE));
    const char *text = ERR_reason_error_string(error);
    return fail(why, FAIL_PEER, "TLS: %s", text ? text : "an error without a name");
}

enum tls_turn tls_story_tell(const struct tls_story *story, bool handshaken, struct fail *why)
{
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (story->refusal)
        *why = *story->refusal;
    else if (story->cut)
        fail(why, FAIL_PEER, "the connection broke");
    else if (story->ended && !story->opening_len)
        return TLS_CLOSED;
    else if (!handshaken && speaks_plain_http(story))
        fail(why, FAIL_PEER,
             story->server ? "the client speaks plain HTTP, but this port expects TLS"
                           : "the server speaks plain HTTP, but TLS is expected of it");
    else if (story->ended)
        fail(why, FAIL_PEER,
             handshaken ? "the peer closed without close_notify"
                        : "the peer closed during the TLS handshake");
    else
        tell_error(error, why);
    return TLS_BROKEN;
}
