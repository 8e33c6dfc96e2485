/* The one way from the engine into Python code, and what may come back through it.

   The program's thread runs bytecode there, so a signal handler of the program may run in the midst,
   raise what it likes, or fork; and another thread may have an exception raised here
   (PyThreadState_SetAsyncExc). Signals wait meanwhile, as far as the system lets them: those of the
   whole process may reach another thread, and have CPython run the handler here all the same. So
   what is asked for leaves nothing half done, and is asked for again: what comes once and not the
   second time is the program's, and is raised in the program once the event is written. */
#ifndef CODETRACER_ASK_H
#define CODETRACER_ASK_H

#include <Python.h>

#include <stddef.h>

#include "state.h"

#pragma GCC visibility push(hidden)

/* How many times the process has been forked; another number than the engine's means that the log is
   the parent's. */
extern unsigned int fork_count;

/* -1 with an exception. */
int ask_prepare(void);

/* Calls a function of codetracer's in Python, and returns a new reference to what it does. Borrows the
   arguments. NULL: it raised, or the event must be let go, which needs no exception. */
PyObject *ask(Engine *engine, PyObject *callable, PyObject *const *args, size_t count);

/* The same for a method, by its name. */
PyObject *ask_method(Engine *engine, PyObject *object, const char *name, PyObject *const *args,
                     size_t count);

/* Calls a function of codetracer's that runs code of the program's: once, and signals do not wait.
   What comes out of it is the program's, and is left in `interrupt` for raise_later, a new reference.
   NULL without that: there was no room for the call, or the event must be let go. */
PyObject *ask_program(Engine *engine, PyObject *callable, PyObject *const *args, size_t count,
                      PyObject **interrupt);

/* Has the program's exception raised where the program goes on. Steals the exception. */
void raise_later(Engine *engine, PyObject *exception);

/* Clears the error that is set, if one is, which is expected to be of this type. Another one is the
   program's: a signal handler has raised it where C code of CPython's let it run. It is raised in the
   program once the event is written. */
void drop_error(Engine *engine, PyObject *expected);

/* Does that with an exception that is set, if it is the program's; tells whether it is. */
int pass_on(Engine *engine);

#pragma GCC visibility pop

#endif
