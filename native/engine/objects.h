/* Writes the contents of the objects that values refer to. Values.write_objects in values.py is the
   same in Python. */
#ifndef CODETRACER_OBJECTS_H
#define CODETRACER_OBJECTS_H

#include "plans.h"
#include "state.h"

#pragma GCC visibility push(hidden)

/* Appends the new or changed contents of the queued objects to the group, and empties the queue. */
int write_objects(Engine *engine, Plan *plan);

#pragma GCC visibility pop

#endif
