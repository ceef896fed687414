/* A disk that fails on command: while the file named by BROKEN_DISK_FLAG exists, writes and syncs fail with the errno
 * that BROKEN_DISK_ERRNO holds (EIO is 5, ENOSPC is 28). Files opened before fail like files opened after, which
 * neither permissions nor a full partition can do for root.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int broken(void)
{
    const char *flag = getenv("BROKEN_DISK_FLAG");
    const char *number = getenv("BROKEN_DISK_ERRNO");

    if (!flag || !number || access(flag, F_OK) != 0)
        return 0;
    errno = atoi(number);
    return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    REAL(pwrite64);
    return broken() ? -1 : real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    REAL(pwrite);
    return broken() ? -1 : real(fd, bytes, count, offset);
}

int fsync(int fd)
{
    REAL(fsync);
    return broken() ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return broken() ? -1 : real(fd);
}
