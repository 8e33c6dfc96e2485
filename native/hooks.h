/* The hooks: methods of the standard streams' layers, and `input`, by their kinds. */
#ifndef CODETRACER_HOOKS_H
#define CODETRACER_HOOKS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Returns what stands for a method, by the layer and the method; NULL if there is no such kind. */
PyMethodDef *hook_method(const char *kind);

#pragma GCC visibility pop

#endif
