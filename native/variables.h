/* Variables: where their values are, and which have another one than was last written; variables.py
   in Python. */
#ifndef CODETRACER_VARIABLES_H
#define CODETRACER_VARIABLES_H

#include <Python.h>

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* -1 with an exception. */
int variables_prepare(void);

/* Returns the slot of a global variable, which is made if there is none; -1 with an exception. */
Py_ssize_t namespace_slot(Namespace *namespace, PyObject *name);

/* Encodes a frame's arguments into the roots, and takes them as written. */
int encode_arguments(Engine *engine, Frame *state, PyObject *frame);

/* Writes what a frame that is met in its midst has. */
int write_all(Engine *engine, Frame *state, PyObject *frame);

/* Writes what the line that has run has changed; `result`, which is borrowed, is left in the roots from
   `start` on, unless it is NULL. */
int variables_settle(Engine *engine, Frame *state, PyObject *frame, PyObject *result, int action,
                     size_t *start);

#pragma GCC visibility pop

#endif
