/* Keeps a stack of recorded frames for each thread, and makes it follow CPython's frames. stacks.py is
   the same in Python, and gives the reasons. The functions borrow frames, plans and exceptions. A
   thread that one returns is borrowed from the engine's table. All return -1 or NULL with an exception,
   or because the engine must give up the event. */
#ifndef CODETRACER_STACKS_H
#define CODETRACER_STACKS_H

#include <Python.h>

#include <stdint.h>

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Makes another thread the running one, and appends that to the group. */
Thread *thread_turn(Engine *engine, uint64_t id);

/* Returns the running thread. */
static inline Thread *
thread_of(Engine *engine, uint64_t id)
{
    Thread *current = engine->current;
    return current != NULL && current->id == id ? current : thread_turn(engine, id);
}

/* Frees the state of a frame, and releases its plan. The state may be NULL. */
void state_free(Frame *state);

/* Records that the frame with a key begins, is resumed, or has an exception thrown into it. */
int stack_begin(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan);
int stack_resume(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan);
int stack_throw(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan,
                PyObject *exception);

/* Makes the innermost recorded frame from `frame` outwards the top of the stack. */
int stack_sync(Engine *engine, Thread *thread, PyObject *frame);

/* Returns the borrowed state of the frame in which an event occurs, and makes it the innermost one. */
static inline Frame *
stack_innermost(Engine *engine, Thread *thread, PyObject *frame, const void *key)
{
    if ((thread->used == 0 || thread->stack[thread->used - 1]->frame != key)
        && stack_sync(engine, thread, frame) < 0) {
        return NULL;
    }
    return thread->stack[thread->used - 1];
}

/* Removes the innermost frame from the stack. It has ended, or is suspended and kept until resumed. */
int stack_leave(Engine *engine, Thread *thread, int is_suspended);

#pragma GCC visibility pop

#endif
