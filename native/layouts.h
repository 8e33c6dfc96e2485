/* What the instances of a type hold, as layouts.py tells it once for each. */
#ifndef CODETRACER_LAYOUTS_H
#define CODETRACER_LAYOUTS_H

#include <Python.h>

#include <stdint.h>

#include "readings.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* A slot of an instance, or a field of a named tuple. */
typedef struct {
    PyObject *name;
    Py_hash_t hash;   /* of the name */
    PyObject *owner;  /* a weak reference to the class that has the slot; None for a field */
    Py_ssize_t place; /* where the class's dict had it last */
} Member;

typedef struct {
    uint32_t number;
    int form;
    int has_dict;
    Py_ssize_t count; /* of members */
    Member *members;
    Reading *reading; /* or NULL */
    PyObject *alive; /* a weak reference to the type; None to one that is there for good */
    PyObject *formatter; /* by what name there is one for it; or NULL */
} Layout;

/* Returns a type's layout, borrowed from the values' table: it is there as long as the type is.
   Defines the type in the group if it has not been met before; NULL with an exception, or because the
   event must be let go. */
Layout *layout_of(Engine *engine, PyTypeObject *kind);

/* Frees it, and gives up its references. */
void layout_free(Layout *layout);

#pragma GCC visibility pop

#endif
