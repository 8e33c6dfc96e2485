/* The proxies that replace sys.stdin and its buffer. Their classes are subclasses of those of the
   original stream and its buffer, and have the same names, as have their methods. A proxy has no
   state of the base class; it passes every call to the original. */
#ifndef CODETRACER_INPUT_H
#define CODETRACER_INPUT_H

#include <Python.h>

#include "constants.h"
#include "telling.h"

#pragma GCC visibility push(hidden)

/* Prepares this unit. Returns -1 with an exception. */
int input_prepare(PyObject *module, ModuleState *state);

/* Returns a new reference to a proxy for a text stream that the program reads. */
PyObject *input_proxy(PyObject *stream, Capture *capture);

#pragma GCC visibility pop

#endif
