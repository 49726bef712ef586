#include "main/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Without a word about arguments. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(lseek),
    SCMP_SYS(futex),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(fcntl),
#ifdef SELVAGE_SANITIZED
    /* What the sanitizers need to find and print a report. */
    SCMP_SYS(openat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(prctl),
    SCMP_SYS(ioctl),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(uname),
    SCMP_SYS(pipe2),
    SCMP_SYS(clone),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(getuid),
    SCMP_SYS(getppid),
    SCMP_SYS(stat),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
#endif
};

static bool rules_add(scmp_filter_ctx filter)
{
    int bad = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
    return bad == 0;
}

static bool filter_load(struct fail *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return fail(why, FAIL_SELF, "the system call filter could not be made");
    bool fine = rules_add(filter) && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
    int error = fine ? seccomp_load(filter) : -EINVAL;
    seccomp_release(filter);
    errno = -error;
    return error == 0 || fail_errno(why, FAIL_SELF, "the system call filter could not be set");
}

static bool capabilities_drop(struct fail *why)
{
    cap_t none = cap_init();
    bool fine = none && cap_set_proc(none) == 0;
    cap_free(none);
    return fine || fail_errno(why, FAIL_SELF, "the capabilities could not be dropped");
}

bool sandbox_enter(struct fail *why)
{
    const struct rlimit zero = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &zero) < 0)
        return fail_errno(why, FAIL_SELF, "the process could not be shut in");
    return capabilities_drop(why) && filter_load(why);
}

#ifdef SELVAGE_PROBE

#include <netinet/in.h>
#include <sys/ptrace.h>

/* The order of the names that the admin server takes (control/admin_pages.c). */
void sandbox_probe(unsigned call)
{
    char *const nothing[] = {NULL};
    const struct sockaddr_in any = {.sin_family = AF_INET};
    static char page[4096] __attribute__((aligned(4096)));
    switch (call) {
    case 0:
        (void)!openat(AT_FDCWD, "/etc/hostname", O_RDONLY);
        return;
    case 1:
        (void)!execve("/bin/true", nothing, nothing);
        return;
    case 2:
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        return;
    case 3:
        (void)!bind(0, (const struct sockaddr *)&any, sizeof any);
        return;
    case 4:
        (void)!socket(AF_UNIX, SOCK_STREAM, 0);
        return;
    case 5:
        (void)!mprotect(page, sizeof page, PROT_READ | PROT_EXEC);
        return;
    default:
        return;
    }
}

#endif
