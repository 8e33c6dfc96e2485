/* The engine's methods: the handlers, each of which puts the group of records of one event together and
   writes it, and what is no event of CPython's; events.py in Python, which says why. Each borrows its
   arguments, and returns a new reference, or NULL with an exception. */
#ifndef CODETRACER_EVENTS_H
#define CODETRACER_EVENTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

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
PyObject *events_raised_at(PyObject *self, PyObject *exception);
PyObject *events_restart(PyObject *self, PyObject *log);
PyObject *events_learn(PyObject *self, PyObject *value);
PyObject *events_clean(PyObject *self, PyObject *data);

#pragma GCC visibility pop

#endif
