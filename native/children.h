/* Tells of processes that the program starts, and of programs that it runs in its own place, by
   CPython's audit events. A hook in C: it runs no bytecode at any other event, a program's trace
   function is not called for what it does, and nothing of it can be seen in Python. It stays as long
   as the process, for CPython can take none away. */
#ifndef CODETRACER_CHILDREN_H
#define CODETRACER_CHILDREN_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Calls `wanted` with the name and arguments of each audit event that tells of a process being
   started or replaced; None for nobody. Takes a reference of its own; returns a new one to None. */
PyObject *watch_children(PyObject *module, PyObject *wanted);

#pragma GCC visibility pop

#endif
