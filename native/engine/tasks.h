/* Finds the asyncio task in which a coroutine runs. tasks.py is the same in Python, and gives the
   reasons. */
#ifndef CODETRACER_TASKS_H
#define CODETRACER_TASKS_H

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

void tasks_prepare(void);

/* When a coroutine begins or is resumed, appends its task to the group if it is a new one in the
   thread. */
int tell_task(Engine *engine, Thread *thread);

#pragma GCC visibility pop

#endif
