/* A table that has a number for each code object, by its address. It keeps no code object alive, and
   makes no weak reference, because the program could count those. codetracer/monitoring/codes.py is
   the same in Python. */
#ifndef CODETRACER_CODES_H
#define CODETRACER_CODES_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds the type Codes to the module. Returns -1 with an exception. */
int codes_prepare(PyObject *module);

/* Forgets a code object that CPython is about to free. */
void codes_forget(const void *code);

#pragma GCC visibility pop

#endif
