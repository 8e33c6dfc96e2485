/* Says as Python objects what lines can change, for the test that compares both readers of bytecode. */
#ifndef CODETRACER_DESCRIBED_H
#define CODETRACER_DESCRIBED_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* A function of the module. Returns a new dict, by number of the line, of what a CodeReading says of it. */
PyObject *described_lines(PyObject *module, PyObject *reading);

#pragma GCC visibility pop

#endif
