/*
 * init: `selvage init [DIR]`, a commented configuration to start from.
 */
#ifndef CLI_INIT_H
#define CLI_INIT_H

/* argv[0] is "init". */
int init_main(int argc, char **argv);

#endif
