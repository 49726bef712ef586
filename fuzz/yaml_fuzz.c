#include "rules/analyze/analysis.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void analyze_all(const struct resource_set *set)
{
    struct arena arena;
    struct findings findings;
    struct analysis analysis;
    arena_init(&arena);
    findings_init(&findings, &arena);
    analysis_init(&analysis, set, NULL, NULL, &findings);
    for (size_t i = 0; i < analyzer_count; i++)
        analyzers[i].run(&analysis);
    analysis_done(&analysis);
    arena_done(&arena);
}

static void quote_all(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct text text;
        text_init_arena(&text, findings->arena);
        finding_quote(findings, &findings->at[i], &text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct resource_set set;
    resource_set_init(&set);
    set.findings.keeps_sources = true;
    resource_set_add_file(&set, "fuzz.yaml", bytes_make(at, len));
    resource_set_finish(&set);
    quote_all(&set.findings);
    analyze_all(&set);
    resource_set_done(&set);
    return 0;
}
