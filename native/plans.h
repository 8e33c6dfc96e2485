/* What is recorded of a code object, as plans.py tells it once for each. */
#ifndef CODETRACER_PLANS_H
#define CODETRACER_PLANS_H

#include <Python.h>

#include <stdint.h>

#include "_trace_format.h"
#include "frames.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* What a filter does with a value; as in values.py. */
#define ALLOW 0
#define REDACT 1
#define DROP 2
#define SECRET 3 /* redacted, and remembered */

typedef struct Variable {
    PyObject *name; /* owned */
    uint32_t number;
    int is_global;
    int is_around;
    int action;
    Py_ssize_t slot; /* of a global one in the plan's namespace */
} Variable;

typedef struct {
    Variable *variable;
    int reach;
} Look;

/* The variables that a line may have changed. */
typedef struct {
    int line;
    Look *looks;
    Py_ssize_t count;
} Looks;

struct Plan {
    Py_ssize_t refs; /* the table's, and one for each frame */
    const void *code;     /* not kept alive; plans.c hears of its end */
    PyObject *attributes; /* action by attribute, of AttributeActions */
    PyObject *numbers;    /* dict: attribute's number and action by name */
    Variable *variables;
    Py_ssize_t locals;
    Py_ssize_t count; /* of variables */
    Py_ssize_t parameters;
    Variable **parameter;
    Looks everything;
    Looks *lines; /* in the order of their lines, which may be far apart */
    Py_ssize_t line_count;
    int first_line; /* co_firstlineno */
    int beginning;  /* where its frames tell that they begin: an offset in its bytecode */
    uint32_t number;
    int kind;
    int in_slots; /* its variables are in slots, not in a namespace */
    int return_action;
    int secrets; /* whether a variable of it is secret */
    int skip; /* not recorded */
    int starts; /* a process, of which no audit event tells */
    Namespace *namespace;
};

/* -1 with an exception. */
int plans_prepare(void);

/* Returns the plan of a code object that has not been met before, and defines it in the group; NULL
   with an exception, or because the event must be let go. It is the table's, and borrowed from there;
   it borrows the code object, and owns the other objects that it has. */
Plan *plan_new(Engine *engine, PyObject *code, PyObject *frame);

/* Gives up one of a plan's `refs`; NULL is allowed. */
void plan_release(Plan *plan);

/* Puts into the group that code of such a plan starts a process. */
int plan_start(Engine *engine, PyObject *code);

/* Returns what a filter does with a value of this name, or -1. */
int plan_action(Engine *engine, Plan *plan, PyObject *name);

/* Lets an engine hear of the end of code objects, until it is removed. Borrows it. */
void engines_add(Engine *engine);
void engines_remove(Engine *engine);

static inline int
runs_in_task(const Plan *plan)
{
    return (1u << plan->kind & KINDS_IN_TASKS) != 0;
}

/* Returns what a line may have changed; NULL for nothing. */
static inline const Looks *
looks_of(const Plan *plan, int line)
{
    Py_ssize_t low = 0;
    Py_ssize_t high = plan->line_count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (plan->lines[middle].line < line) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low < plan->line_count && plan->lines[low].line == line ? &plan->lines[low] : NULL;
}

/* Returns a code object's plan, borrowed; NULL as plan_new does. */
static inline Plan *
plan_of(Engine *engine, PyObject *code, PyObject *frame)
{
    Plan *plan = table_get(&engine->code_plans, code);
    return plan != NULL ? plan : plan_new(engine, code, frame);
}

#pragma GCC visibility pop

#endif
