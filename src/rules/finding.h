/*
 * finding: what is to be said about a resource, with its place.
 *
 * Reading never stops at the first mistake: everything found is collected here,
 * in the arena of who reads, up to a bound. Codes are istioctl's (IST0106 ...)
 * where it has one, else our own (SEL0001 ...).
 */
#ifndef RULES_FINDING_H
#define RULES_FINDING_H

#include "base/arena.h"
#include "base/text.h"
#include "wire/yaml.h"

#define FINDINGS_MAX 1000

enum finding_level { FINDING_INFO, FINDING_WARNING, FINDING_ERROR };

/* Codes. */
#define FINDING_UNKNOWN_KIND "SEL0001"
#define FINDING_NOT_YET "SEL0002"    /* known, but this version does not act on it */
#define FINDING_UNREADABLE "SEL0003" /* not YAML, or no resource */
#define FINDING_TWICE "SEL0004"      /* the same kind, namespace and name in two places */
#define FINDING_TOO_MANY "SEL0005"   /* findings or resources beyond the bound */
#define FINDING_UNKNOWN_FIELD "SEL0006"
#define FINDING_OWN_RULE "SEL0007"   /* refused for it would do harm, although Istio takes it */
#define FINDING_INVALID "IST0106"    /* istioctl: SchemaValidationError */
#define FINDING_DEPRECATED "IST0002" /* istioctl: Deprecated */
#define FINDING_REFERENCE "IST0101"  /* istioctl: ReferencedResourceNotFound */

struct finding {
    enum finding_level level;
    const char *code;
    struct bytes kind; /* all three empty when no resource could be made out */
    struct bytes namespace;
    struct bytes name;
    const char *file;
    unsigned line; /* 0: unknown */
    unsigned column;
    struct bytes path; /* spec.servers[0].tls.mode, or empty */
    struct bytes sentence;
};

/* A file as it was read, for people who want to see the line that is spoken of. */
struct finding_source {
    const char *file;
    struct bytes text;
    struct finding_source *next;
};

struct findings {
    struct arena *arena;
    bool keeps_sources;             /* set by whoever wants finding_quote */
    struct finding_source *sources; /* newest first */
    struct finding *at;
    size_t count;
    size_t room;
    size_t dropped; /* beyond FINDINGS_MAX; still counted below */
    size_t errors;
    size_t ours; /* those of the errors that Istio would not find: SEL0002, SEL0007 */
    size_t warnings;
    size_t infos;
};

void findings_init(struct findings *findings, struct arena *arena);
/* Those of another list, whose texts stay where they are. */
void findings_add_all(struct findings *findings, const struct findings *others);
/* By file, line, column; those of one place stay in order. */
void findings_sort(struct findings *findings);
/* Takes out those that are not wanted; what was dropped stays counted. */
void findings_keep(struct findings *findings, bool (*wanted)(const struct finding *finding, void *with),
                   void *with);
const char *finding_level_name(enum finding_level level); /* Error, Warning, Info */
/* mesh/gateway.yaml:14:9: spec.servers[0].tls.mode: 'MUTAUL' is none of ... */
void finding_write(const struct finding *finding, struct text *out);
/* Keeps what was read when that is wanted. */
void findings_keep_source(struct findings *findings, const char *file, struct bytes text);
/* The line with a caret below the place; nothing when it is not known, or might show a secret. */
void finding_quote(const struct findings *findings, const struct finding *finding, struct text *out);

/* About which resource is being spoken, and where to. */
struct report {
    struct findings *findings;
    const char *file;
    struct bytes kind;
    struct bytes namespace;
    struct bytes name;
    bool strict; /* a security kind: what we do not act on is an error */
    bool
        plain; /* a kind of Kubernetes' own: numbers are no text, choices have no numbers (protobuf's JSON) */
};

/* `node` gives place and path; NULL speaks about the file. */
void report_add(struct report *report, enum finding_level level, const char *code,
                const struct yaml_node *node, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* An error under IST0106. */
void report_error(struct report *report, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A warning under IST0106. */
void report_warning(struct report *report, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An error under SEL0007. */
void report_own_rule(struct report *report, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "known, but not acted on yet": a warning, an error in a security kind. */
void report_not_yet(struct report *report, const struct yaml_node *node, const char *what);

#endif
