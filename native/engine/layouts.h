/* Layouts. A layout says which items and attributes the instances of a type have; layouts.py makes it
   once for each type. */
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
    Py_ssize_t offset; /* of the slot in an instance, in bytes; 0 if it is not known */
} Member;

typedef struct {
    uint32_t number;
    int form;
    int has_dict;
    Py_ssize_t count; /* of members */
    Member *members;
    uint32_t version; /* the version of the type when it was last found to be this one; 0: none */
    int has_offsets;  /* whether the offsets of all members are true for that version */
    Reading *reading; /* or NULL */
    int is_announced; /* whether each new instance is seen, because its __init__ is recorded */
    PyObject *alive; /* a weak reference to the type; None if that is never freed */
    PyObject *formatter; /* the name for which the program registered a formatter, or NULL */
} Layout;

/* Returns a type's layout, borrowed from the table in the values, which keeps it as long as the type
   exists. Defines the type in the group if the type is new. Returns NULL with an exception, or because
   the engine must give up the event, or because contents are only compared and the type is new. */
Layout *layout_of(Engine *engine, PyTypeObject *kind);

/* Frees a layout, and releases its references. */
void layout_free(Layout *layout);

#pragma GCC visibility pop

#endif
