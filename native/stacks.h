/* Each thread's stack of recorded frames, and how it follows the frames that there really are;
   stacks.py in Python, which says why. Frames, plans and exceptions are borrowed; so is a thread that
   is returned: the engine's table has it. All return -1 or NULL with an exception, or because the event
   must be let go. */
#ifndef CODETRACER_STACKS_H
#define CODETRACER_STACKS_H

#include <Python.h>

#include <stdint.h>

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Makes another thread the running one, and says so in the group. */
Thread *thread_turn(Engine *engine, uint64_t id);

/* Returns the running thread. */
static inline Thread *
thread_of(Engine *engine, uint64_t id)
{
    Thread *current = engine->current;
    return current != NULL && current->id == id ? current : thread_turn(engine, id);
}

/* Frees what is known of a frame, and gives up its plan; NULL is allowed. */
void state_free(Frame *state);

/* A frame begins, or goes on, as `key` tells it from others; with an exception, that is thrown into it. */
int stack_begin(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan);
int stack_resume(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan);
int stack_throw(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan,
                PyObject *exception);

/* Makes the innermost recorded frame from `frame` outwards the top of the stack. */
int stack_sync(Engine *engine, Thread *thread, PyObject *frame);

/* Returns the state, borrowed, of a frame in which something happens; it is the innermost then. */
static inline Frame *
stack_innermost(Engine *engine, Thread *thread, PyObject *frame, const void *key)
{
    if ((thread->used == 0 || thread->stack[thread->used - 1]->frame != key)
        && stack_sync(engine, thread, frame) < 0) {
        return NULL;
    }
    return thread->stack[thread->used - 1];
}

/* Takes the innermost frame off: it ends, or is suspended, and kept until it goes on. */
int stack_leave(Engine *engine, Thread *thread, int is_suspended);

#pragma GCC visibility pop

#endif
