/* The type Pipes, which puts pipes on descriptors 1 and 2 while the program runs.
   codetracer/capture/pipes.py is the same in Python. This one runs no bytecode, and keeps no descriptor
   of the memory that it shares with the forwarder. */
#ifndef CODETRACER_PIPES_H
#define CODETRACER_PIPES_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds the type Pipes to the module. Returns -1 with an exception. */
int pipes_prepare(PyObject *module);

/* Returns whether the pipe is on a descriptor, and the original can be reached around it. */
int pipes_stand(PyObject *pipes, int descriptor);

/* Do to the original what the methods of io.FileIO do, after all earlier output has been forwarded.
   Each returns a new reference, or NULL with an exception. */
PyObject *pipes_write(PyObject *pipes, int descriptor, PyObject *data);
PyObject *pipes_seek(PyObject *pipes, int descriptor, PyObject *const *args, Py_ssize_t count);
PyObject *pipes_tell(PyObject *pipes, int descriptor);
PyObject *pipes_truncate(PyObject *pipes, int descriptor, PyObject *size);
PyObject *pipes_seekable(PyObject *pipes, int descriptor);

#pragma GCC visibility pop

#endif
