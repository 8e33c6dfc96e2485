/* What the program writes to its standard streams and reads from them, told to the recorder by
 * functions in C that run no bytecode; codetracer/capture/io.py says how, hooks.py is the same in
 * Python. Stable ABI only (Py_LIMITED_API 3.12).
 */
#ifndef CODETRACER_CAPTURE_H
#define CODETRACER_CAPTURE_H

#include <Python.h>

#include "_trace_format.h"
#include "names.h"

#pragma GCC visibility push(hidden)

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

/* A layer as it was when its hook was called: the capture may end meanwhile. */
typedef struct {
    PyObject *original;
    Capture *capture; /* or NULL */
    PyObject *pipes;  /* or NULL */
    Call *call;       /* or NULL */
    int number;
    int descriptor;
} Target;

/* ---- capture.c */

int capture_prepare(PyObject *module);

/* Finds what a hook stands for; 0 with an exception if that is not known. */
int take_target(PyObject *stream, PyMethodDef *method, Target *target);
void drop_target(Target *target);

/* Gives a method the signature and the text that the original has. */
void describe_as(PyMethodDef *method, PyObject *original);

/* ---- hooks.c */

/* Returns what stands for a method, by the layer and the method; NULL if there is no such kind. */
PyMethodDef *hook_method(const char *kind);

/* ---- telling.c */

int telling_prepare(void);

/* A call in memory of its own, not on C's stack: greenlets move that away. NULL with an exception. */
Call *call_begin(Purpose purpose);
void call_end(Call *call);

/* Returns the innermost call of this thread and its running frame for that purpose, or NULL. */
Call *call_around(Purpose purpose);

/* Returns this thread's call of a layer's hook, whose original the program has replaced, or NULL. */
Call *call_of(const void *layer);

/* Calls `record` with the program's frame that runs; with an exception or without, which is raised
   again. -1 if the program's own code has raised one meanwhile: a signal's handler has. `data` is
   given up; NULL: it could not be had. */
int capture_give(Capture *capture, int stream, PyObject *data);

/* Returns what was written as bytes, text in UTF-8; NULL, without an exception, if it cannot be had
   without running the program's code. `size` -1: all of it. */
PyObject *bytes_of(PyObject *data, Py_ssize_t size);

/* ---- input.c */

int input_prepare(PyObject *module);

/* Returns what stands where a text stream that is read stood. */
PyObject *input_proxy(PyObject *stream, Capture *capture);

/* ---- pipes.c */

int pipes_prepare(PyObject *module);

/* Whether the pipe stands on a descriptor, and the way around it is open. */
int pipes_stand(PyObject *pipes, int descriptor);

/* Does to the original what io.FileIO does, once what was written before has been forwarded. */
PyObject *pipes_write(PyObject *pipes, int descriptor, PyObject *data);
PyObject *pipes_seek(PyObject *pipes, int descriptor, PyObject *const *args, Py_ssize_t count);
PyObject *pipes_tell(PyObject *pipes, int descriptor);
PyObject *pipes_truncate(PyObject *pipes, int descriptor, PyObject *size);
PyObject *pipes_seekable(PyObject *pipes, int descriptor);

#pragma GCC visibility pop

#endif
