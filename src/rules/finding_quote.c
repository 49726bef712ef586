#include <string.h>

#include "rules/finding.h"

#define SHOWN_MAX 100 /* characters of a line */
#define AHEAD 60      /* of them before the place, in a longer line */

void findings_keep_source(struct findings *findings, const char *file, struct bytes text)
{
    if (!findings->keeps_sources)
        return;
    struct finding_source *source = arena_new(findings->arena, struct finding_source);
    *source = (struct finding_source){file, arena_bytes(findings->arena, text), findings->sources};
    findings->sources = source;
}

static const struct finding_source *source_of(const struct findings *findings, const char *file)
{
    for (const struct finding_source *s = findings->sources; file && s; s = s->next)
        if (strcmp(s->file, file) == 0)
            return s;
    return NULL;
}

/* The bytes of a Secret are never shown; where no kind is known the whole file must hold none. */
static bool may_show(const struct finding *finding, const struct finding_source *source)
{
    if (finding->kind.len > 0)
        return !bytes_equal(finding->kind, BYTES("Secret"));
    return bytes_find_text(source->text, BYTES("Secret")) == source->text.len;
}

static bool line_of(struct bytes text, unsigned number, struct bytes *line)
{
    for (unsigned i = 1;; i++) {
        bool more = bytes_cut(&text, '\n', line);
        if (i == number)
            return true;
        if (!more)
            return false;
    }
}

static bool is_continued(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* At character `count`, or at the end. */
static size_t skip(struct bytes line, size_t at, size_t count)
{
    while (at < line.len && count > 0) {
        at++;
        while (at < line.len && is_continued(line.at[at]))
            at++;
        count--;
    }
    return at;
}

/* A terminal shall not obey what a file holds. */
static void add_printable(struct bytes part, struct text *out)
{
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.at[i];
        bool control =
            c < 0x20 || c == 0x7F || (c == 0xC2 && i + 1 < part.len && (unsigned char)part.at[i + 1] < 0xA0);
        text_add_c(out, control ? ' ' : part.at[i]);
    }
}

void finding_quote(const struct findings *findings, const struct finding *finding, struct text *out)
{
    const struct finding_source *source = source_of(findings, finding->file);
    struct bytes line = {0};
    if (!source || finding->line == 0 || finding->column == 0 || !may_show(finding, source) ||
        !line_of(source->text, finding->line, &line))
        return;
    size_t column = finding->column - 1;
    size_t first = skip(line, 0, SHOWN_MAX) < line.len && column > AHEAD ? column - AHEAD : 0;
    size_t from = skip(line, 0, first);
    text_format(out, "%8u | %s", finding->line, first > 0 ? "..." : "");
    add_printable(bytes_part(line, from, skip(line, from, SHOWN_MAX)), out);
    text_format(out, "\n%8s | %*s^\n", "", (int)(column - first + (first > 0 ? 3 : 0)), "");
}
