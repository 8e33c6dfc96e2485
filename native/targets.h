/* What hooks stand for: the layers of streams that have been hooked. A hook looks like the method that it
   stands for, so its self is the stream, and what it needs besides is here. */
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
    PyObject *first;    /* what is beneath whatever a program has put there */
    PyObject *hook;
    Capture *capture; /* NULL when it has ended */
    int number;
    int descriptor; /* that a raw file writes to, or -1 */
} Layer;

/* A layer as it was when its hook was called: the capture may end meanwhile. */
typedef struct {
    PyObject *original; /* owned, as those that follow */
    Capture *capture; /* or NULL */
    PyObject *pipes;  /* or NULL */
    Call *call;       /* or NULL */
    int number;
    int descriptor;
} Target;

extern Layer *layers; /* all of them; capture.c puts them there */

/* Returns a new reference to the method that the stream's type has, or NULL with an exception. */
PyObject *method_of_type(PyObject *stream, PyMethodDef *method);

/* Finds what a hook stands for, for drop_target; 0 with an exception if that is not known. */
int take_target(PyObject *stream, PyMethodDef *method, Target *target);

/* Gives up a target's references, and ends its call. */
void drop_target(Target *target);

/* Gives a method the signature and the text that the original has. */
void describe_as(PyMethodDef *method, PyObject *original);

#pragma GCC visibility pop

#endif
