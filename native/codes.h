/* Code objects with a number each, told by their addresses: they are not kept alive, and no weak
   reference is made, which the program could count; codetracer/monitoring/codes.py in Python. */
#ifndef CODETRACER_CODES_H
#define CODETRACER_CODES_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Adds the type Codes to the module; -1 with an exception. */
int codes_prepare(PyObject *module);

/* A code object ends. */
void codes_forget(const void *code);

#pragma GCC visibility pop

#endif
