/* Finds the values of variables, and those that differ from the last written ones. variables.py is the
   same in Python. */
#ifndef CODETRACER_VARIABLES_H
#define CODETRACER_VARIABLES_H

#include <Python.h>

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Prepares this unit. Returns -1 with an exception. */
int variables_prepare(void);

/* Returns the slot of a global variable, and makes it if there is none. Returns -1 with an
   exception. */
Py_ssize_t namespace_slot(Namespace *namespace, PyObject *name);

/* Encodes a frame's arguments into the roots, and marks them as written. */
int encode_arguments(Engine *engine, Frame *state, PyObject *frame);

/* Writes the variables of a frame whose beginning was not recorded. */
int write_all(Engine *engine, Frame *state, PyObject *frame);

/* Writes the variables that the last line has changed. Encodes `result`, unless it is NULL, into the
   roots from `start` on; borrows it. */
int variables_settle(Engine *engine, Frame *state, PyObject *frame, PyObject *result, int action,
                     size_t *start);

#pragma GCC visibility pop

#endif
