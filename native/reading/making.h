/* Makes Python objects of bytes that were read before and not refused: so nothing here looks for mistakes
   in them. Each function returns a new reference, or NULL with an exception. */
#ifndef CODETRACER_MAKING_H
#define CODETRACER_MAKING_H

#include <Python.h>

#include "fields.h"

#pragma GCC visibility push(hidden)

#define TAGS 256

/* What objects are made by. */
typedef struct {
    PyObject **makers; /* classes and functions of trace_decoder, by their numbers in MAKERS */
    newfunc new_tuple;
    /* Of instances of tuple's subclasses, which are no part of the stable ABI. From 3.14 on they have
       room for their hash, which is -1 as long as nobody has asked for it. */
    int has_hash;
    int is_known; /* they are as in 3.12 to 3.15 */
    /* The records and values that a tag makes without any more bytes; NULL where it makes none. */
    PyObject *whole_records[TAGS];
    PyObject *whole_values[TAGS];
} Making;

typedef PyObject *(*From)(const Making *making, Unread *from);

/* Finds out how instances are made; `class` is that of any record. -1 with an exception. */
int making_prepare(Making *making, PyObject *class);

/* These steal the fields, and return a new reference, or NULL with an exception. One that is NULL, and all
   behind it, could not be made. */
PyObject *instance_of(const Making *making, unsigned int maker, PyObject **fields, Py_ssize_t count);
PyObject *computed_of(const Making *making, unsigned int maker, PyObject **fields, Py_ssize_t count);

/* These read a field, and return a new reference, or NULL with an exception. */
PyObject *letters_from(Unread *from, uint64_t size);
PyObject *text_from(Unread *from);
PyObject *bytes_from(Unread *from);
PyObject *texts_from(Unread *from);
PyObject *values_from(const Making *making, Unread *from, From one);
PyObject *attributes_from(const Making *making, Unread *from, From one);

/* Returns a new reference, or NULL with an exception. */
static inline PyObject *
uint_from(Unread *from)
{
    uint64_t number = 0;
    take_uint(from, &number);
    return PyLong_FromUnsignedLongLong(number);
}

/* Returns a new reference, or NULL with an exception. */
static inline PyObject *
sint_from(Unread *from)
{
    int64_t number = 0;
    take_sint(from, &number);
    return PyLong_FromLongLong(number);
}

/* Returns a new reference, or NULL with an exception. */
static inline PyObject *
f64_from(Unread *from)
{
    double number = 0;
    take_f64(from, &number);
    return PyFloat_FromDouble(number);
}

#pragma GCC visibility pop

#endif
