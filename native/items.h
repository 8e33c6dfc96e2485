/* The items that an object holds: a container's, an exception's arguments, or the name of what has
   one. */
#ifndef CODETRACER_ITEMS_H
#define CODETRACER_ITEMS_H

#include <Python.h>

#include "layouts.h"
#include "plans.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* The items of an object that is looked at. */
typedef struct {
    Buffer *to;
    Py_ssize_t total; /* how many it has */
    Py_ssize_t count; /* how many of them are there */
} Items;

/* -1 with an exception. */
int items_prepare(void);

/* Appends the items of what is of no known type. */
int object_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout,
                 int depth);

/* Appends what an iterator of CPython's own gives. Steals the iterator, which is NULL with an
   exception. */
int iterator_items(Engine *engine, Items *items, PyObject *iterator, Py_ssize_t total, int depth);

#pragma GCC visibility pop

#endif
