/* Attributes by their names in C. Hand-written. */
#ifndef CODETRACER_NAMES_H
#define CODETRACER_NAMES_H

#include <Python.h>

/* Returns a new reference, or NULL with an exception.

   As PyObject_GetAttrString, which makes a new str each time, and CPython's cache of methods keeps it
   (Objects/typeobject.c): by this one, that of the program's own lookups is found there. */
static inline PyObject *
get_attribute(PyObject *object, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PyObject *found = text == NULL ? NULL : PyObject_GetAttr(object, text);
    Py_XDECREF(text);
    return found;
}

/* Returns an attribute as a number, a truth as 1 or 0; -1 with an exception if there is none. */
static inline long
number_attribute(PyObject *object, const char *name)
{
    PyObject *value = get_attribute(object, name);
    if (value == NULL) {
        return -1;
    }
    long number = PyObject_IsTrue(value) && !PyLong_Check(value) ? 1 : PyLong_AsLong(value);
    Py_DECREF(value);
    return number;
}

#endif
