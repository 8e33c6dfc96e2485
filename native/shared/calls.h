/* Calls by the vectorcall protocol, and checks of the arguments that one brings. */
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

/* Returns -1 with a TypeError if a method did not receive as many arguments as it takes. */
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
