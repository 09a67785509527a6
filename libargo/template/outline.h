/*
 * The outline of a template that may be full of mistakes: its steps, which leads to which, which
 * sets which variable. Reads what is probably meant (the nearest key, type or step for one that
 * is misspelt), so that one mistake is one problem. Reports nothing.
 */
#ifndef AG_TEMPLATE_OUTLINE_H
#define AG_TEMPLATE_OUTLINE_H

#include "base/map.h"
#include "template/source.h"
#include "template/step_table.h"

#define AG_MAX_STEPS 1000
#define AG_STEP_EXIT "EXIT"
#define AG_NO_STEP   ((size_t)-1)

/* The tables that an object's keys come from; the second may be NULL. */
struct ag_key_sets {
    const struct ag_keys *a, *b;
};

struct ag_indexes {
    size_t *items;
    size_t n;
};

struct ag_step_outline {
    struct ag_node node;
    char *name;                      /* NULL when it cannot be told */
    bool duplicate;                  /* an earlier step has that name */
    const struct ag_step_type *type; /* as written, or probably meant; or NULL */
    struct ag_indexes leads_to;
    size_t lost; /* targets that name no step, and none is near */
    bool wild;   /* saves to a variable whose name cannot be told */
    bool reached;
    bool orphan;     /* the first of some steps that nothing leads to */
    bool excused;    /* an orphan, but of another mistake */
    size_t meant_by; /* then: the step with a lost target that may mean it; or AG_NO_STEP */
};

struct ag_outline {
    struct ag_node root;
    struct ag_node list;    /* of steps or phases */
    struct ag_node *phases; /* two a phase: itself and its steps */
    size_t n_phases;
    struct ag_step_outline *steps;
    size_t n_steps;
    size_t found_steps; /* more than n_steps when there are too many */
    ag_map *by_name;    /* -> struct ag_step_outline, the first of that name */
    ag_map *setters;    /* variable -> struct ag_indexes */
    ag_map *guesses;    /* target that names no step -> the step it is near to, or EXIT */
};

enum ag_set_when {
    AG_SET_BEFORE, /* on some path from the start to the step */
    AG_SET_ELSEWHERE,
    AG_SET_NEVER
};

/* Fails only without memory. SOURCE must outlive the outline. */
int ag_outline_build(const ag_source *source, struct ag_outline *o, argo_error **err);
void ag_outline_clear(struct ag_outline *o);

/* For ag_outline_build (flow.c): fills in `reached`, `orphan` and `excused` of every step. */
void ag_flow_mark(struct ag_outline *o);

/* The step that a target names, NULL for none. TARGET is text or an integer. */
const struct ag_step_outline *ag_outline_find(const struct ag_outline *o, const ag_value *target);
/* The step (or EXIT) that a target which names none is near to, or NULL. */
const char *ag_outline_nearest(const struct ag_outline *o, const char *target);
enum ag_set_when ag_outline_is_set(const struct ag_outline *o, const char *variable, size_t step);
/* Whether step FROM can come before step TO. */
bool ag_outline_leads(const struct ag_outline *o, size_t from, size_t to);
bool ag_outline_sets(const struct ag_outline *o, const char *variable, size_t step);

/* The key that NAME spells, or NULL. */
const struct ag_key *ag_key_sets_find(struct ag_key_sets sets, const char *name);
/* The key that member NAME of OBJECT means: as it spells it, else the nearest missing one. */
const struct ag_key *ag_key_sets_guess(struct ag_key_sets sets, const ag_value *object,
                                       const char *name);
/* The nearest of all keys, for messages. */
const char *ag_key_sets_nearest(struct ag_key_sets sets, const char *name);
/* The member of PARENT that means KEY; without VALUE when there is none. */
struct ag_node ag_key_sets_member(struct ag_key_sets sets, const struct ag_node *parent,
                                  const char *key);

/* "context.a.b" and "a.b" -> "a" into BUF; false when it does not fit. */
#define AG_VARIABLE_SIZE 257
bool ag_variable_root(const char *path, char buf[AG_VARIABLE_SIZE]);
const char *ag_variable_path(const char *path); /* without a leading "context." */

#endif
