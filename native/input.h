/* What stands where stdin stood: objects of subclasses of its class and of its buffer's, without
   state of the base, which ask the stream that was there for everything. They are called as their
   bases are, and so are their methods. */
#ifndef CODETRACER_INPUT_H
#define CODETRACER_INPUT_H

#include <Python.h>

#include "telling.h"

#pragma GCC visibility push(hidden)

/* -1 with an exception. */
int input_prepare(PyObject *module);

/* Returns a new reference to what stands where a text stream that is read stood. */
PyObject *input_proxy(PyObject *stream, Capture *capture);

#pragma GCC visibility pop

#endif
