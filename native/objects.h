/* What of the objects that values refer to is written; Values.write_objects in values.py. */
#ifndef CODETRACER_OBJECTS_H
#define CODETRACER_OBJECTS_H

#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Appends records of the queued objects to the group, as far as they are new, and empties the queue. */
int write_objects(Engine *engine, Plan *plan);

#pragma GCC visibility pop

#endif
