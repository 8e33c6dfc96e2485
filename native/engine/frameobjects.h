/* Frame objects. CPython makes a frame's object only on request, and then keeps it as long as the
   frame. The recorder leaves the frame of a generator or coroutine as it was: it removes a frame object
   that only recording made, so a suspended generator does not keep one.

   Hand-written. */
#ifndef CODETRACER_FRAMEOBJECTS_H
#define CODETRACER_FRAMEOBJECTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Tests whether this CPython's frames have the memory layout that frameobjects.c describes. If not, no
   frame object is ever removed. Call it after internals_prepare. */
int frames_prepare(PyObject *module);

/* Returns a new reference to the thread's innermost frame, or NULL. Sets `made` to whether this call made its object. */
PyObject *frame_innermost(PyThreadState *thread, int *made);

/* Returns a new reference to the frame that called this running one, or NULL. Sets `made` as above. */
PyObject *frame_back(PyObject *frame, int *made);

/* Returns the key of the frame that called this running one, without making its object; NULL if that
   is impossible. */
const void *frame_back_key(PyObject *frame);

/* Releases a frame that one of those two functions returned. Removes its object if that was `made`,
   nothing else refers to it and nothing has been set on it. The frame may be NULL. */
void frame_release(PyObject *frame, int made);

/* Returns the key that identifies a frame from its first event to its last. No two frames have the
   same key at the same time, but a later frame may get the same one. */
const void *frame_key(PyObject *frame);

/* Returns the key of the thread's innermost frame, while it runs, without making its object; NULL if
   that is impossible. */
const void *frame_place(PyThreadState *thread);

/* A function of the module. Returns a new list of the innermost frame of each thread of this interpreter. */
PyObject *running_frames(PyObject *module, PyObject *unused);

/* Returns whether a frame runs this code object. */
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
