/* How the instances of known types are read, as Python has told it; ToldReading in told.py. */
#ifndef CODETRACER_READINGS_H
#define CODETRACER_READINGS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Something that is read of an instance of a known type; see known.py. */
typedef struct {
    PyObject *name;
    PyObject *steps;
    int optional; /* left out where it is nothing */
    int spread;   /* its own items stand for it */
} Read;

typedef struct {
    Py_ssize_t count;
    Read *reads;
} Reads;

/* How the instances of a known type are read. */
typedef struct {
    PyObject *base; /* the known type where its iterator gives the items; else None */
    int way;        /* how items are read; 0: as those of any type */
    Reads items;
    Reads attributes;
    PyObject *size;    /* steps to what says how large one is; none: nothing does */
    PyObject *by_name; /* dict: step by attribute */
    PyObject *hidden;  /* dict: what of an instance's dict is read already */
} Reading;

/* Returns a new reading from a ToldReading; NULL with an exception. Its objects are its own. */
Reading *reading_new(PyObject *told);

/* Frees it, and gives up its references; NULL is allowed. */
void reading_free(Reading *reading);

#pragma GCC visibility pop

#endif
