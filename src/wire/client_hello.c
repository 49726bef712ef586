#include "wire/client_hello.h"

#include <string.h>

enum {
    RECORD_HEAD = 5,
    RECORD_HANDSHAKE = 22,
    RECORD_MAX = 16 * 1024,
    MESSAGE_HEAD = 4,
    MESSAGE_HELLO = 1,
    MAJOR = 3, /* of every version from SSL 3.0 on, in records and hellos */
    RANDOM_SIZE = 32,
    SESSION_MAX = 32,
    EXTENSION_SNI = 0,
    EXTENSION_ALPN = 16,
    NAME_HOST = 0,
};

static enum client_hello_turn bad(struct fail *why, const char *sentence)
{
    fail(why, FAIL_INPUT, "TLS hello: %s", sentence);
    return CLIENT_HELLO_BAD;
}

/* ---- reading numbers and vectors (RFC 8446 3.4) ------------------------------------------- */

static unsigned byte_at(struct bytes b, size_t at)
{
    return (unsigned char)b.at[at];
}

static bool take(struct bytes *rest, size_t len, struct bytes *out)
{
    if (rest->len < len)
        return false;
    *out = bytes_part(*rest, 0, len);
    *rest = bytes_part(*rest, len, rest->len);
    return true;
}

static bool take_number(struct bytes *rest, size_t size, size_t *out)
{
    struct bytes digits;
    if (!take(rest, size, &digits))
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out = *out << 8 | byte_at(digits, i);
    return true;
}

/* A vector with a length of `size` bytes before it. */
static bool take_vector(struct bytes *rest, size_t size, struct bytes *out)
{
    size_t len;
    return take_number(rest, size, &len) && take(rest, len, out);
}

/* ---- records: the message may come in several (RFC 8446 5.1) ------------------------------ */

struct message {
    char at[CLIENT_HELLO_MAX];
    size_t len;
    size_t size; /* with its head; 0: not known yet */
};

/* What a record adds. */
static const char *message_add(struct message *message, struct bytes part)
{
    if (!part.len)
        return "a record is empty";
    if (part.len > sizeof message->at - message->len)
        return "it has more than 16384 bytes";
    memcpy(message->at + message->len, part.at, part.len);
    message->len += part.len;
    struct bytes head = bytes_make(message->at, message->len);
    if (byte_at(head, 0) != MESSAGE_HELLO)
        return "the first message is another";
    if (message->len < MESSAGE_HEAD)
        return NULL;
    message->size = MESSAGE_HEAD + (byte_at(head, 1) << 16 | byte_at(head, 2) << 8 | byte_at(head, 3));
    if (message->size > sizeof message->at)
        return "it has more than 16384 bytes";
    /* Whoever speaks TLS waits for an answer here. */
    return message->len > message->size ? "something follows it in its record" : NULL;
}

/* A record's head, as far as it is there. */
static const char *record_check(struct bytes have)
{
    if (have.len > 0 && byte_at(have, 0) != RECORD_HANDSHAKE)
        return "a record is none of a handshake";
    if (have.len > 1 && byte_at(have, 1) != MAJOR)
        return "a record's version is none of TLS";
    if (have.len < RECORD_HEAD)
        return NULL;
    size_t len = byte_at(have, 3) << 8 | byte_at(have, 4);
    return len > RECORD_MAX ? "a record has more than 16384 bytes" : NULL;
}

static enum client_hello_turn message_join(struct bytes have, struct message *message, struct fail *why)
{
    struct bytes rest = bytes_part(have, 0, CLIENT_HELLO_WIRE_MAX);
    while (!message->size || message->len < message->size) {
        struct bytes record = rest, part;
        const char *wrong = record_check(rest);
        if (wrong)
            return bad(why, wrong);
        record = bytes_part(record, RECORD_HEAD - 2, record.len);
        if (!take_vector(&record, 2, &part))
            return have.len < CLIENT_HELLO_WIRE_MAX
                       ? CLIENT_HELLO_MORE
                       : bad(why, "it is not complete within 20480 bytes of records");
        wrong = message_add(message, part);
        if (wrong)
            return bad(why, wrong);
        rest = record;
    }
    return CLIENT_HELLO_DONE;
}

/* ---- extensions ------------------------------------------------------------------------------ */

static bool is_name_byte(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* RFC 6066 3: a list, of which every name has a type of its own; there is one type. */
static const char *read_sni(struct bytes extension, struct client_hello *hello)
{
    struct bytes list, name;
    size_t type;
    if (hello->sni[0])
        return "it names servers twice";
    if (!take_vector(&extension, 2, &list) || extension.len || !take_number(&list, 1, &type) ||
        !take_vector(&list, 2, &name) || list.len)
        return "the server name is not one name in one list";
    if (type != NAME_HOST || !name.len || name.len > CLIENT_HELLO_SNI_MAX)
        return "the server name is no host of 1 to 255 bytes";
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.at[i]))
            return "the server name has other bytes than letters, digits, '-', '.' and '_'";
        hello->sni[i] = ascii_lower(name.at[i]);
    }
    return NULL;
}

static const char *read_alpn(struct bytes extension, struct client_hello *hello)
{
    struct bytes list, rest, name;
    if (hello->alpn_len)
        return "it names protocols twice";
    if (!take_vector(&extension, 2, &list) || extension.len || !list.len)
        return "the protocols are no list";
    if (list.len > sizeof hello->alpn)
        return "the protocols have more than 255 bytes";
    for (rest = list; rest.len;)
        if (!take_vector(&rest, 1, &name) || !name.len)
            return "a protocol's name is cut or empty";
    memcpy(hello->alpn, list.at, list.len);
    hello->alpn_len = list.len;
    return NULL;
}

static const char *read_extensions(struct bytes extensions, struct client_hello *hello)
{
    while (extensions.len) {
        size_t type;
        struct bytes extension;
        const char *wrong = NULL;
        if (!take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &extension))
            return "an extension is cut";
        if (type == EXTENSION_SNI)
            wrong = read_sni(extension, hello);
        else if (type == EXTENSION_ALPN)
            wrong = read_alpn(extension, hello);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* ---- the message ------------------------------------------------------------------------------- */

static const char *read_body(struct bytes body, struct client_hello *hello)
{
    struct bytes version, random, session, suites, compressions, extensions;
    if (!take(&body, 2, &version) || !take(&body, RANDOM_SIZE, &random) || !take_vector(&body, 1, &session) ||
        !take_vector(&body, 2, &suites) || !take_vector(&body, 1, &compressions))
        return "it is cut";
    if (byte_at(version, 0) != MAJOR)
        return "its version is none of TLS";
    if (session.len > SESSION_MAX || suites.len < 2 || suites.len % 2 || !compressions.len)
        return "its session, cipher suites or compressions have an impossible length";
    if (!body.len)
        return NULL; /* before TLS 1.3 there need not be any extensions */
    if (!take_vector(&body, 2, &extensions) || body.len)
        return "its extensions do not end where it ends";
    return read_extensions(extensions, hello);
}

enum client_hello_turn client_hello_read(struct bytes have, struct client_hello *out, struct fail *why)
{
    struct message message;
    struct client_hello hello;
    message.len = message.size = 0;
    enum client_hello_turn turn = message_join(have, &message, why);
    if (turn != CLIENT_HELLO_DONE)
        return turn;
    memset(&hello, 0, sizeof hello);
    const char *wrong = read_body(bytes_make(message.at + MESSAGE_HEAD, message.size - MESSAGE_HEAD), &hello);
    if (wrong)
        return bad(why, wrong);
    *out = hello;
    return CLIENT_HELLO_DONE;
}

bool client_hello_offers(const struct client_hello *hello, struct bytes protocol)
{
    struct bytes rest = bytes_make(hello->alpn, hello->alpn_len), name;
    while (take_vector(&rest, 1, &name))
        if (bytes_equal(name, protocol))
            return true;
    return false;
}
