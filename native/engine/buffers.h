/* Reads the contents of buffers and of BytesIO objects while the GIL is held, the objects that
   CPython's own views and iterators refer to, the position of files, and the line of generators.
   codetracer/runtime/known.py uses these functions too: if Python code held a buffer, another thread
   could run meanwhile and fail to resize the object. */
#ifndef CODETRACER_BUFFERS_H
#define CODETRACER_BUFFERS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds this unit's functions to the module. Returns -1 with an exception. */
int buffers_prepare(PyObject *module);

/* Returns a new reference to a tuple of the first items of an object's buffer, and their total number;
   NULL with an exception. The tuple is empty if the items cannot be read. */
PyObject *buffer_items(PyObject *object, Py_ssize_t limit, Py_ssize_t *total);

/* Returns a new reference to a copy of the first bytes of an object's buffer, and their total number;
   None if it has none. It is a copy because another thread may change the buffer while the engine
   calls Python code. */
PyObject *buffer_bytes(PyObject *object, Py_ssize_t most, Py_ssize_t *total);

#pragma GCC visibility pop

#endif
