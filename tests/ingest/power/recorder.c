/* Write down every change of files below a folder, in the order in which the calls returned.

   Preloaded into a process and what it starts: the C library's calls go through here, also those
   of SQLite and of Python. A record is written by one appending write, after the call that it is
   about and before that call returns: so what a process did after it is after it in the file, also
   in another process. Of a sync both its begin and its end are written, because only what was
   written before its begin is safe after its end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    uint8_t kind;
    uint8_t is_folder;
    uint16_t path_bytes, other_bytes;
    uint32_t thread, data_bytes;
    uint64_t inode;
    int64_t offset;
} __attribute__((packed));

static char root[PATH_MAX];
static size_t root_bytes;
static int record_file = -1;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("SPAN_TEST_RECORD_ROOT"), *file = getenv("SPAN_TEST_RECORD");
    if (!folder || !file) return;
    root_bytes = strlen(strncpy(root, folder, sizeof root - 1));
    record_file = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int below(const char *path) {
    return record_file >= 0 && path && !strncmp(path, root, root_bytes) && path[root_bytes] == '/';
}

static void put(char kind, int is_folder, uint64_t inode, int64_t offset, const char *path,
                const char *other, const void *data, size_t data_bytes) {
    struct record head = {
        .kind = kind, .is_folder = is_folder, .path_bytes = strlen(path),
        .other_bytes = other ? strlen(other) : 0, .thread = syscall(SYS_gettid),
        .data_bytes = data_bytes, .inode = inode, .offset = offset};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path_bytes},
                            {(void *)other, head.other_bytes}, {(void *)data, data_bytes}};
    ssize_t total = sizeof head + head.path_bytes + head.other_bytes + data_bytes;
    int kept = errno;
    if (syscall(SYS_writev, record_file, parts, 4) != total) abort();
    errno = kept;
}

/* The path of an open file below the folder, as it is now; no terminals, sockets or others. */
static int known(int file, char *path, struct stat *facts) {
    char link[64];
    int kept = errno;
    if (record_file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t bytes = readlink(link, path, PATH_MAX - 1);
    if (bytes > 0) path[bytes] = 0;
    int found = bytes > 0 && (below(path) || !strcmp(path, root)) && fstat(file, facts) == 0;
    errno = kept;
    return found;
}

static void about(char kind, int file, int64_t offset, const void *data, size_t data_bytes) {
    char path[PATH_MAX];
    struct stat facts;
    if (known(file, path, &facts))
        put(kind, S_ISDIR(facts.st_mode), facts.st_ino, offset, path, NULL, data, data_bytes);
}

#define NEXT(name) static __typeof__(name) *next; if (!next) next = dlsym(RTLD_NEXT, #name)

static int opened(int file, int flags) {
    if (file >= 0 && (flags & O_CREAT)) about('c', file, 0, NULL, 0);
    if (file >= 0 && (flags & O_TRUNC)) about('t', file, 0, NULL, 0);
    return file;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
    }
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        NEXT(name); MODE(flags) return opened(next(path, flags, mode), flags); \
    }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        NEXT(name); MODE(flags) return opened(next(folder, path, flags, mode), flags); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *data, size_t bytes) {
    NEXT(write);
    ssize_t done = next(file, data, bytes);
    if (done > 0) {
        int kept = errno;
        off_t end = lseek(file, 0, SEEK_CUR);
        errno = kept;
        if (end >= done) about('w', file, end - done, data, done);
    }
    return done;
}

#define PWRITE(name) \
    ssize_t name(int file, const void *data, size_t bytes, off_t offset) { \
        NEXT(name); \
        ssize_t done = next(file, data, bytes, offset); \
        if (done > 0) about('w', file, offset, data, done); \
        return done; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define FTRUNCATE(name) \
    int name(int file, off_t bytes) { \
        NEXT(name); \
        int failed = next(file, bytes); \
        if (!failed) about('t', file, bytes, NULL, 0); \
        return failed; \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

#define SYNC(name) \
    int name(int file) { \
        NEXT(name); \
        about('b', file, 0, NULL, 0); \
        int failed = next(file); \
        if (!failed) about('e', file, 0, NULL, 0); \
        return failed; \
    }
SYNC(fsync)
SYNC(fdatasync)

int mkdir(const char *path, mode_t mode) {
    NEXT(mkdir);
    int failed = next(path, mode);
    if (!failed && below(path)) put('m', 1, 0, 0, path, NULL, NULL, 0);
    return failed;
}

int rename(const char *old, const char *path) {
    NEXT(rename);
    int failed = next(old, path);
    if (!failed && below(path)) put('r', 0, 0, 0, old, path, NULL, 0);
    return failed;
}

int unlink(const char *path) {
    NEXT(unlink);
    int failed = next(path);
    if (!failed && below(path)) put('u', 0, 0, 0, path, NULL, NULL, 0);
    return failed;
}
