/* A disk slower than the one at hand: fsync and fdatasync take SLOW_FSYNC_MS longer (5 unless told otherwise).
 *
 *     cc -shared -fPIC -O2 -o slow_fsync.so slow_fsync.c -ldl
 *     LD_PRELOAD=./slow_fsync.so SLOW_FSYNC_MS=5 some-program
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_a_little(void)
{
    static long milliseconds = -1;
    struct timespec left;

    if (milliseconds < 0) {
        const char *asked = getenv("SLOW_FSYNC_MS");
        milliseconds = asked ? atol(asked) : 5;
    }
    left.tv_sec = milliseconds / 1000;
    left.tv_nsec = milliseconds % 1000 * 1000000L;
    while (nanosleep(&left, &left) != 0)
        ; /* a signal must not make the disk faster */
}

int fsync(int fd)
{
    static int (*real)(int);

    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_little();
    return real(fd);
}

int fdatasync(int fd)
{
    static int (*real)(int);

    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_little();
    return real(fd);
}
