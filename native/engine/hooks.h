/* The hooks, by kind. They replace methods of the layers of the standard streams, and `input`. */
#ifndef CODETRACER_HOOKS_H
#define CODETRACER_HOOKS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Returns the hook that replaces a method of a layer; NULL if no kind has it. */
PyMethodDef *hook_method(const char *kind);

#pragma GCC visibility pop

#endif
