/* The type Capture: it hooks the layers of the standard streams, and takes the hooks away again. */
#ifndef CODETRACER_CAPTURE_H
#define CODETRACER_CAPTURE_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds the types Capture and Pipes to the module; -1 with an exception. */
int capture_prepare(PyObject *module);

#pragma GCC visibility pop

#endif
