/* Attributes by their names in C. Hand-written. */
#ifndef CODETRACER_NAMES_H
#define CODETRACER_NAMES_H

#include <Python.h>

/* As PyObject_GetAttrString, which makes a new str each time, and CPython's cache of methods keeps it
   (Objects/typeobject.c): by this one, that of the program's own lookups is found there. */
static inline PyObject *
get_attribute(PyObject *object, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PyObject *found = text == NULL ? NULL : PyObject_GetAttr(object, text);
    Py_XDECREF(text);
    return found;
}

#endif
