/*
 * Prints a run's output records for people: safe, each kind on lines of its own, dimmed or marked
 * on a colour terminal.
 */
#ifndef ARC_PRINTER_H
#define ARC_PRINTER_H

#include "arc.h"
#include "terminal.h"

struct arc_printer {
    bool colour;
    bool json; /* a record's JSON on a line instead */
    bool open; /* the line printed last has no end yet */
    char kind[32];
    struct arc_clean clean;
};

void arc_printer_record(struct arc_printer *printer, const argo_value *record);
/* Ends an open line: before anything else is printed. */
void arc_printer_end_line(struct arc_printer *printer);

#endif
