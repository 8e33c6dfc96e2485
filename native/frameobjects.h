/* Frame objects: CPython makes one only where somebody asks for it, and then keeps it as long as the
   frame. An event leaves the frame of a generator or coroutine as it was: what recording alone has
   made is taken away again, so that a suspended one keeps none.

   Hand-written. */
#ifndef CODETRACER_FRAMEOBJECTS_H
#define CODETRACER_FRAMEOBJECTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Finds out whether this CPython's frames lie in memory as frameobjects.c says; where they do not,
   no frame object is ever taken away. After internals_prepare. */
int frames_prepare(PyObject *module);

/* Returns the thread's innermost frame, or NULL. `made`: whether there was no object of it. */
PyObject *frame_innermost(PyThreadState *thread, int *made);

/* Returns the frame that called this one, which runs; or NULL. `made` as above. */
PyObject *frame_back(PyObject *frame, int *made);

/* Returns the key of the frame that called this one, if it is a generator's or coroutine's, without
   making its object; or NULL. */
const void *frame_back_key(PyObject *frame);

/* Gives up a frame that one of those two has returned. It is taken away if it was `made`, nobody else
   holds it and nothing has been set on it. May be NULL. */
void frame_release(PyObject *frame, int made);

/* Returns what a frame is told by, from its first event to its last. It is no object's address while
   another frame has it, but afterwards another frame may get it. */
const void *frame_key(PyObject *frame);

/* Returns what the thread's innermost frame is told by while it runs, without making its object;
   NULL where that is not possible. */
const void *frame_place(PyThreadState *thread);

/* Tells whether a frame runs this very code object. */
static inline int
frame_runs(PyObject *frame, const void *code)
{
    PyCodeObject *running = PyFrame_GetCode((PyFrameObject *)frame);
    int same = (const void *)running == code;
    Py_DECREF(running);
    return same;
}

#pragma GCC visibility pop

#endif
