/* The group, which holds the records of one event until they are written to the log in one piece. */
#ifndef CODETRACER_GROUP_H
#define CODETRACER_GROUP_H

#include <stdint.h>

#include "state.h"

#pragma GCC visibility push(hidden)

/* Returns the nanoseconds since its last call. */
uint64_t elapsed(Engine *engine);

/* Appends a record of the time, before a record that has none; at most once per millisecond. */
int pass_time(Engine *engine);

/* Writes the group in one piece. If memory or disk space is short, it is written with the next one. */
int commit(Engine *engine);

#pragma GCC visibility pop

#endif
