/* The type Capture. It hooks the layers of the standard streams, and removes the hooks again. */
#ifndef CODETRACER_CAPTURE_H
#define CODETRACER_CAPTURE_H

#include <Python.h>

#include "constants.h"

#pragma GCC visibility push(hidden)

/* Adds the types Capture and Pipes to the module. Returns -1 with an exception. */
int capture_prepare(PyObject *module, ModuleState *state);

#pragma GCC visibility pop

#endif
