/* Keeps to a limit on the cost of recording. budget.py decides which code is lowered; this unit tells it
   what events took, and lowers the code. events.py does the same in Python. */
#ifndef CODETRACER_BUDGET_H
#define CODETRACER_BUDGET_H

#include <Python.h>

#include <stdint.h>

#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Prepares an engine for its Budget, which may be None. Returns -1 with an exception. */
int budget_init(Engine *engine, PyObject *budget);

/* Ends the measuring of a sampled event, which began at that CPU time and has written its records, and notes
   what it took. At times asks the Budget, and lowers the code that it names. Returns -1 with an exception, or because the engine must
   give up the event. */
int budget_pass(Engine *engine, const Plan *plan, int64_t began);

#pragma GCC visibility pop

#endif
