#include "rules/decide/claim_field.h"

#include <math.h>

#include "base/text.h"
#include "wire/http.h"

/* Whole numbers without a point, others with six digits behind it, as Envoy writes them. */
static void real_add(struct text *text, double number)
{
    if (trunc(number) == number && fabs(number) < 9007199254740992.0)
        text_format(text, "%lld", (long long)number);
    else
        text_format(text, "%f", number);
}

static bool scalar_add(struct text *text, const json_t *value)
{
    struct bytes content;
    if (json_text(value, &content)) {
        text_add(text, content);
        return content.len > 0 && http_is_value(content);
    }
    if (json_is_integer(value))
        text_format(text, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        real_add(text, json_real_value(value));
    else if (json_is_boolean(value))
        text_add_s(text, json_is_true(value) ? "true" : "false");
    else
        return false;
    return true;
}

/* "a,b" as one member would be two to whoever reads the header. */
static bool member_is_one(const json_t *value)
{
    struct bytes content;
    return !json_text(value, &content) || bytes_find(content, ',') == content.len;
}

static bool list_add(struct text *text, const json_t *list)
{
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        if (i)
            text_add_c(text, ',');
        if (!member_is_one(value) || !scalar_add(text, value))
            return false;
    }
    return json_array_size(list) > 0;
}

bool claim_field_value(const json_t *claim, struct arena *arena, struct bytes *out)
{
    struct text text;
    text_init_arena(&text, arena);
    if (!(json_is_array(claim) ? list_add(&text, claim) : scalar_add(&text, claim)))
        return false;
    *out = text_bytes(&text);
    return true;
}
