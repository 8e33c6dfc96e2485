/* The types that hold the recorder's state of threads, of frames, and of namespaces, which are dicts
   that frames share. frames.py is the same in Python. */
#ifndef CODETRACER_FRAMES_H
#define CODETRACER_FRAMES_H

#include <Python.h>

#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct Plan Plan;

typedef struct Namespace {
    uint32_t number;   /* its number in the log */
    PyObject *names;   /* owned dict: slot by name */
    uint64_t *written; /* by slot: hash of the value's bytes */
    Py_ssize_t used;
    Py_ssize_t size;
} Namespace;

/* The state of a frame. Each suspended generator has one too, so it is small, and one allocation. */
typedef struct {
    const void *frame; /* its key; first, as Keyed wants it */
    Plan *plan;        /* one of its `refs` is this frame's */
    uint32_t number;
    uint32_t namespace; /* its number */
    int line;
    int said;
    uint64_t written[]; /* by local variable: hash of the value's bytes */
} Frame;

typedef struct Thread {
    uint64_t id;
    uint32_t number;
    Frame **stack;
    int64_t *steps; /* the last step of each frame on the stack; -1 if none since it got there */
    Py_ssize_t used;
    Py_ssize_t size;
    const void *task; /* the asyncio task that the log gives for it, and the hash of its name */
    Py_hash_t task_name;
} Thread;

#pragma GCC visibility pop

#endif
