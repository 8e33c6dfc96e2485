/* Calls a function when the program starts a process, or replaces itself by another program. CPython's
   audit events report both. The audit hook is in C, so it runs no bytecode at any other event, never
   calls the program's trace function, and is invisible from Python. It stays until the process ends,
   because CPython cannot remove an audit hook. */
#ifndef CODETRACER_CHILDREN_H
#define CODETRACER_CHILDREN_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* From now on, calls `wanted` with the name and the arguments of each audit event about a process that
   is started or replaced; None ends the calls. Keeps a new reference to `wanted`; returns a new one to
   None. */
PyObject *watch_children(PyObject *module, PyObject *wanted);

#pragma GCC visibility pop

#endif
