/*
 * grpc: the numbers of gRPC's statuses, and what they are in HTTP. gRPC's
 * statuscodes.md and http-grpc-status-mapping.md.
 */
#ifndef WIRE_GRPC_H
#define WIRE_GRPC_H

#include "base/bytes.h"

enum { GRPC_STATUS_MAX = 16 };

/* UNAVAILABLE: 14. False: no such name. */
bool grpc_status_read(struct bytes name, uint32_t *out);
/* For clients that do not speak gRPC, as Envoy answers them. */
unsigned grpc_status_to_http(uint32_t status);
uint32_t grpc_status_from_http(unsigned status);
/* application/grpc, with or without +proto and the like; not gRPC-Web. */
bool grpc_is_type(struct bytes content_type);

#endif
