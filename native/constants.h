/* The objects and functions that are bound once, when the module is loaded: names, DISABLE, and
   functions of CPython that its stable ABI does not declare.

   They are globals of the process, not state of the module. Handlers, audit hooks, watchers of code
   objects and fork hooks receive no module, and PyType_GetModuleState would cost a call for each event.
   So only one interpreter of a process may load the module. CPython refuses the module to interpreters
   that have their own GIL (Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED), and constants_prepare refuses it
   to those that share one (Py_NewInterpreter); they record with the engine in Python. Each unit binds
   the objects that only it uses in the same way, in its `prepare`. The GIL guards the lists that units
   keep for the whole process (engines, codes, layers, calls, pipes). */
#ifndef CODETRACER_CONSTANTS_H
#define CODETRACER_CONSTANTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

extern PyObject *disable; /* sys.monitoring.DISABLE */
extern PyObject *name_f_globals;
extern PyObject *name_f_locals;
extern PyObject *name_f_lasti;
extern PyObject *name_f_lineno;
extern PyObject *name_cause;
extern PyObject *name_func;
extern PyObject *name_name;
extern PyObject *name_qualname;
extern PyObject *name_self;
extern PyObject *name_asyncio;
extern PyObject *name_running_loop;
extern PyObject *name_current_task;
extern PyObject *name_task;

/* Binds these; -1 with an exception, an ImportError in any interpreter but the first that calls it. */
int constants_prepare(void);

/* Returns a function that is not in the stable ABI, but there in 3.12 to 3.15. NULL with an
   ImportError: without it there is no engine. */
void *find_function(const char *function);

#pragma GCC visibility pop

#endif
