/* Readings. A reading says how the instances of a known type are read; it comes from a ToldReading of
   told.py. */
#ifndef CODETRACER_READINGS_H
#define CODETRACER_READINGS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* One item or attribute that is read from an instance of a known type; see known.py. */
typedef struct {
    PyObject *name;
    PyObject *steps;
    int optional; /* whether it is left out if None, False, 0 or () */
    int spread;   /* whether its items are given in its place */
} Read;

typedef struct {
    Py_ssize_t count;
    Read *reads;
} Reads;

/* How to read the instances of a known type. */
typedef struct {
    PyObject *base; /* the known type, if its iterator gives the items; else None */
    int way;        /* how items are read; 0: as those of any type */
    Reads items;
    Reads attributes;
    PyObject *size;    /* the steps to the object that gives the size; empty if none does */
    PyObject *by_name; /* dict: step by attribute */
    PyObject *hidden;  /* dict: names in an instance's dict that are read otherwise, or not shown */
} Reading;

/* Makes a reading from a ToldReading. It owns its objects. Returns NULL with an exception. */
Reading *reading_new(PyObject *told);

/* Frees a reading, and releases its references. The reading may be NULL. */
void reading_free(Reading *reading);

#pragma GCC visibility pop

#endif
