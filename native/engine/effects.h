/* Says what a callable can change that is not recorded itself. effects.py is the same in Python, and has
   the table of callables. */
#ifndef CODETRACER_EFFECTS_H
#define CODETRACER_EFFECTS_H

#include <Python.h>

#include "constants.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* As in effects.py. */
typedef enum {
    NO_EFFECT,
    ON_RECEIVER,
    ON_ARGUMENTS,
    ON_ANYTHING,
} Effect;

/* Prepares this unit. Returns -1 with an exception. */
int effects_prepare(ModuleState *state);

/* Returns what a callable may have changed in a line in which no call of it was recorded. It may be NULL,
   for one that is not known. */
Effect effect_of(Engine *engine, PyObject *callable);

/* Returns what a method changes that is bound to an object, as effect_of does for other callables, and
   gives a new reference to the object; NULL if there is none. */
Effect bound_effect(Engine *engine, PyObject *callable, PyObject **owner);

/* Returns what a method of any base of an object changes, or of a class and its class. */
Effect inherited_effect(Engine *engine, PyObject *owner, PyObject *name);

/* Returns whether a callable makes no object that stays but numbers and texts; see spec/effects.toml. It
   may be NULL. */
int is_plain(Engine *engine, PyObject *callable);

/* Returns whether a callable is a function that has run and is recorded. */
int is_recorded(Engine *engine, PyObject *callable);

/* Returns whether what a class has under a name is, or gives, an object that exists already. */
int is_old_attribute(Engine *engine, PyObject *found);

/* Returns a callable itself, or the callable that it binds to an object; borrowed. */
PyObject *function_in(Engine *engine, PyObject *callable);

/* Returns whether a callable runs a code object. */
int runs_code(Engine *engine, PyObject *callable, const void *code);

/* Returns whether a callable is a method of str that returns a str. */
int gives_text(Engine *engine, PyObject *callable);

/* Returns a new reference to what a class or its bases have under a name, as it is; NULL, without an
   exception, if they have nothing, or None. */
PyObject *class_entry(const ModuleState *state, PyTypeObject *kind, PyObject *name);

/* Returns whether code has run and is not recorded. */
int is_unrecorded(Engine *engine, PyObject *code);

#pragma GCC visibility pop

#endif
