/* Instances of known types, read as spec/types.toml says; known.py in Python, which says how, and
   values.py. */
#ifndef CODETRACER_KNOWN_H
#define CODETRACER_KNOWN_H

#include <Python.h>

#include "attributes.h"
#include "items.h"
#include "readings.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* As object_items and object_attributes, of what is read in a way of its own. */
int known_items(Engine *engine, Items *items, PyObject *object, Reading *reading, int depth);
int known_attributes(Engine *engine, Fields *fields, PyObject *object, Reading *reading);

#pragma GCC visibility pop

#endif
