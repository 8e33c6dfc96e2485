/* What an object's buffer or a BytesIO has, read while nobody else can run; what a view or an iterator
   of CPython's own refers to; where a file stands; and which line a generator is at.
   codetracer/runtime/known.py uses these too: in Python another thread could meet a buffer that is held,
   and fail to resize it. */
#ifndef CODETRACER_BUFFERS_H
#define CODETRACER_BUFFERS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds its functions to the module; -1 with an exception. */
int buffers_prepare(PyObject *module);

/* Returns the first items of an object's buffer as a new tuple, and how many it has; none where they
   cannot be read. */
PyObject *buffer_items(PyObject *object, Py_ssize_t limit, Py_ssize_t *total);

/* Returns the first bytes of an object's buffer, and how many it has; None where there are none. A new
   reference, and a copy: while Python is asked, another thread may change them. */
PyObject *buffer_bytes(PyObject *object, Py_ssize_t most, Py_ssize_t *total);

#pragma GCC visibility pop

#endif
