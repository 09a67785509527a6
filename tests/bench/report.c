/*
 * The figures: each is a line of a Markdown table when it is known, and all of them are JSON at the
 * end.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct target {
    const char *sign;
    double limit, actual;
    const char *unit;
    bool most;
};

/* The targets of ROW, and how it stands to them. */
static int targets(const struct bench_row *row, struct target out[5])
{
    double ratio = row->floor > 0 ? row->value / row->floor : 0;
    const struct target all[] = {
        {"<=", row->most, row->value, row->unit, true},
        {">=", row->least, row->value, row->unit, false},
        {"<=", row->ratio_most, ratio, "x floor", true},
        {">=", row->ratio_least, ratio, "x floor", false},
        {"<= floor +", row->above_most, row->value - row->floor, row->unit, true},
    };
    int n = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (all[i].limit > 0) {
            out[n++] = all[i];
        }
    }
    return n;
}

void bench_header(void)
{
    puts("| # | what | figure | floor | ratio | target | met |");
    puts("|---|---|---|---|---|---|---|");
}

static void print_number(double value, const char *unit)
{
    if (value >= 100) {
        printf(" %.0f %s |", value, unit);
    } else {
        printf(" %.3g %s |", value, unit);
    }
}

static void print_row(const struct bench_row *row, const char *what)
{
    struct target wanted[5];
    int n = targets(row, wanted);
    bool met = true;
    printf("| %s | %s |", row->id, what);
    print_number(row->value, row->unit);
    if (row->floor > 0) {
        print_number(row->floor, row->unit);
        printf(" %.2f |", row->value / row->floor);
    } else {
        printf(" | |");
    }
    for (int i = 0; i < n; i++) {
        const struct target *t = &wanted[i];
        printf("%s %s %.4g %s", i > 0 ? "," : "", t->sign, t->limit > BENCH_NEVER ? t->limit : 0,
               t->unit);
        met = met && (t->most ? t->actual <= t->limit : t->actual >= t->limit);
    }
    printf(" | %s |\n", n == 0 ? "" : met ? "yes" : "no");
    fflush(stdout);
}

static void add(argo_value *object, const char *key, double value)
{
    if (value > 0) {
        argo_value_set_real(object, key, value);
    }
}

static void keep_row(struct bench *b, const struct bench_row *row, const char *what)
{
    argo_value *object = argo_value_new_object();
    argo_value_set_text(object, "id", row->id);
    argo_value_set_text(object, "what", what);
    argo_value_set_real(object, "value", row->value);
    argo_value_set_text(object, "unit", row->unit);
    add(object, "floor", row->floor);
    add(object, "ratio", row->floor > 0 ? row->value / row->floor : 0);
    add(object, "most", row->most);
    add(object, "least", row->least);
    add(object, "ratio_most", row->ratio_most);
    add(object, "ratio_least", row->ratio_least);
    add(object, "above_most", row->above_most);
    argo_value_set_value(b->rows, NULL, object);
    argo_value_free(object);
}

void bench_report(struct bench *b, const struct bench_row *row, const char *format, ...)
{
    char what[128];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    print_row(row, what);
    keep_row(b, row, what);
}

void bench_growth(struct bench *b, const char *id, const double *sizes, const double *values,
                  const char *what)
{
    for (int i = 1; i < BENCH_SIZES; i++) {
        if (sizes[i] > sizes[i - 1] && values[i] > 0 && values[i - 1] > 0) {
            double exponent = log(values[i] / values[i - 1]) / log(sizes[i] / sizes[i - 1]);
            bench_report(b, &(struct bench_row){.id = id, .unit = "", .value = exponent},
                         "exponent of %s, %.0f to %.0f", what, sizes[i - 1], sizes[i]);
        }
    }
}

/* --only B1,B10: whole names. */
bool bench_wanted(const struct bench *b, const char *id)
{
    size_t len = strlen(id);
    for (const char *p = b->only; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, id, len) == 0 && (p[len] == ',' || p[len] == '\0')) {
            return true;
        }
    }
    return b->only == NULL;
}

bool bench_write_json(const struct bench *b, const char *path)
{
    char *text = argo_value_print(b->rows, 2);
    FILE *f = fopen(path, "we");
    bool written = f != NULL && text != NULL && fprintf(f, "%s\n", text) > 0;
    free(text);
    return f != NULL && fclose(f) == 0 && written;
}
