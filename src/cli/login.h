/*
 * login: people at a terminal: sign in with a device code (RFC 8628), say who one is,
 * hand out the token, sign out.
 */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

int login_main(int argc, char **argv);
int whoami_main(int argc, char **argv);
int token_main(int argc, char **argv);
int logout_main(int argc, char **argv);

#endif
