/* Calls as vectorcall has them, and what comes in by one. */
#ifndef CODETRACER_CALLS_H
#define CODETRACER_CALLS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Returns a new reference, or NULL with an exception. */
static inline PyObject *
call_one(PyObject *callable, PyObject *argument)
{
    return PyObject_Vectorcall(callable, &argument, 1, NULL);
}

/* -1 with a TypeError where a method was not given as many arguments as it takes. */
static inline int
check_arguments(Py_ssize_t count, Py_ssize_t wanted)
{
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", wanted, count);
        return -1;
    }
    return 0;
}

#pragma GCC visibility pop

#endif
