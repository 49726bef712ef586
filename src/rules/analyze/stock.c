#include "rules/analyze/stock.h"

#include <string.h>

static const char ingress[] = "{apiVersion: v1, kind: Pod, metadata: {name: istio-ingressgateway, "
                              "namespace: istio-system, labels: {istio: ingressgateway}}, "
                              "spec: {containers: [{name: istio-proxy}]}}\n"
                              "---\n"
                              "{apiVersion: v1, kind: Service, metadata: {name: istio-ingressgateway, "
                              "namespace: istio-system}, spec: {selector: {istio: ingressgateway}, ports: ["
                              "{name: http2, port: 80, targetPort: 80, protocol: TCP}, "
                              "{name: https, port: 443, targetPort: 443, protocol: TCP}, "
                              "{name: tcp, port: 31400, targetPort: 31400, protocol: TCP}, "
                              "{name: tls, port: 15443, targetPort: 15443, protocol: TCP}]}}\n";

struct set_document *stock_add(const struct resource_set *set, struct arena *arena, size_t *count)
{
    struct yaml_stream stream = {0};
    struct fail why;
    yaml_read(STOCK_FILE, bytes_of(ingress), arena, &stream, &why);
    struct set_document *all =
        arena_array(arena, struct set_document, set->document_count + stream.count + 1);
    if (set->document_count)
        memcpy(all, set->documents, set->document_count * sizeof *all);
    *count = set->document_count;
    for (size_t i = 0; i < stream.count; i++)
        all[(*count)++] = (struct set_document){STOCK_FILE, stream.documents[i]};
    return all;
}
