/* What hooks tell the recorder, whose exceptions are its own concern, and which call is within which.

   What the program writes to its standard streams and reads from them is told by functions in C that
   run no bytecode; codetracer/capture/io.py says how, hooks.py is the same in Python. Stable ABI only
   (Py_LIMITED_API 3.12). */
#ifndef CODETRACER_TELLING_H
#define CODETRACER_TELLING_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Who is told; capture.c makes its type. */
typedef struct {
    PyObject_HEAD
    PyObject *record;     /* NULL: nobody listens any more */
    PyObject *began_here; /* codetracer.whose.began_here; NULL as `record` is */
    PyObject *pipes;      /* what stands on the descriptors, or NULL */
    PyObject *proxy;      /* of stdin, or NULL */
} Capture;

/* A hook, or a method of stdin's proxy, while the original that it has called runs. The layers below
   are called by it from C, with the same frame as the innermost one. */
typedef enum { WRITES, ASKS, PATCHED } Purpose;

typedef struct Call {
    struct Call *next;
    struct Call *previous;
    PyThreadState *thread;
    const void *place; /* of the program's frame, or NULL: none runs */
    const void *layer; /* with PATCHED: whose hook it is */
    Purpose purpose;
    Py_ssize_t refused; /* bytes that the buffer has just not taken of what it was given */
    int answered;       /* by the proxy of stdin */
} Call;

/* -1 with an exception. */
int telling_prepare(void);

/* A call in memory of its own, not on C's stack: greenlets move that away. NULL with an exception. */
Call *call_begin(Purpose purpose);
void call_end(Call *call);

/* Returns the innermost call of this thread and its running frame for that purpose, or NULL. */
Call *call_around(Purpose purpose);

/* Returns this thread's call of a layer's hook, whose original the program has replaced, or NULL. */
Call *call_of(const void *layer);

/* Calls `record` with the program's frame that runs; with an exception or without, which is raised
   again. -1 if the program's own code has raised one meanwhile: a signal's handler has. Steals
   `data`; NULL: it could not be had. */
int capture_give(Capture *capture, int stream, PyObject *data);

/* Returns a new reference to what was written as bytes, text in UTF-8; NULL, without an exception,
   if it cannot be had without running the program's code. `size` -1: all of it. */
PyObject *bytes_of(PyObject *data, Py_ssize_t size);

#pragma GCC visibility pop

#endif
