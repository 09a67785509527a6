/*
 * The checks of the home and the machine. They change nothing.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal.h"

enum {
    DISK_MIN = 100 * 1024 * 1024,
    FILES_MIN = 1024,
    FUTURE_S = 60,
    BUILT = 1767225600 /* 2026-01-01: no clock that is right shows less */
};

void arc_doctor_found(struct arc_doctor *d, const char *check, const char *mend, const char *format,
                      ...)
{
    va_list args;
    arc_auto_free char *text = NULL;
    arc_auto_value argo_value *finding = argo_value_new_object();
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    (void)argo_value_set_text(finding, "check", check);
    (void)argo_value_set_bool(finding, "ok", mend == NULL);
    arc_auto_free char *clean = text == NULL ? NULL : arc_clean_text(text, 0);
    (void)argo_value_set_text(finding, "message", clean == NULL ? "(out of memory)" : clean);
    if (mend != NULL) {
        (void)argo_value_set_text(finding, "mend", mend);
        d->wrong++;
    }
    (void)argo_value_set_value(d->findings, NULL, finding);
}

/* ---- home and permissions -------------------------------------------------------------------- */

bool arc_doctor_home(struct arc_doctor *d, const char *home)
{
    struct stat st;
    if (lstat(home, &st) != 0) {
        bool none = errno == ENOENT;
        arc_doctor_found(d, "home", none ? NULL : "give another with --home or ARGO_HOME",
                         none ? "%s is not there yet; the daemon makes it when it starts"
                              : "%s: %s",
                         home, strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        arc_doctor_found(d, "home", "move it away, or give another home with --home or ARGO_HOME",
                         "%s is no directory", home);
        return false;
    }
    if (st.st_uid != geteuid()) {
        arc_doctor_found(d, "home", "give a home of your own with --home or ARGO_HOME",
                         "%s belongs to user %u, not to you", home, (unsigned)st.st_uid);
        return false;
    }
    if ((st.st_mode & 077) != 0) {
        arc_auto_free char *mend = arc_format("chmod 700 %s", home);
        arc_doctor_found(d, "home", mend, "%s is open to others (mode %04o)", home,
                         (unsigned)st.st_mode & 07777);
        return true;
    }
    arc_doctor_found(d, "home", NULL, "%s", home);
    return true;
}

/* NAME in DIR, unless it is not there. True when it is ours alone. */
static bool check_mode(struct arc_doctor *d, const char *dir, const char *name)
{
    struct stat st;
    arc_auto_free char *path = arc_format("%s/%s", dir, name);
    if (path == NULL || lstat(path, &st) != 0 || S_ISSOCK(st.st_mode)) {
        return true; /* a socket is guarded by its directory */
    }
    bool directory = S_ISDIR(st.st_mode);
    arc_auto_free char *mend = arc_format("chmod %s %s", directory ? "700" : "600", path);
    if (st.st_uid != geteuid()) {
        arc_doctor_found(d, "permissions", "remove it, if you do not know whence it comes",
                         "%s belongs to user %u, not to you", path, (unsigned)st.st_uid);
        return false;
    }
    if (!directory && !S_ISREG(st.st_mode)) {
        arc_doctor_found(d, "permissions", "put the file itself there", "%s is no regular file",
                         path);
        return false;
    }
    if ((st.st_mode & 077) != 0) {
        arc_doctor_found(d, "permissions", mend, "%s is open to others (mode %04o)", path,
                         (unsigned)st.st_mode & 07777);
        return false;
    }
    return true;
}

/* Every file in DIR of the home. */
static bool check_files(struct arc_doctor *d, const char *home, const char *name)
{
    bool ok = true;
    arc_auto_free char *path = arc_format("%s/%s", home, name);
    DIR *dir = path == NULL ? NULL : opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            ok = check_mode(d, path, entry->d_name) && ok;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return ok;
}

void arc_doctor_permissions(struct arc_doctor *d, const char *home)
{
    static const char *const names[] = {"token",       "config", "trust", "argo.db", "argo.db-wal",
                                        "argo.db-shm", "keys",   "run",   "logs"};
    bool ok = true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok = check_mode(d, home, names[i]) && ok;
    }
    ok = check_files(d, home, "keys") && ok;
    if (ok) {
        arc_doctor_found(d, "permissions", NULL,
                         "token, keys, settings and database are yours alone");
    }
}

bool arc_doctor_database(struct arc_doctor *d, const char *home)
{
    static const char begins[] = "SQLite format 3";
    char head[sizeof(begins)] = "";
    arc_auto_free char *path = arc_format("%s/argo.db", home);
    FILE *f = path == NULL ? NULL : fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(head, 1, sizeof(head), f);
    if (f != NULL) {
        fclose(f);
    }
    if (n == 0 || memcmp(head, begins, sizeof(begins)) == 0) {
        return true; /* an empty one is new */
    }
    arc_auto_free char *mend =
        arc_format("argo-daemon --repair --home '%s': it keeps a copy, and what can be read", home);
    arc_doctor_found(d, "database", mend, "%s is damaged: no daemon can start", path);
    return false;
}

/* ---- the machine ----------------------------------------------------------------------------- */

void arc_doctor_disk(struct arc_doctor *d, const char *home, const struct statvfs *fs)
{
    unsigned long long room = (unsigned long long)fs->f_bavail * fs->f_frsize;
    unsigned long long names = (unsigned long long)fs->f_favail;
    if ((fs->f_flag & ST_RDONLY) != 0) {
        arc_doctor_found(d, "disk", "mount it for writing, or give another home",
                         "%s is on a file system that is read only", home);
    } else if (room < DISK_MIN) {
        arc_doctor_found(d, "disk", "make room there: nothing that is done can be recorded",
                         "%llu MiB are left for %s", room >> 20, home);
    } else if (fs->f_files > 0 && names < 100) {
        arc_doctor_found(d, "disk", "remove files there: nothing that is done can be recorded",
                         "its file system has room for %llu more files: %s", names, home);
    } else {
        arc_doctor_found(d, "disk", NULL, "%llu MiB are left", room >> 20);
    }
}

void arc_doctor_clock(struct arc_doctor *d, const char *home, time_t now)
{
    static const char *const names[] = {"argo.db", "argo.db-wal", "token", "logs/daemon.log"};
    struct stat st;
    if (now < BUILT) {
        arc_doctor_found(d, "clock", "set it, for instance: timedatectl set-ntp true",
                         "the clock is before 2026");
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        arc_auto_free char *path = arc_format("%s/%s", home, names[i]);
        if (path != NULL && stat(path, &st) == 0 && st.st_mtime > now + FUTURE_S) {
            arc_doctor_found(d, "clock",
                             "set the clock, for instance: timedatectl set-ntp true; deadlines and "
                             "waits go by it",
                             "%s was written %lld s in the future: the clock has been set back",
                             path, (long long)(st.st_mtime - now));
            return;
        }
    }
    arc_doctor_found(d, "clock", NULL, "no file is from the future");
}

void arc_doctor_limits(struct arc_doctor *d, const struct rlimit *files)
{
    if (files->rlim_max != RLIM_INFINITY && files->rlim_max < FILES_MIN) {
        arc_doctor_found(d, "limits",
                         "raise it (ulimit -Hn, or nofile in /etc/security/limits.conf), "
                         "then: arc daemon stop",
                         "a process may have %llu files open only; expected at least %d",
                         (unsigned long long)files->rlim_max, FILES_MIN);
    } else {
        arc_doctor_found(d, "limits", NULL, "a process may have enough files open");
    }
}
