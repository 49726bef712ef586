/*
 * fields: `selvage fields [KIND[.path]]`, the tables of the resource kinds as help.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "base/text.h"

/* argv[0] is "fields". */
int fields_main(int argc, char **argv);

/* What `path` ("" lists the kinds, "Gateway.servers.tls") names; false when there is no such thing. */
bool fields_write(struct bytes path, struct text *out);

#endif
