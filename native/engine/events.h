/* The engine's methods: the handlers, each of which makes and writes the records of one event of
   CPython, and the methods that record input, output and other facts. events.py is the same in Python,
   and gives the reasons. Each method borrows its arguments, and returns a new reference, or NULL with
   an exception. */
#ifndef CODETRACER_EVENTS_H
#define CODETRACER_EVENTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Prepares this unit. Returns -1 with an exception. */
int events_prepare(void);

/* These handle events, and return a new reference, or NULL with an exception. */
PyObject *on_py_start(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_resume(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_throw(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_raise(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_exception_handled(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_return(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_yield(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_unwind(PyObject *self, PyObject *const *args, Py_ssize_t count);

PyObject *events_output(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *events_exit(PyObject *self, PyObject *status);
PyObject *events_note(PyObject *self, PyObject *record);
PyObject *events_end(PyObject *self, PyObject *unused);
PyObject *events_counts(PyObject *self, PyObject *unused);
PyObject *events_cost(PyObject *self, PyObject *unused);
PyObject *events_raised_at(PyObject *self, PyObject *exception);
PyObject *events_restart(PyObject *self, PyObject *log);
PyObject *events_learn(PyObject *self, PyObject *value);
PyObject *events_clean(PyObject *self, PyObject *data);

#pragma GCC visibility pop

#endif
