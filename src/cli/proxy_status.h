/* proxy_status: which rules each worker of running nodes has, and whether it is in step. */
#ifndef CLI_PROXY_STATUS_H
#define CLI_PROXY_STATUS_H

int proxy_status_main(int argc, char **argv);

#endif
