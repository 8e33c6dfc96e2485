/* Reads the instances of known types as spec/types.toml prescribes. known.py is the same in Python, and
   explains it. */
#ifndef CODETRACER_KNOWN_H
#define CODETRACER_KNOWN_H

#include <Python.h>

#include "attributes.h"
#include "items.h"
#include "readings.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Do the same as object_items and object_attributes for an object that has a reading. */
int known_items(Engine *engine, Items *items, PyObject *object, Reading *reading, int depth);
int known_attributes(Engine *engine, Fields *fields, PyObject *object, Reading *reading);

#pragma GCC visibility pop

#endif
