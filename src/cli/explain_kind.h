/*
 * explain_kind: `selvage explain-kind KIND[.FIELD...]`, the tables of the resource kinds as help; also as a
 * manual page, and as the schema that editors check files with.
 */
#ifndef CLI_EXPLAIN_KIND_H
#define CLI_EXPLAIN_KIND_H

#include "base/text.h"

/* argv[0] is "explain-kind". */
int explain_kind_main(int argc, char **argv);

/*
 * What `path` names: "" lists the kinds, "Gateway.servers.tls" is a field. `api` ("" or GROUP/VERSION) tells
 * kinds of one name apart. False when there is no such thing.
 */
bool explain_kind_write(struct bytes path, struct bytes api, bool recursive, struct text *out);

#endif
