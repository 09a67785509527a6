/*
 * What `arc doctor` looks at, apart from the daemon: the home, its files, the machine. Each check
 * says what it found, and of what is wrong how to mend it.
 */
#ifndef ARC_DOCTOR_H
#define ARC_DOCTOR_H

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>

#include "arc.h"

struct arc_doctor {
    argo_value *findings; /* [{"check","ok","message","mend"?}] */
    size_t wrong;
};

/* MEND: what to do, one line; NULL when all is well. */
void arc_doctor_found(struct arc_doctor *d, const char *check, const char *mend, const char *format,
                      ...) ARGO_PRINTF(4, 5);

/* The directory itself. False when nothing else can be said of it. */
bool arc_doctor_home(struct arc_doctor *d, const char *home);
/* That nobody else reads or writes what is in it. */
void arc_doctor_permissions(struct arc_doctor *d, const char *home);
/* That its file begins as one: while no daemon has it open. */
bool arc_doctor_database(struct arc_doctor *d, const char *home);
void arc_doctor_disk(struct arc_doctor *d, const char *home, const struct statvfs *fs);
/* NOW against what the home's files tell. */
void arc_doctor_clock(struct arc_doctor *d, const char *home, time_t now);
void arc_doctor_limits(struct arc_doctor *d, const struct rlimit *files);

#endif
