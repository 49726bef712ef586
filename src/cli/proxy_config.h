/* proxy_config: what a running node does with listeners, routes, clusters and so on, as istioctl shows it. */
#ifndef CLI_PROXY_CONFIG_H
#define CLI_PROXY_CONFIG_H

int proxy_config_main(int argc, char **argv);

#endif
