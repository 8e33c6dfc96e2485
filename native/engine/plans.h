/* Plans. A plan says what is recorded of a code object; plans.py makes it once for each. */
#ifndef CODETRACER_PLANS_H
#define CODETRACER_PLANS_H

#include <Python.h>

#include <stdint.h>

#include "_trace_format.h"
#include "cost.h"
#include "frames.h"
#include "lines.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* The actions of a filter on a value. */
#define ALLOW 0  /* as in actions.py */
#define REDACT 1 /* as in actions.py */
#define DROP 2   /* as in actions.py */
#define SECRET 3 /* as in actions.py: redact it, and remember it as a secret */

struct Plan {
    Py_ssize_t refs; /* one of the table, and one of each frame */
    const void *code;     /* not kept alive; plans.c has CPython report its end */
    PyObject *name;       /* co_name */
    PyObject *attributes; /* action by attribute, of AttributeActions */
    PyObject *numbers;    /* dict: attribute's number and action by name */
    Variable *variables;
    Py_ssize_t locals;
    Py_ssize_t count; /* of variables */
    Py_ssize_t parameters;
    Variable **parameter;
    Looks everything;
    Line *lines; /* in the order of their numbers, which may be far apart; none without values */
    Py_ssize_t line_count;
    int first_line; /* co_firstlineno */
    int beginning;  /* byte offset of the instruction at which PY_START fires for its frames */
    uint32_t number;
    int kind;
    int detail;   /* the number of the detail in which it is recorded */
    int in_slots; /* whether its variables are in slots, not in a namespace */
    int return_action;
    int secrets; /* whether one of its variables is secret */
    int skip; /* whether it is not recorded */
    int gathers; /* whether the last parameter gets a dict that the call makes, of keyword arguments */
    int makes; /* whether its first argument has just been made */
    int starts; /* whether it starts a process without an audit event */
    Namespace *namespace;
};

/* Prepares this unit. Returns -1 with an exception. */
int plans_prepare(void);

/* Makes the plan of a new code object, and defines the code object in the group. Returns it, borrowed
   from the table that owns it; NULL with an exception, or because the engine must give up the event.
   The plan borrows the code object, and owns its other objects. */
Plan *plan_new(Engine *engine, PyObject *code, PyObject *frame);

/* Releases one of a plan's `refs`. The plan may be NULL. */
void plan_release(Plan *plan);

/* Appends to the group that the program starts a process, by code whose plan has `starts`. */
int plan_start(Engine *engine, PyObject *code);

/* Returns the filter's action on the attribute with a name, or -1. */
int plan_action(Engine *engine, Plan *plan, PyObject *name);

/* Reports the end of each code object to an engine, until the engine is removed. Borrows the engine. */
void engines_add(Engine *engine);
void engines_remove(Engine *engine);

static inline int
runs_in_task(const Plan *plan)
{
    return (1u << plan->kind & KINDS_IN_TASKS) != 0;
}

/* Returns what a line can change; NULL if nothing. */
static inline Line *
line_of(const Plan *plan, int line)
{
    Py_ssize_t low = 0;
    Py_ssize_t high = plan->line_count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (plan->lines[middle].number < line) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low < plan->line_count && plan->lines[low].number == line ? &plan->lines[low] : NULL;
}

/* Returns whether code tells of the changes that it makes. */
static inline int
reports_changes(const Plan *plan)
{
    return !plan->skip && plan->detail == DETAIL_VALUES;
}

/* Returns what a frame's current line can change; NULL if nothing is known of that. */
static inline Line *
line_at(const Frame *state)
{
    if (state->plan->detail != DETAIL_VALUES) {
        return NULL;
    }
    if (state->at == NOT_BEGUN) {
        return line_of(state->plan, 0);
    }
    if (state->at < 0) {
        return NULL;
    }
    Line *line = &state->plan->lines[state->at >> 1];
    return state->at & 1 ? line->again : line;
}

/* Returns the current line of a frame according to the log. */
static inline int
line_said(const Frame *state)
{
    if (state->at <= PLAIN_LINE) {
        return PLAIN_LINE - state->at;
    }
    return state->at < 0 ? state->plan->first_line : state->plan->lines[state->at >> 1].number;
}

/* Returns the number for Frame.at of a line, or of the part of it that a loop runs again. The line may be
   NULL. */
static inline int32_t
line_index(const Plan *plan, const Line *line, int again)
{
    return line == NULL ? NO_LINE : (int32_t)(line - plan->lines) * 2 + again;
}

/* Returns a code object's plan, borrowed. Returns NULL in the same cases as plan_new. */
static inline Plan *
plan_of(Engine *engine, PyObject *code, PyObject *frame)
{
    Plan *plan = table_get(&engine->code_plans, code);
    if (plan == NULL) {
        int64_t began = cost_now();
        plan = plan_new(engine, code, frame);
        cost_of_code(&engine->cost, began);
    }
    return plan;
}

#pragma GCC visibility pop

#endif
