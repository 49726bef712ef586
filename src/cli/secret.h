/*
 * secret: `selvage secret`, the sealed local store of a node's secrets.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

/* argv[0] is "secret". */
int secret_main(int argc, char **argv);

#endif
