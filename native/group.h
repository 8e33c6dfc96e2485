/* A group of records: the time in it, and how it gets into the log. */
#ifndef CODETRACER_GROUP_H
#define CODETRACER_GROUP_H

#include <stdint.h>

#include "state.h"

#pragma GCC visibility push(hidden)

/* Returns the ns since it was asked last. */
uint64_t elapsed(Engine *engine);

/* Says what time it is, before a record without a time; not more often than each millisecond. */
int pass_time(Engine *engine);

/* Writes the group in one piece; where the machine is short of something it goes with the next. */
int commit(Engine *engine);

#pragma GCC visibility pop

#endif
