/* Calls from the engine into Python code. Every such call goes through these functions.

   Python code that the engine calls runs bytecode in the program's thread. So a signal handler of the
   program may run in the middle of it, raise any exception, or fork; and another thread may have an
   exception raised in it (PyThreadState_SetAsyncExc). The engine blocks signals during the call, but
   a signal for the whole process may reach another thread, and CPython then runs the handler here
   all the same. So the called functions leave nothing half done, and the engine calls again after an
   exception. An exception that comes once and not the second time is the program's; it is raised in
   the program after the event has been written. */
#ifndef CODETRACER_ASK_H
#define CODETRACER_ASK_H

#include <Python.h>

#include <stddef.h>

#include "state.h"

#pragma GCC visibility push(hidden)

/* The number of forks between the first process and this one. If it differs from the engine's, the
   engine's log is the parent's. */
extern unsigned int fork_count;

/* Prepares this unit. Returns -1 with an exception. */
int ask_prepare(void);

/* Calls a Python function of codetracer, and returns a new reference to its result. Borrows the
   arguments. Returns NULL if the function raised, or, perhaps without an exception, if the engine
   must give up the event. */
PyObject *ask(Engine *engine, PyObject *callable, PyObject *const *args, size_t count);

/* Does the same with the method that has a name. Returns a new reference, or NULL as it does. */
PyObject *ask_method(Engine *engine, PyObject *object, const char *name, PyObject *const *args,
                     size_t count);

/* Calls a function of codetracer that runs code of the program. Calls it once, and does not block
   signals. An exception that comes out of it is the program's; `interrupt` then receives a new
   reference to it, for raise_later. If the result is NULL and `interrupt` is NULL too, memory or
   stack was short, or the engine must give up the event. */
PyObject *ask_program(Engine *engine, PyObject *callable, PyObject *const *args, size_t count,
                      PyObject **interrupt);

/* Has an exception of the program raised where the program continues. Steals the exception. */
void raise_later(Engine *engine, PyObject *exception);

/* Clears the error indicator, which is expected to hold an exception of this type, if any. Another
   exception is the program's: a signal handler raised it where C code of CPython called it. That one is
   raised in the program after the event has been written. */
void drop_error(Engine *engine, PyObject *expected);

/* If the exception that is set is the program's, clears it and has it raised later. Returns 1 then, and
   0 otherwise. */
int pass_on(Engine *engine);

#pragma GCC visibility pop

#endif
