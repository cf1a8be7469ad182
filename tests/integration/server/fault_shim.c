/* Makes calls on journal files fail as $FAULT_FILE says while it exists: "sync", "write" or "open" and an errno.
   With "clock" and a number of seconds, the wall clock is off by them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fault(const char *what)
{
    static int (*real_open)(const char *, int, ...);
    static ssize_t (*real_read)(int, void *, size_t);
    const char *name = getenv("FAULT_FILE");
    char text[64] = {0}, kind[16] = {0};
    int number = 0, fd;
    if (!real_open) real_open = dlsym(RTLD_NEXT, "open64");
    if (!real_read) real_read = dlsym(RTLD_NEXT, "read");
    if (!name || (fd = real_open(name, O_RDONLY)) < 0) return 0;
    if (real_read(fd, text, sizeof text - 1) > 0) sscanf(text, "%15s %d", kind, &number);
    close(fd);
    return strcmp(kind, what) ? 0 : number;
}

static int journalled(int fd)
{
    char link[64], path[512];
    ssize_t n;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, "/journal/") != NULL;
}

#define FAIL_IF(what, fd)                                                                                              \
    do {                                                                                                               \
        int number;                                                                                                    \
        if (journalled(fd) && (number = fault(what))) {                                                                \
            errno = number;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
    } while (0)

int fdatasync(int fd)
{
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    FAIL_IF("sync", fd);
    return real(fd);
}

int fsync(int fd)
{
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    FAIL_IF("sync", fd);
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    FAIL_IF("write", fd);
    return real(fd, data, size);
}

static int opened(const char *symbol, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);
    int number;
    if ((flags & O_ACCMODE) != O_RDONLY && strstr(path, "/journal/") && (number = fault("open"))) {
        errno = number;
        return -1;
    }
    return real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened("open64", path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (clock == CLOCK_REALTIME && result == 0) at->tv_sec += fault("clock");
    return result;
}
