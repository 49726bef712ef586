/* Telemetries against the mesh's providers. */
#include "rules/analyze/analyzers.h"

void analyze_telemetry_providers(struct analysis *analysis)
{
    if (node_first(node_at(analysis->mesh, "defaultProviders.accessLogging")))
        return;
    OBJECTS_EACH(telemetry, &analysis->objects, OBJECT_TELEMETRY)
    NODE_EACH(log, node_at(telemetry->spec, "accessLogging"))
    if (!node_true(log, "disabled") && !node_first(node_at(log, "providers")))
        say(analysis, telemetry, log, "IST0157",
            "no provider is named here, and the mesh has no default for access logs: it is ignored");
}

static bool is_lightstep(const struct analysis *analysis, struct bytes name)
{
    NODE_EACH(provider, node_at(analysis->mesh, "extensionProviders"))
    if (node_has(provider, "lightstep") && bytes_equal(node_text(provider, "name"), name))
        return true;
    return false;
}

void analyze_lightstep(struct analysis *analysis)
{
    OBJECTS_EACH(telemetry, &analysis->objects, OBJECT_TELEMETRY)
    NODE_EACH(tracing, node_at(telemetry->spec, "tracing"))
    NODE_EACH(provider, node_at(tracing, "providers"))
    if (is_lightstep(analysis, node_text(provider, "name")))
        say(analysis, telemetry, provider, "IST0002",
            "the Lightstep provider %.*s is going away; use one of OpenTelemetry",
            BYTES_FMT(node_text(provider, "name")));
}
