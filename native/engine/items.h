/* The items of an object: those of a container, the arguments of an exception, or the name of an object
   that has one, such as a function. */
#ifndef CODETRACER_ITEMS_H
#define CODETRACER_ITEMS_H

#include <Python.h>

#include "layouts.h"
#include "plans.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* The items of the object that is being encoded. */
typedef struct {
    Buffer *to;
    Py_ssize_t total; /* how many the object has */
    Py_ssize_t count; /* how many of them have been appended */
} Items;

/* Appends the items of an object that has no known type. */
int object_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout,
                 int depth);

/* Appends the items that one of CPython's own iterators yields. Steals the iterator, which may be NULL
   with an exception. */
int iterator_items(Engine *engine, Items *items, PyObject *iterator, Py_ssize_t total, int depth);

#pragma GCC visibility pop

#endif
