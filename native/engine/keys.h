/* Takes items of the program's objects without running any of its code. keys.py is the same in Python. */
#ifndef CODETRACER_KEYS_H
#define CODETRACER_KEYS_H

#include <Python.h>

#include "constants.h"

#pragma GCC visibility push(hidden)

/* Prepares this unit. Returns -1 with an exception. */
int keys_prepare(ModuleState *state);

/* Returns a new reference to the item that an object has under a key; NULL, without an exception, if there
   is none, or only the program's code could find it. Any item of a text is "". */
PyObject *item_of(const ModuleState *state, PyObject *value, PyObject *key);

#pragma GCC visibility pop

#endif
