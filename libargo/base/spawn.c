/*
 * Starting processes by posix_spawn. The child gets exactly the fds, environment, directory and
 * signal state that it was promised, whatever the host process has open or ignored. Never forks.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/process.h"
#include "base/text.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* What lives only while a process is being started. */
struct launch {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int cwd_fd; /* or AT_FDCWD */
    int *moved; /* the child's fds, out of the way of their targets */
    size_t n_moved;
    char *path; /* NULL: the file as it was given */
};

static void launch_release(struct launch *l)
{
    for (size_t i = 0; i < l->n_moved; i++) {
        close(l->moved[i]);
    }
    free(l->moved);
    free(l->path);
    if (l->cwd_fd >= 0) {
        close(l->cwd_fd);
    }
    posix_spawn_file_actions_destroy(&l->actions);
    posix_spawnattr_destroy(&l->attr);
}

/* posix_spawn changes neither list; its type predates const. */
static char *const *as_argv(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } cast = {.in = list};

    return cast.out;
}

static int open_cwd(struct launch *l, const char *cwd)
{
    l->cwd_fd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (l->cwd_fd < 0 || faccessat(l->cwd_fd, ".", X_OK, AT_EACCESS) < 0) {
        return errno;
    }
    return posix_spawn_file_actions_addfchdir_np(&l->actions, l->cwd_fd);
}

static const char *path_of(const char *const *envp)
{
    for (; *envp != NULL; envp++) {
        if (strncmp(*envp, "PATH=", 5) == 0) {
            return *envp + 5;
        }
    }
    return DEFAULT_PATH;
}

/* Relative entries count from the child's directory. Returns an errno. */
static int check_program(int cwd_fd, const char *path)
{
    struct stat st;
    if (fstatat(cwd_fd, path, &st, 0) < 0 || faccessat(cwd_fd, path, X_OK, AT_EACCESS) < 0) {
        return errno;
    }
    return S_ISREG(st.st_mode) ? 0 : EACCES;
}

/* posix_spawnp would search our PATH, the child shall be found by its own. Returns an errno. */
static int find_program(struct launch *l, const char *file, const char *const *envp)
{
    int result = ENOENT;
    if (file[0] == '\0' || strchr(file, '/') != NULL) {
        return 0;
    }
    for (const char *dir = path_of(envp), *next = dir; next != NULL; dir = next + 1) {
        next = strchr(dir, ':');
        int len = next != NULL ? (int)(next - dir) : (int)strlen(dir);
        char *path = ag_asprintf("%.*s%s%s", len, dir, len > 0 ? "/" : "./", file);
        if (path == NULL) {
            return ENOMEM;
        }
        int errnum = check_program(l->cwd_fd, path);
        if (errnum == 0) {
            l->path = path;
            return 0;
        }
        free(path);
        if (errnum == EACCES) {
            result = EACCES; /* tells more than that later entries do not have it */
        }
    }
    return result;
}

static int set_attributes(struct launch *l, const struct ag_spawn *spec)
{
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (spec->new_session) {
        flags |= POSIX_SPAWN_SETSID;
    } else if (spec->new_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
    }
    posix_spawnattr_setsigmask(&l->attr, &none);
    posix_spawnattr_setsigdefault(&l->attr, &all);
    posix_spawnattr_setpgroup(&l->attr, 0);
    return posix_spawnattr_setflags(&l->attr, flags);
}

/* A source may have the number of another's target: first all move above the targets. */
static int pass_fd(struct launch *l, int from, int to, int above)
{
    int fd = fcntl(from, F_DUPFD_CLOEXEC, above);
    if (fd < 0) {
        return errno;
    }
    l->moved[l->n_moved++] = fd;
    return posix_spawn_file_actions_adddup2(&l->actions, fd, to);
}

static int set_fds(struct launch *l, const struct ag_spawn *spec)
{
    int above = 3 + (int)spec->n_inherit;
    int errnum = 0;
    l->moved = calloc((size_t)above, sizeof(*l->moved));
    if (l->moved == NULL) {
        return ENOMEM;
    }
    for (int i = 0; i < 3 && errnum == 0; i++) {
        if (spec->fds[i] < 0) {
            errnum = posix_spawn_file_actions_addopen(&l->actions, i, "/dev/null", O_RDWR, 0);
        } else {
            errnum = pass_fd(l, spec->fds[i], i, above);
        }
    }
    for (size_t i = 0; i < spec->n_inherit && errnum == 0; i++) {
        assert(spec->inherit[i].to >= 3 && spec->inherit[i].to < above);
        errnum = pass_fd(l, spec->inherit[i].from, spec->inherit[i].to, above);
    }
    return errnum != 0 ? errnum : posix_spawn_file_actions_addclosefrom_np(&l->actions, above);
}

static int launch(struct launch *l, const struct ag_spawn *spec, pid_t *pid, argo_error **err)
{
    int errnum = spec->cwd != NULL ? open_cwd(l, spec->cwd) : 0;
    if (errnum != 0) {
        return ag_error_set(err, ARGO_E_SPAWN, "cannot start '%s' in directory '%s': %s",
                            spec->file, spec->cwd, strerror(errnum));
    }
    errnum = find_program(l, spec->file, spec->envp);
    if (errnum == 0) {
        errnum = set_attributes(l, spec);
    }
    if (errnum == 0) {
        errnum = set_fds(l, spec);
    }
    if (errnum == 0) {
        errnum = posix_spawn(pid, l->path != NULL ? l->path : spec->file, &l->actions, &l->attr,
                             as_argv(spec->argv), as_argv(spec->envp));
    }
    if (errnum != 0) {
        return ag_error_set(err, ARGO_E_SPAWN, "cannot start '%s': %s", spec->file,
                            strerror(errnum));
    }
    return 0;
}

int ag_spawn(const struct ag_spawn *spec, pid_t *out_pid, int *out_pidfd, argo_error **err)
{
    struct launch l = {.cwd_fd = AT_FDCWD};
    pid_t pid = -1;
    int errnum = posix_spawn_file_actions_init(&l.actions);
    if (errnum == 0) {
        errnum = posix_spawnattr_init(&l.attr);
    }
    if (errnum != 0) {
        return ag_error_nomem(err);
    }
    int rc = launch(&l, spec, &pid, err);
    launch_release(&l);
    if (rc < 0) {
        return rc;
    }
    if (out_pidfd != NULL) {
        /* Safe by number: nobody has reaped it yet. */
        int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0) {
            errnum = errno;
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return ag_error_set(err, ARGO_E_SPAWN, "cannot watch '%s': %s", spec->file,
                                strerror(errnum));
        }
        *out_pidfd = pidfd;
    }
    *out_pid = pid;
    return 0;
}

void ag_pidfd_kill(int pidfd)
{
    (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED) < 0 && errno == EINTR) {
    }
}

int ag_pipe(int fds[2], argo_error **err)
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) < 0) {
        return ag_error_errno(err, errno, "create a pipe");
    }
    if (fcntl(made[0], F_SETFL, O_NONBLOCK) < 0) {
        int errnum = errno;
        close(made[0]);
        close(made[1]);
        return ag_error_errno(err, errnum, "create a pipe");
    }
    fds[0] = made[0];
    fds[1] = made[1];
    return 0;
}
