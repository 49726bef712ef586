/*
 * join_token: the command that makes tokens by which machines join the authority.
 */
#ifndef CLI_JOIN_TOKEN_H
#define CLI_JOIN_TOKEN_H

int join_token_main(int argc, char **argv);

#endif
