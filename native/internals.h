/* What the stable ABI does not tell of CPython's own objects, read where they lie in memory.

   Where the self-test of internals_prepare fails, the stable ABI alone is used, as far as it goes.
   Hand-written. */
#ifndef CODETRACER_INTERNALS_H
#define CODETRACER_INTERNALS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/* Whether this CPython's objects lie in memory as internals.c says. */
extern int internals_known;

int internals_prepare(PyObject *module);

/* Fetches the next of what an object has in its dict, without making the dict of an object that
   has none. `position` is 0 at first. Returns 0 at the end, else 1; the references are borrowed.
   The object may change in between. */
int object_next(PyObject *object, Py_ssize_t *position, PyObject **name, PyObject **value);

/* Returns about how many there are. */
Py_ssize_t object_count(PyObject *object);

/* Returns the line that a generator, a coroutine or an asynchronous generator is at, which must be
   suspended or run; 0 where that is not known. Its frame's attributes would tell audit hooks, and make
   a frame object that stays. */
int generator_line(PyObject *generator);

/* Returns what a dict, or an instance of a subclass, has by a name that is exactly a str; borrowed,
   NULL without an exception if it has nothing. No code of a key runs: a subclass of str among the
   keys would have its __eq__ called by PyDict_GetItem. */
PyObject *plain_get(PyObject *dict, PyObject *name);

/* Tells whether a str is known to be ASCII, and so to be its own UTF-8: PyUnicode_AsUTF8AndSize
   leaves a copy in any other. */
static inline int
is_ascii(PyObject *text)
{
    /* PyASCIIObject.state, after ob_base, length and hash: interned 2, kind 3, compact 1, ascii 1. */
    uint32_t state;
    memcpy(&state, (const char *)text + 32, sizeof(state));
    return internals_known && (state & 0x60) == 0x60;
}

/* In the stable ABI, but not in the headers from 3.15 on. */
PyAPI_FUNC(PyObject *) PyWeakref_GetObject(PyObject *);

/* Returns what a weak reference refers to, borrowed; None when it is gone. */
static inline PyObject *
referent(PyObject *reference)
{
    /* PyWeakref_GetRef is newer than 3.12; the stable ABI keeps this one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return PyWeakref_GetObject(reference);
#pragma GCC diagnostic pop
}

#pragma GCC visibility pop

#endif
