/* Decides which objects a line may have changed, and which it may have made. changes.py is the same in
   Python, and gives the reasons. */
#ifndef CODETRACER_CHANGES_H
#define CODETRACER_CHANGES_H

#include <Python.h>

#include "constants.h"
#include "effects.h"
#include "frames.h"
#include "lines.h"
#include "scopes.h"
#include "state.h"

#pragma GCC visibility push(hidden)

#define ALL_LEVELS (1 << 10) /* as ALL in changes.py */

/* A line that may have made objects, and its variables; `values->judging` refers to it. */
typedef struct Judging {
    const uint32_t *matched;
    Line *line;
    Scope *scope;
    int made; /* how many levels of objects it may have made, and 1; 0: not known yet */
} Judging;

/* Prepares this unit. Returns -1 with an exception. */
int changes_prepare(ModuleState *state);

/* Takes over the types in two tuples of changes.py. Returns -1 with an exception. */
int changes_init(Engine *engine, PyObject *containers, PyObject *iterators);

/* Returns what a line has changed besides variables. Puts the objects that it may have changed, if no
   others, into engine->found, which owns them. The error indicator may be set afterwards. `matched` are the
   calls of the line that were recorded; see frames.h. */
Effect changes_after(Engine *engine, uint32_t *matched, Line *line, Scope *scope);

/* Returns whether any object may have changed in a caller's line before a call of code with this plan
   begins. `inner` are the variables of the call. */
int changes_at_call(Engine *engine, uint32_t *matched, Line *line, Scope *scope, const Plan *plan,
                    Scope *inner);

/* Returns the same for a generator or coroutine that is resumed. */
int changes_at_resume(Engine *engine, uint32_t *matched, Line *line, Scope *scope);

/* Returns how many levels of objects, from `value` on, engine->values.judging may have made. Returns -1
   with an exception, or because the engine must give up the event. */
int changes_levels(Engine *engine, PyObject *value);

/* Returns the same for an object that the line of `judging` may have changed: `changed` levels of it,
   and what the line may have put there. */
int changes_levels_found(Engine *engine, Judging *judging, int changed);

/* Releases the objects in engine->found. */
void found_clear(Engine *engine);

#pragma GCC visibility pop

#endif
