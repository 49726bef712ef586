/*
 * analyze: `selvage analyze PATH...`, istioctl's habit on our reader.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

/* argv[0] is "analyze". */
int analyze_main(int argc, char **argv);

#endif
