/*
 * Output records on stdout. One sanitizer for a kind's whole stream, so that a sequence cut between
 * two records of it is still dropped whole; another kind starts afresh.
 */
#include "printer.h"

#include <string.h>

static const char *style_of(const char *kind)
{
    static const struct {
        const char *kind;
        const char *style;
    } styles[] = {{"stderr", "\033[2m"},
                  {"notice", "\033[2m"},
                  {"gap", "\033[2m"},
                  {"error", "\033[31m"},
                  {"prompt", "\033[1m"}};

    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (strcmp(styles[i].kind, kind) == 0) {
            return styles[i].style;
        }
    }
    return NULL;
}

/* Pieces of a stream are joined; the others are texts of their own and end their line. */
static bool is_piece(const char *kind)
{
    return strcmp(kind, "stdout") == 0 || strcmp(kind, "stderr") == 0 || strcmp(kind, "ci") == 0 ||
           strcmp(kind, "text") == 0;
}

static void put_clean(struct arc_printer *p, const char *text, size_t len, bool last)
{
    arc_auto_free char *out = malloc(ARC_CLEAN_SIZE(len) + 4);
    if (out == NULL) {
        return;
    }
    size_t n = arc_clean_feed(&p->clean, text, len, out);
    if (last) {
        n += arc_clean_finish(&p->clean, out + n);
    }
    fwrite(out, 1, n, stdout);
    p->open = n > 0 ? out[n - 1] != '\n' : p->open;
}

void arc_printer_end_line(struct arc_printer *p)
{
    put_clean(p, "", 0, true);
    if (p->open) {
        fputc('\n', stdout);
        p->open = false;
    }
    p->kind[0] = '\0';
    fflush(stdout);
}

void arc_printer_record(struct arc_printer *p, const argo_value *record)
{
    const char *kind = argo_value_text(record, "kind", "text");
    const char *text = argo_value_text(record, "text", "");
    if (p->json) {
        arc_auto_free char *json = argo_value_print(record, 0);
        arc_print_json(json);
        return;
    }
    if (strcmp(kind, p->kind) != 0) {
        arc_printer_end_line(p);
        snprintf(p->kind, sizeof(p->kind), "%s", kind);
    }
    const char *style = p->colour ? style_of(kind) : NULL;
    fputs(style == NULL ? "" : style, stdout);
    put_clean(p, text, strlen(text), !is_piece(kind));
    fputs(style == NULL ? "" : "\033[0m", stdout);
    if (!is_piece(kind) && p->open) {
        fputc('\n', stdout);
        p->open = false;
    }
}
