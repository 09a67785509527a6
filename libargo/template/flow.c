/*
 * Reachability over the outline's edges, and from it: which steps nothing leads to, and whether
 * a variable can have been set before a step.
 *
 * A target that names no step may have meant a step that nothing leads to: each such target
 * excuses one of them, so that it is one problem and not two, and counts as leading to it. What
 * is still not reached counts as begun from anywhere: what it uses is not a second problem.
 */
#include <string.h>

#include "template/outline.h"

struct walk {
    const struct ag_outline *o;
    bool seen[AG_MAX_STEPS];
    size_t queue[AG_MAX_STEPS];
    size_t head, tail;
};

static void push(struct walk *w, size_t step)
{
    if (!w->seen[step]) {
        w->seen[step] = true;
        w->queue[w->tail++] = step;
    }
}

static void push_followers(struct walk *w, size_t step)
{
    const struct ag_indexes *next = &w->o->steps[step].leads_to;
    for (size_t i = 0; i < next->n; i++) {
        push(w, next->items[i]);
    }
    for (size_t i = 0; w->o->steps[step].lost > 0 && i < w->o->n_steps; i++) {
        if (w->o->steps[i].excused && w->o->steps[i].meant_by == step) {
            push(w, i);
        }
    }
}

static void run(struct walk *w)
{
    while (w->head < w->tail) {
        push_followers(w, w->queue[w->head++]);
    }
}

/* ---- orphans ------------------------------------------------------------------------------- */

/* The first steps of what is not reached: those that no other unreached step leads to; of a
 * circle the first in the list. */
static void mark_orphans(struct ag_outline *o, struct walk *w)
{
    bool led_to[AG_MAX_STEPS] = {false};
    for (size_t i = 0; i < o->n_steps; i++) {
        const struct ag_indexes *next = &o->steps[i].leads_to;
        for (size_t k = 0; !o->steps[i].reached && k < next->n; k++) {
            led_to[next->items[k]] = led_to[next->items[k]] || next->items[k] != i;
        }
    }
    for (int circles = 0; circles <= 1; circles++) {
        for (size_t i = 0; i < o->n_steps; i++) {
            if (!w->seen[i] && (circles != 0 || !led_to[i])) {
                o->steps[i].orphan = true;
                push(w, i);
                run(w);
            }
        }
    }
}

/* The orphan that a lost target of step FROM most likely meant: the next one in the list, else
 * the last before it. */
static void excuse_one(struct ag_outline *o, size_t from)
{
    struct ag_step_outline *meant = NULL;
    bool after = false;
    for (size_t i = 0; i < o->n_steps && !after; i++) {
        if (o->steps[i].orphan && !o->steps[i].excused) {
            meant = &o->steps[i];
            after = i > from;
        }
    }
    if (meant != NULL) {
        meant->excused = true;
        meant->meant_by = from;
    }
}

/* Targets mean the first of that name, or the end: the name is the problem that is reported. */
static bool has_bad_name(const struct ag_step_outline *step)
{
    return step->duplicate || (step->name != NULL && strcmp(step->name, AG_STEP_EXIT) == 0);
}

static void mark_reached(struct ag_outline *o, struct walk *w)
{
    *w = (struct walk){.o = o};
    if (o->n_steps > 0) {
        push(w, 0);
        run(w);
    }
    for (size_t i = 0; i < o->n_steps; i++) {
        o->steps[i].reached = w->seen[i];
    }
}

void ag_flow_mark(struct ag_outline *o)
{
    struct walk w;
    mark_reached(o, &w);
    mark_orphans(o, &w);
    for (size_t i = 0; i < o->n_steps; i++) {
        o->steps[i].excused = has_bad_name(&o->steps[i]);
        o->steps[i].meant_by = AG_NO_STEP;
    }
    for (size_t i = 0; i < o->n_steps; i++) {
        for (size_t k = 0; k < o->steps[i].lost; k++) {
            excuse_one(o, i);
        }
    }
    mark_reached(o, &w);
}

/* ---- variables ----------------------------------------------------------------------------- */

bool ag_outline_leads(const struct ag_outline *o, size_t from, size_t to)
{
    struct walk w = {.o = o};
    push_followers(&w, from);
    run(&w);
    return w.seen[to];
}

bool ag_outline_sets(const struct ag_outline *o, const char *variable, size_t step)
{
    const struct ag_indexes *setters = ag_map_get(o->setters, variable);
    for (size_t i = 0; setters != NULL && i < setters->n; i++) {
        if (setters->items[i] == step) {
            return true;
        }
    }
    return false;
}

enum ag_set_when ag_outline_is_set(const struct ag_outline *o, const char *variable, size_t step)
{
    const struct ag_indexes *setters = ag_map_get(o->setters, variable);
    if (setters == NULL) {
        return AG_SET_NEVER;
    }
    if (!o->steps[step].reached) {
        return AG_SET_BEFORE;
    }
    struct walk w = {.o = o};
    for (size_t i = 0; i < setters->n; i++) {
        push_followers(&w, setters->items[i]);
    }
    run(&w);
    return w.seen[step] ? AG_SET_BEFORE : AG_SET_ELSEWHERE;
}
