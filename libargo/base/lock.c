/*
 * Locks that name their holder: POSIX (fcntl) write locks, because F_GETLK must report the pid.
 *
 * The trap: such a lock belongs to the process, not to the fd. It goes when the process closes
 * ANY fd of that file, and a second attempt of the same process succeeds. So a process takes a
 * lock once, keeps the fd, and never opens a file whose lock it holds, not even with
 * ag_lock_holder (which would not report itself either). Children do not inherit it; execve
 * keeps it only while the fd stays open.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"

/* 0 or an errno of open. */
static int open_lock(const char *path, int flags, int *fd)
{
    *fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
    return *fd < 0 ? errno : 0;
}

static int get_holder(int fd, const char *path, pid_t *out, argo_error **err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) < 0) {
        return ag_error_errno(err, errno, "ask who holds %s", path);
    }
    if (lock.l_type != F_UNLCK && lock.l_pid <= 0) {
        return ag_error_set(err, ARGO_E_LOCKED, "%s is held by a process that cannot be seen here",
                            path);
    }
    *out = lock.l_type == F_UNLCK ? 0 : lock.l_pid;
    return 0;
}

/* Whether PATH still names the file of FD: its last holder may have removed it meanwhile. */
static bool still_there(int fd, const char *path)
{
    struct stat ours;
    struct stat now;
    return fstat(fd, &ours) == 0 && lstat(path, &now) == 0 && ours.st_dev == now.st_dev &&
           ours.st_ino == now.st_ino;
}

/* One attempt: 0 with *OUT_FD, 1 when things changed underneath and it must be repeated. */
static int try_lock(const char *path, int *out_fd, pid_t *holder, argo_error **err)
{
    ag_auto_close int fd = -1;
    int errnum = open_lock(path, O_RDWR | O_CREAT, &fd);
    if (errnum != 0) {
        return ag_error_errno(err, errnum, "open lock %s", path);
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0) {
        if (!still_there(fd, path)) {
            return 1;
        }
        *out_fd = ag_take_fd(&fd);
        return 0;
    }
    if (errno != EACCES && errno != EAGAIN) {
        return ag_error_errno(err, errno, "lock %s", path);
    }
    pid_t pid = 0;
    int rc = get_holder(fd, path, &pid, err);
    if (rc < 0) {
        return rc;
    }
    if (pid == 0) {
        return 1; /* released since */
    }
    if (holder != NULL) {
        *holder = pid;
    }
    return ag_error_set(err, ARGO_E_LOCKED, "%s is held by process %d", path, (int)pid);
}

int ag_lock_take(const char *path, int *out_fd, pid_t *holder, argo_error **err)
{
    int rc = 0;
    do {
        rc = try_lock(path, out_fd, holder, err);
    } while (rc == 1);
    return rc;
}

int ag_lock_holder(const char *path, pid_t *out, argo_error **err)
{
    ag_auto_close int fd = -1;
    int errnum = open_lock(path, O_RDONLY, &fd);
    if (errnum == ENOENT) {
        *out = 0;
        return 0;
    }
    if (errnum != 0) {
        return ag_error_errno(err, errnum, "open lock %s", path);
    }
    return get_holder(fd, path, out, err);
}

int ag_dir_lock(const char *dir, int *out_fd, argo_error **err)
{
    ag_auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd;
    while (r >= 0 && (r = flock(fd, LOCK_EX)) < 0 && errno == EINTR) {
        r = 0;
    }
    if (r < 0) {
        return ag_error_errno(err, errno, "lock %s", dir);
    }
    *out_fd = ag_take_fd(&fd);
    return 0;
}
