#include <stdlib.h>
#include <string.h>

#include "cli/paint.h"
#include "cli/trace.h"

void trace_hops_done(struct trace_hops *hops)
{
    for (size_t i = 0; i < hops->count; i++)
        json_decref(hops->at[i]);
    hops->count = 0;
}

static struct bytes text_at(const json_t *hop, const char *name)
{
    struct bytes text = {0};
    json_member_text(hop, name, &text);
    return text;
}

void trace_take(struct trace_hops *hops, struct bytes id, struct bytes line)
{
    struct fail why;
    if (bytes_find_text(line, id) == line.len)
        return;
    json_t *hop = json_read(line, TRACE_LINE_MAX, &why);
    bool meant = json_is_object(hop) && (bytes_equal(text_at(hop, "request_id"), id) ||
                                         bytes_equal_nocase(text_at(hop, "trace_id"), id));
    if (meant && hops->count < TRACE_HOPS_MAX) {
        hops->at[hops->count++] = hop;
        return;
    }
    hops->dropped += meant;
    json_decref(hop);
}

static int hop_compare(const void *a, const void *b)
{
    return bytes_compare(text_at(*(json_t *const *)a, "start_time"),
                         text_at(*(json_t *const *)b, "start_time"));
}

void trace_sort(struct trace_hops *hops)
{
    if (hops->count)
        qsort(hops->at, hops->count, sizeof hops->at[0], hop_compare);
}

/* ---- for people --------------------------------------------------------------- */

static double number_at(const json_t *hop, const char *name)
{
    return json_number_value(json_object_get(hop, name));
}

/* A line of its own, when there is a text. */
static void detail(struct text *out, const char *label, struct bytes text, bool color)
{
    if (!text.len)
        return;
    text_format(out, "      %s%-9s%s ", paint_begin(PAINT_DIM, color), label, paint_end(color));
    text_add_shown(out, text, 1024);
    text_add_c(out, '\n');
}

static void decision_write(struct text *out, const json_t *hop, bool color)
{
    struct bytes decision = text_at(hop, "decision"), policy = text_at(hop, "policy");
    bool allowed = bytes_equal(decision, BYTES("allow"));
    if (!decision.len)
        return;
    text_format(out, "      %s%-9s%s %s", paint_begin(PAINT_DIM, color), "decision", paint_end(color),
                paint_begin(allowed ? PAINT_GREEN : PAINT_RED, color));
    text_add_shown(out, decision, 32);
    text_add_s(out, paint_end(color));
    if (bytes_equal(policy, BYTES("none"))) {
        text_add_s(out, ", no policy says otherwise");
    } else if (policy.len) {
        text_add_s(out, " by ");
        text_add_shown(out, policy, 512);
    }
    text_add_c(out, '\n');
}

static void head_write(struct text *out, const json_t *hop, bool color)
{
    long long status = (long long)number_at(hop, "response_code");
    enum paint paint = status >= 500 || status == 0 ? PAINT_RED : status >= 400 ? PAINT_YELLOW : PAINT_GREEN;
    struct bytes when = text_at(hop, "start_time"), direction = text_at(hop, "direction");
    text_add_shown(out, bytes_part(when, 11, 23), 12); /* the time of day */
    text_format(out, "  %s", paint_begin(PAINT_BOLD, color));
    text_add_shown(out, text_at(hop, "node"), 63);
    text_format(out, "%s (", paint_end(color));
    text_add_shown(out, text_at(hop, "role"), 16);
    if (direction.len && !bytes_equal(direction, BYTES("gateway"))) {
        text_add_s(out, ", ");
        text_add_shown(out, direction, 16);
    }
    text_add_s(out, ")  ");
    text_add_shown(out, text_at(hop, "method"), 32);
    text_add_c(out, ' ');
    text_add_shown(out, text_at(hop, "path"), 512);
    text_format(out, "  %s%lld%s  %.1f ms\n", paint_begin(paint, color), status, paint_end(color),
                number_at(hop, "duration"));
}

static struct bytes why_of(const json_t *hop)
{
    struct bytes details = text_at(hop, "response_code_details");
    return bytes_equal(details, BYTES("via_upstream")) ? text_at(hop, "upstream_transport_failure_reason")
                                                       : details;
}

void trace_write(const struct trace_hops *hops, bool color, struct text *out)
{
    for (size_t i = 0; i < hops->count; i++) {
        const json_t *hop = hops->at[i];
        head_write(out, hop, color);
        detail(out, "client", text_at(hop, "source_principal"), color);
        detail(out, "identity", text_at(hop, "request_principal"), color);
        detail(out, "groups", text_at(hop, "groups"), color);
        decision_write(out, hop, color);
        detail(out, "why", why_of(hop), color);
        detail(out, "upstream", text_at(hop, "upstream_host"), color);
    }
}
