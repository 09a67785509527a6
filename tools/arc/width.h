/*
 * Columns of text on a terminal, in the locale's encoding.
 */
#ifndef ARC_WIDTH_H
#define ARC_WIDTH_H

#include <stddef.h>

/* Columns that TEXT takes. */
size_t arc_text_width(const char *text);
/* TEXT in at most WIDTH columns, the last one an ellipsis when it is cut. The caller's; NULL without
 * memory. */
char *arc_text_cut(const char *text, size_t width);
/* How many rows below the first the cursor is when TEXT has been shown from the first of WIDTH
 * columns on. */
size_t arc_text_rows(const char *text, size_t width);

#endif
