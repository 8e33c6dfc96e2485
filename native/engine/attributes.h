/* The attributes of an object, in slots and in its dict, after the filters have been applied. */
#ifndef CODETRACER_ATTRIBUTES_H
#define CODETRACER_ATTRIBUTES_H

#include <Python.h>

#include "layouts.h"
#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* The attributes of the object that is being encoded. */
typedef struct {
    Plan *plan;
    int depth;
    Py_ssize_t count;
    Py_ssize_t cut;
} Fields;

/* Prepares this unit. Returns -1 with an exception. */
int attributes_prepare(void);

/* Appends the attributes to `values->fields`, except those that the reading of a known type gives. */
int object_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout);

/* Appends one attribute, with the action of its filter. Borrows both. */
int field_add(Engine *engine, Fields *fields, PyObject *name, PyObject *value);

/* Returns a new reference to the value in a slot of the class that a weak reference refers to. Returns
   NULL, without an exception if the slot is unbound or the class has it no longer. */
PyObject *read_slot(PyObject *alive, PyObject *name, PyObject *object);

/* Returns a new reference to what an instance itself has under a name, in a slot or in its dict; NULL,
   without an exception, if it has nothing. */
PyObject *layout_attribute(Layout *layout, PyObject *object, PyObject *name);

#pragma GCC visibility pop

#endif
