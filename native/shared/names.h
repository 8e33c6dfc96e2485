/* Attributes by their names in C. Hand-written. */
#ifndef CODETRACER_NAMES_H
#define CODETRACER_NAMES_H

#include <Python.h>

/* Returns a new reference to an object's attribute, or NULL with an exception.

   PyObject_GetAttrString makes a new str each time, and CPython's method cache keeps that
   (Objects/typeobject.c). This function uses an interned name, the one that the program's own lookups
   use, so the cache stays as it would be without it. */
static inline PyObject *
get_attribute(PyObject *object, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PyObject *found = text == NULL ? NULL : PyObject_GetAttr(object, text);
    Py_XDECREF(text);
    return found;
}

/* Returns a new reference as well, for attributes that are read one after the other: NULL at once where an
   earlier one is missing, because a look-up on 3.12 clears that exception (Objects/typeobject.c,
   _PyType_Lookup). */
static inline PyObject *
next_attribute(PyObject *object, const char *name)
{
    return PyErr_Occurred() ? NULL : get_attribute(object, name);
}

/* Returns an attribute as a number, and True or False as 1 or 0. Returns -1 with an exception. */
static inline long
number_attribute(PyObject *object, const char *name)
{
    PyObject *value = next_attribute(object, name);
    if (value == NULL) {
        return -1;
    }
    int is_true = PyLong_Check(value) ? 0 : PyObject_IsTrue(value);
    long number = is_true != 0 ? is_true : PyLong_AsLong(value);
    Py_DECREF(value);
    return number;
}

#endif
