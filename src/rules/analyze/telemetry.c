/* Telemetries against the mesh's providers. */
#include "rules/analyze/analyzers.h"

void analyze_telemetry_providers(struct analysis *analysis)
{
    if (tree_first(tree_at(analysis->mesh, "defaultProviders.accessLogging")))
        return;
    OBJECTS_EACH(telemetry, &analysis->objects, OBJECT_TELEMETRY)
        TREE_EACH(log, tree_at(telemetry->spec, "accessLogging"))
            if (!tree_true(log, "disabled") && !tree_first(tree_at(log, "providers")))
                say_once(
                    analysis, telemetry, log, "IST0157",
                    "no provider is named here, and the mesh has no default for access logs: it is ignored");
}

static bool is_lightstep(const struct analysis *analysis, struct bytes name)
{
    TREE_EACH(provider, tree_at(analysis->mesh, "extensionProviders"))
        if (tree_has(provider, "lightstep") && bytes_equal(tree_text(provider, "name"), name))
            return true;
    return false;
}

void analyze_lightstep(struct analysis *analysis)
{
    OBJECTS_EACH(telemetry, &analysis->objects, OBJECT_TELEMETRY)
        TREE_EACH(tracing, tree_at(telemetry->spec, "tracing"))
            TREE_EACH(provider, tree_at(tracing, "providers"))
                if (is_lightstep(analysis, tree_text(provider, "name")))
                    say_once(analysis, telemetry, provider, "IST0002",
                             "the Lightstep provider %.*s is going away; use one of OpenTelemetry",
                             BYTES_FMT(tree_text(provider, "name")));
}
