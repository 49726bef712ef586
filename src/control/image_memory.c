#include "control/image_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypt/digest.h"

void image_hash(struct image_head *head, size_t size)
{
    struct digest digest = digest_of(bytes_make(head + 1, size - sizeof *head));
    memcpy(head->hash, digest.bytes, sizeof head->hash);
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

int image_memory_seal(const struct image_head *head, size_t size, struct fail *why)
{
    int fd = memfd_create("selvage-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        fail_errno(why, FAIL_SELF, "no memory for an image");
        return -1;
    }
    if (write_all(fd, (const char *)head, size) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    fail_errno(why, FAIL_SELF, "no memory for an image of %zu bytes", size);
    close(fd);
    return -1;
}
