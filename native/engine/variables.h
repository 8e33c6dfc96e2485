/* Finds the values of variables, and those that differ from the last written ones. variables.py is the
   same in Python. */
#ifndef CODETRACER_VARIABLES_H
#define CODETRACER_VARIABLES_H

#include <Python.h>

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Returns the slot of a global variable, and makes it if there is none. Returns -1 with an
   exception. */
Py_ssize_t namespace_slot(Namespace *namespace, PyObject *name);

/* Encodes a frame's arguments into the roots, and marks them as written. `caller` is the state of the
   frame that calls it directly; NULL if that is not recorded. */
int encode_arguments(Engine *engine, Frame *state, PyObject *frame, Frame *caller);

/* Appends an exception, which may have been made just now, to the roots. */
int encode_exception(Engine *engine, Plan *plan, PyObject *exception);

/* Finds out what may have changed when a generator or coroutine is resumed. */
int judge_resumption(Engine *engine, PyObject *frame, Frame *caller);

/* Writes the variables of a frame whose beginning was not recorded. */
int write_all(Engine *engine, Frame *state, PyObject *frame);

/* How a frame ends, or is suspended. */
typedef struct {
    PyObject *result; /* borrowed; NULL if it goes on */
    int action;
    int is_exception;
} Ending;

/* Writes the variables that the last line has changed. Encodes the result, if there is one, into the
   roots from `start` on. */
int variables_settle(Engine *engine, Frame *state, PyObject *frame, Ending ending, size_t *start);

#pragma GCC visibility pop

#endif
