/* Which of asyncio's tasks a coroutine runs in; tasks.py in Python, which says why. */
#ifndef CODETRACER_TASKS_H
#define CODETRACER_TASKS_H

#include "frames.h"
#include "state.h"

#pragma GCC visibility push(hidden)

void tasks_prepare(void);

/* Says in which task a coroutine begins or goes on, if the thread was in another one. */
int tell_task(Engine *engine, Thread *thread);

#pragma GCC visibility pop

#endif
