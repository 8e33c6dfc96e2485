/* The layers of streams that have been hooked, and the methods that the hooks replace. A hook looks
   like the method that it replaces, so its self is the stream; its other data is here. */
#ifndef CODETRACER_TARGETS_H
#define CODETRACER_TARGETS_H

#include <Python.h>

#include "telling.h"

#pragma GCC visibility push(hidden)

typedef struct Layer {
    struct Layer *next;
    PyObject *stream; /* borrowed: `original` keeps it */
    PyMethodDef *method;
    PyObject *original; /* owned, as those that follow */
    PyObject *first;    /* the original before a program replaced it */
    PyObject *hook;
    Capture *capture; /* NULL when it has ended */
    int number;
    int descriptor; /* the one that a raw file writes to, or -1 */
} Layer;

/* A copy of a layer, made when its hook is called, because the capture may end during the call. */
typedef struct {
    PyObject *original; /* owned, as those that follow */
    Capture *capture; /* or NULL */
    PyObject *pipes;  /* or NULL */
    Call *call;       /* or NULL */
    int number;
    int descriptor;
} Target;

extern Layer *layers; /* the list of all layers; capture.c fills it */

/* Returns a new reference to the method that the stream's type has, or NULL with an exception. */
PyObject *method_of_type(PyObject *stream, PyMethodDef *method);

/* Finds the target of a hook; release it with drop_target. Returns 0 with an exception if the type
   has no such method. */
int take_target(PyObject *stream, PyMethodDef *method, Target *target);

/* Releases a target's references, and ends its call. */
void drop_target(Target *target);

/* Gives a method the signature and the documentation of the original. */
void describe_as(PyMethodDef *method, PyObject *original);

#pragma GCC visibility pop

#endif
