/*
 * settings: what selvage.yaml says about this node.
 *
 * Read once, before anything else runs; everything lies in the arena of whoever
 * read it and is borrowed for the life of the process. Unlike in resources an
 * unknown key is an error here: nobody else reads this file.
 */
#ifndef CONTROL_SETTINGS_H
#define CONTROL_SETTINGS_H

#include "rules/limits.h"

struct settings_directory {
    struct group group;
    struct bytes directory;
};

/* The embedded authority. */
struct settings_ca {
    struct group group;
    struct bytes directory;
    int64_t rotate_every_ms; /* the intermediate */
    int64_t rotate_root_every_ms;
    int64_t publish_ahead_ms; /* a root before it signs */
    struct bytes listen;      /* ADDRESS:PORT where machines join; empty: nowhere */
};

/* The authority of another machine. */
struct settings_join {
    struct group group;
    struct bytes address; /* HOST:PORT */
    struct bytes token_file;
};

struct settings_files {
    struct group group;
    struct bytes certificate;
    struct bytes key;
    struct bytes roots;
};

/* At most one of ca, cacerts, files and join; none: the node has no mesh identity. */
struct settings_identity {
    struct group group;
    struct settings_ca *ca;
    struct settings_directory *cacerts;
    struct settings_files *files;
    struct settings_join *join;
    struct bytes seal_key_file; /* empty: see seal_key_obtain */
    int64_t certificate_lifetime_ms;
};

/* 0: that server is off. */
struct settings_ports {
    struct group group;
    int64_t admin;
    int64_t status;
    int64_t metrics;
    int64_t merged;
};

struct settings_admin {
    struct group group;
    struct bytes address; /* an IP address */
    struct settings_ports *ports;
};

/* Who begins its connections with a PROXY protocol header. */
struct settings_proxy_protocol {
    struct group group;
    struct text_list addresses;   /* CIDR */
    FIELD_LIST_OF(int64_t) ports; /* none: all */
};

struct settings_front_proxies {
    struct group group;
    struct text_list addresses; /* CIDR */
    struct text_list certificates;
    struct bytes token_header;                      /* as written */
    struct settings_proxy_protocol *proxy_protocol; /* NULL: nobody */
};

/* Beside systemd's credentials and the sealed store, which need no setting. */
struct settings_secrets {
    struct group group;
    struct bytes directory; /* empty: none */
};

/* Empty: those of /etc/resolv.conf. */
struct settings_dns {
    struct group group;
    struct text_list servers; /* ADDRESS or ADDRESS:PORT */
};

struct settings {
    struct group group;
    struct bytes node;
    int role; /* enum rules_role */
    struct bytes name_space;
    struct bytes account;
    struct text_map labels;
    struct bytes locality;
    struct bytes trust_domain;
    struct text_list trust_domain_aliases;
    struct bytes root_namespace;
    struct bytes cluster_domain;
    struct bytes rules;
    struct bytes state;
    struct bytes user; /* empty: stay who we are */
    int64_t workers;
    struct settings_identity *identity; /* never NULL after settings_read */
    const struct yaml_node *admin_node; /* as written: off, or a map */
    struct settings_admin *admin;       /* NULL: off */
    const struct yaml_node *access_log_node;
    struct bytes access_log;                      /* empty: off; "stdout"; else a path */
    int log_level;                                /* enum log_level */
    int path_level;                               /* enum path_level */
    struct settings_front_proxies *front_proxies; /* never NULL after settings_read */
    struct bytes extra_root_cas;
    struct settings_secrets *secrets; /* never NULL after settings_read */
    struct settings_dns *dns;         /* never NULL after settings_read */
    struct limits *limits;            /* never NULL after settings_read */
    int64_t drain_timeout_ms;
    int64_t drain_spread_ms;
    int64_t upgrade_timeout_ms;
    int64_t ticket_keys_ms;
    int64_t session_keys_ms;
};

static inline bool settings_identity_any(const struct settings_identity *identity)
{
    return identity->ca || identity->cacerts || identity->files || identity->join;
}

extern const struct field_table settings_table;

#define SETTINGS_BYTES_MAX ((size_t)256 * 1024)

/* Everything that is wrong becomes a finding, in the findings' arena as the settings are. False when there is
 * an error; *out is then untouched. */
bool settings_read(struct bytes text, const char *file, struct findings *findings, struct settings *out);
/* The same from a file; what cannot be read is a finding too. */
bool settings_load(const char *file, struct findings *findings, struct settings *out);

#endif
