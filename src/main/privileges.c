#include "main/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool user_find(struct bytes name, struct user *out, struct fail *why)
{
    *out = (struct user){0};
    if (geteuid() != 0 || !name.len)
        return true;
    snprintf(out->name, sizeof out->name, "%.*s", BYTES_FMT(bytes_part(name, 0, sizeof out->name - 1)));
    const struct passwd *entry = getpwnam(out->name);
    if (!entry)
        return fail(why, FAIL_INPUT, "user: there is no user '%s' on this machine", out->name);
    out->change = true;
    out->uid = entry->pw_uid;
    out->gid = entry->pw_gid;
    return true;
}

bool state_make(struct bytes name, const struct user *user, struct fail *why)
{
    char path[1024];
    if (name.len >= sizeof path)
        return fail(why, FAIL_INPUT, "state: the name is too long");
    snprintf(path, sizeof path, "%.*s", BYTES_FMT(name));
    for (char *slash = path + 1; path[0] && *slash; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail_errno(why, FAIL_SELF, "the state directory %s cannot be made", path);
    if (user->change && chown(path, user->uid, user->gid) < 0)
        return fail_errno(why, FAIL_SELF, "the state directory %s cannot be given to the node's user", path);
    return true;
}

static void limits_set(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool user_become(const struct user *user)
{
    return !user->change ||
           (initgroups(user->name, user->gid) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
            setresuid(user->uid, user->uid, user->uid) == 0);
}

static bool capabilities_keep(cap_value_t wanted)
{
    cap_flag_value_t has = CAP_CLEAR;
    cap_t now = cap_get_proc(), then = cap_init();
    bool fine = now && then && cap_get_flag(now, wanted, CAP_PERMITTED, &has) == 0;
    if (has == CAP_SET)
        fine = fine && cap_set_flag(then, CAP_PERMITTED, 1, &wanted, CAP_SET) == 0 &&
               cap_set_flag(then, CAP_EFFECTIVE, 1, &wanted, CAP_SET) == 0;
    fine = fine && cap_set_proc(then) == 0;
    cap_free(now);
    cap_free(then);
    return fine;
}

bool privileges_drop(const struct user *user, struct fail *why)
{
    limits_set();
    if (geteuid() == 0) {
        (void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
        (void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    }
    bool fine = user_become(user) && capabilities_keep(CAP_NET_BIND_SERVICE) &&
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return fine || fail_errno(why, FAIL_SELF, "privileges cannot be dropped");
}
