#include "base/test.h"

#include "way_play.h"

#include "proxy/proxy_fixture.h"

#include <stdlib.h>

static struct play play;

const char way_istio_jwks[] =
    "{\"keys\":[{\"e\":\"AQAB\",\"kid\":\"tT_w9LRNrY7wJalGsTYSt7rutZi86Gvyc0EKR4CaQAw\",\"kty\":\"RSA\","
    "\"n\":\""
    "raJ7ZEhMfrBUo2werGKOow9an1B6Ukc6dKY2hNi10eaQe9ehJCjLpmJpePxoqaCi2VYt6gncLfhEV71JDGsodbfYMl"
    "axwWTt6lXBcjlVXHWDXLC45rHVfi9FjSSXloHqmSStpjv3mrW3R6fx2VeVVP_mrA6ZHtcynq6ecJqO11STvVoeeM3l"
    "EsASVSWsUrKltC1Crfo0sI7YG34QjophVTEi8B9gVepAJZV-Bso5sinRABnxfLUM7DU5c8MO114uvXThgSIuAOM9Pb"
    "ViSC3X6Y9Gsjsy881HGO-EJaUCrwSWnwQW5sp0TktrYL70-M4_ug-X51Yt_PErmncKupx8Hw"
    "\"}]}";

struct bytes *way_labels(const json_t *labels, size_t *count, struct arena *arena)
{
    struct bytes *pairs = arena_array(arena, struct bytes, 2 * json_object_size(labels) + 1);
    const char *key;
    json_t *value;
    *count = 0;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        pairs[2 * *count] = bytes_of(key);
        pairs[2 * (*count)++ + 1] = bytes_of(json_string_value(value));
    }
    return pairs;
}

/* ---- requests ------------------------------------------------------------ */

static struct bytes member_or(const json_t *object, const char *name, const char *otherwise)
{
    struct bytes text;
    return json_member_text(object, name, &text) ? text : bytes_of(otherwise);
}

struct bytes way_request(const json_t *request, struct bytes token, struct arena *arena)
{
    json_t *headers = json_object_get(request, "headers"), *value;
    const char *key;
    struct bytes host = member_or(request, "host", "b");
    struct text text;
    text_init_arena(&text, arena);
    text_add(&text, member_or(request, "method", "GET"));
    text_add_c(&text, ' ');
    text_add(&text, member_or(request, "path", "/"));
    text_add_s(&text, " HTTP/1.1\r\n");
    json_object_foreach(headers, key, value)
    {
        if (bytes_equal_nocase(bytes_of(key), BYTES("host")))
            host = bytes_of(json_string_value(value));
        else
            text_format(&text, "%s: %s\r\n", key, json_string_value(value));
    }
    if (token.len)
        text_format(&text, "Authorization: Bearer %.*s\r\n", BYTES_FMT(token));
    text_format(&text, "Host: %.*s\r\n\r\n", BYTES_FMT(host));
    return text_bytes(&text);
}

/* ---- the world ----------------------------------------------------------- */

static void node_set(struct compile_node *node, const struct way_set *set)
{
    node->name_space = set->name_space;
    node->labels = set->labels;
    node->label_count = set->label_count;
}

/* What would end the program if the fixture met it. */
static bool rules_check(const struct way_set *set, struct fail *why)
{
    struct world world;
    world_init(&world, set->role);
    node_set(&world.node, set);
    world_add(&world, set->yaml);
    bool ok = world_compile(&world, why);
    world_done(&world);
    return ok;
}

static struct bytes kept(const char *text, struct arena *arena)
{
    return arena_bytes(arena, bytes_of(text));
}

static unsigned status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (unsigned)atoi(answer + 9) : 0;
}

bool way_play(const struct way_set *set, struct bytes request, struct arena *arena, struct way_answer *out,
              struct fail *why)
{
    if (!rules_check(set, why))
        return false;
    *out = (struct way_answer){0};
    play_init(&play, set->role, set->yaml);
    node_set(&play.world.node, set);
    play.jwks = set->jwks;
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, arena_text(arena, request));
    if (play.wants.keys)
        worker_keys_answer(&play.worker, play.wants.key_set, false);
    play_go(&play);
    int upstream = sim_take(play.sim, PLAY_PORT);
    if (upstream >= 0) {
        out->upstream = kept(play_hear(&play, upstream), arena);
        play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    out->status = status_of(play_hear(&play, client));
    play_close(&play);
    return true;
}

/* ---- what the workload saw ------------------------------------------------- */

static bool head_field(struct bytes head, struct bytes name, struct bytes *value)
{
    struct bytes line;
    while (bytes_cut(&head, '\n', &line) && line.len > 1) {
        struct bytes rest = bytes_part(line, 0, line.len - 1), key;
        if (!bytes_cut(&rest, ':', &key) || !bytes_equal_nocase(key, name))
            continue;
        *value = bytes_trim(rest);
        return true;
    }
    return false;
}

bool way_fields_check(struct bytes head, const json_t *wanted, struct fail *why)
{
    const char *key;
    json_t *text;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, text)
    {
        struct bytes is = {0}, should = bytes_of(json_string_value(text));
        head_field(head, bytes_of(key), &is);
        if (!bytes_equal(is, should))
            return fail(why, FAIL_SELF, "the workload sees %s: '%.*s', not '%.*s'", key,
                        BYTES_FMT(bytes_part(is, 0, 100)), BYTES_FMT(bytes_part(should, 0, 100)));
    }
    return true;
}
