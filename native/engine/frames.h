/* The types that hold the recorder's state of threads, of frames, and of namespaces, which are dicts
   that frames share. frames.py is the same in Python. */
#ifndef CODETRACER_FRAMES_H
#define CODETRACER_FRAMES_H

#include <Python.h>

#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct Plan Plan;
struct Line;

#define COARSE 10 /* as in frames.py */
#define MOST_SITES 30 /* as in frames.py: calls of a line that `matched` has bits for */
#define BEGAN (1u << MOST_SITES) /* in `matched`: the line has run recorded code */
#define UNSEEN (BEGAN << 1) /* in `matched`: code that is not recorded has called code that is */

/* Values of Frame.at: no line has run yet; nothing is known of the current line. */
#define NOT_BEGUN -2
#define NO_LINE -1
#define PLAIN_LINE -3 /* less the number of a line, where nothing but that is recorded of lines */

typedef struct Namespace {
    uint32_t number;   /* its number in the log */
    PyObject *names;   /* owned dict: slot by name */
    uint64_t *written; /* by slot: hash of the value's bytes */
    uint64_t *looked;  /* by slot: the last event that looked at it */
    Py_ssize_t used;
    Py_ssize_t size;
} Namespace;

/* The state of a frame. Each suspended generator has one too, so it is small, and one allocation. */
typedef struct {
    const void *frame; /* its key; first, as Keyed wants it */
    Plan *plan;        /* one of its `refs` is this frame's */
    uint32_t number;
    uint32_t namespace; /* its number */
    int32_t at;     /* what its current line can change; see line_at */
    uint32_t since; /* the event in which it began, without its last COARSE bits */
    uint64_t written[]; /* by local variable: hash of the value's bytes */
} Frame;

typedef struct Thread {
    uint64_t id;
    uint32_t number;
    Frame **stack;
    uint32_t *matched; /* of each: the calls of its current line that were recorded, as bits */
    int64_t *steps; /* the last step of each frame on the stack; -1 if none since it got there */
    Py_ssize_t used;
    Py_ssize_t size;
    const void *task; /* the asyncio task that the log gives for it, and the hash of its name */
    Py_hash_t task_name;
} Thread;

/* Returns the recorded calls of the current line of a thread's innermost frame. */
static inline uint32_t *
matched_of(Thread *thread)
{
    return &thread->matched[thread->used - 1];
}

#pragma GCC visibility pop

#endif
