/* Passes captured input and output from the hooks to the recorder, and keeps track of nested calls.

   Functions in C, which run no bytecode, report everything that the program writes to its standard
   streams and reads from them. codetracer/capture/io.py explains it, hooks.py is the same in Python.
   Stable ABI only (Py_LIMITED_API 3.12). */
#ifndef CODETRACER_TELLING_H
#define CODETRACER_TELLING_H

#include <Python.h>

#include "constants.h"

#pragma GCC visibility push(hidden)

/* A capture, which receives the reports of the hooks. capture.c makes its type. */
typedef struct {
    PyObject_HEAD
    const ModuleState *state; /* borrowed: the type keeps the module */
    PyObject *record;     /* callable; NULL: the capture has ended */
    PyObject *began_here; /* codetracer.whose.began_here; NULL as `record` is */
    PyObject *pipes;      /* the Pipes on the descriptors, or NULL */
    PyObject *proxy;      /* the proxy of stdin, or NULL */
} Capture;

/* A running call of a hook or of a method of stdin's proxy, while the original that it called runs. The
   original calls the layers below from C, so they run with the same innermost frame. */
typedef enum { WRITES, ASKS, PATCHED } Purpose;

typedef struct Call {
    struct Call *next;
    struct Call *previous;
    PyThreadState *thread;
    const void *place; /* the key of the program's frame; NULL: none runs */
    const void *layer; /* with PATCHED: the hook's layer */
    Purpose purpose;
    Py_ssize_t refused; /* the number of bytes that the buffer has just refused */
    int answered;       /* whether the proxy of stdin has reported the data */
} Call;

/* Prepares this unit. Returns -1 with an exception. */
int telling_prepare(void);

/* Allocates a call, because greenlets move the C stack away. Returns NULL with an exception. */
Call *call_begin(Purpose purpose);
void call_end(Call *call);

/* Returns the innermost call of this thread and its running frame for that purpose, or NULL. */
Call *call_around(Purpose purpose);

/* Returns this thread's call of the hook of a layer whose original the program has replaced, or
   NULL. */
Call *call_of(const void *layer);

/* Calls `record` with the running frame of the program. If an exception is set, it is still set
   afterwards. Returns -1 if the program's own code, a signal handler, raised another one meanwhile.
   Steals `data`, which is NULL if the data is not available. */
int capture_give(Capture *capture, int stream, PyObject *data);

/* Returns a new reference to the first `size` bytes of the written data, or to all of it if `size` is
   -1; text is encoded in UTF-8. Returns NULL, without an exception, if that would run the program's
   code. */
PyObject *bytes_of(PyObject *data, Py_ssize_t size);

#pragma GCC visibility pop

#endif
