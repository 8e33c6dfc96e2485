/* The type Pipes: what stands on descriptors 1 and 2 while the program runs, as
   codetracer/capture/pipes.py in Python. It runs no bytecode, and keeps no descriptor for the memory
   that it shares with the forwarder. */
#ifndef CODETRACER_PIPES_H
#define CODETRACER_PIPES_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds the type Pipes to the module; -1 with an exception. */
int pipes_prepare(PyObject *module);

/* Whether the pipe stands on a descriptor, and the way around it is open. */
int pipes_stand(PyObject *pipes, int descriptor);

/* Does to the original what io.FileIO does, once what was written before has been forwarded. Each
   returns a new reference, or NULL with an exception. */
PyObject *pipes_write(PyObject *pipes, int descriptor, PyObject *data);
PyObject *pipes_seek(PyObject *pipes, int descriptor, PyObject *const *args, Py_ssize_t count);
PyObject *pipes_tell(PyObject *pipes, int descriptor);
PyObject *pipes_truncate(PyObject *pipes, int descriptor, PyObject *size);
PyObject *pipes_seekable(PyObject *pipes, int descriptor);

#pragma GCC visibility pop

#endif
