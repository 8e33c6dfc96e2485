/* The attributes that an object holds, in slots and in its dict, each as its filter has it. */
#ifndef CODETRACER_ATTRIBUTES_H
#define CODETRACER_ATTRIBUTES_H

#include <Python.h>

#include "layouts.h"
#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* The attributes of an object that is looked at. */
typedef struct {
    Plan *plan;
    int depth;
    Py_ssize_t count;
    Py_ssize_t cut;
} Fields;

/* -1 with an exception. */
int attributes_prepare(void);

/* Appends the attributes to the fields of the values, but for those of a known type. */
int object_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout);

/* Appends one, as its filter has it. Borrows both. */
int field_add(Engine *engine, Fields *fields, PyObject *name, PyObject *value);

/* Returns a new reference to what a slot holds of the class that a weak reference refers to; NULL,
   without an exception if it is not bound or none any more. */
PyObject *read_slot(PyObject *alive, PyObject *name, PyObject *object);

#pragma GCC visibility pop

#endif
