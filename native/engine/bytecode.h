/* Reads from the bytecode of a code object what each line can change, as bytecode.py does. */
#ifndef CODETRACER_BYTECODE_H
#define CODETRACER_BYTECODE_H

#include <Python.h>

#include "constants.h"
#include "facts.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* What has been read. It lives as long as the plan is made. */
typedef struct {
    PyObject_HEAD
    Arena arena;
    LineFacts **lines; /* in the order in which they first occur */
    Py_ssize_t line_count;
    Py_ssize_t room;
    LineFacts *placeless;   /* of the instructions that have no line, or NULL */
    PyObject *code;         /* owned, like the following */
    PyObject *names;        /* list: the names of local variables */
    PyObject *global_names; /* list */
    Py_ssize_t parameters;  /* how many of `names` are parameters */
    Table local_numbers;    /* the index in `names`, plus 1, by name */
    Table global_numbers;
} CodeReading;

/* Makes the types CodeReader and CodeReading. Returns -1 with an exception. */
int bytecode_prepare(PyObject *module, ModuleState *state);

/* Returns the reading; NULL with an exception if it is none. Borrowed. */
CodeReading *reading_of(const ModuleState *state, PyObject *object);

#pragma GCC visibility pop

#endif
