/* Reads a frame's variables without the program noticing. scopes.py is the same in Python. */
#ifndef CODETRACER_SCOPES_H
#define CODETRACER_SCOPES_H

#include <Python.h>

#include "lines.h"
#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* The variables of a frame, during one event. Its dicts are fetched at most once. */
typedef struct Scope {
    const Plan *plan;
    PyObject *frame; /* borrowed; NULL for the caller of `callee` until it is needed */
    PyObject *callee;
    int made;
    PyObject *globals; /* owned, as the others */
    PyObject *locals;
    PyObject *builtins;
} Scope;

/* Prepares this unit. Returns -1 with an exception. */
int scopes_prepare(void);

/* Returns a new reference to a variable's value; NULL, without an exception, if it has none. */
PyObject *scope_value(Engine *engine, Scope *scope, const Variable *variable);

/* Returns a new reference to a builtin; NULL, without an exception, if there is none. */
PyObject *scope_builtin(Engine *engine, Scope *scope, PyObject *name);

/* Returns the offset (bytes) of the instruction that runs in a scope's frame, or of a part of it. */
int scope_offset(Scope *scope);

/* Releases what a scope owns. */
void scope_end(Scope *scope);

#pragma GCC visibility pop

#endif
