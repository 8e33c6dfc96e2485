/* Begins the recording of a forked child, which has another log, and defines everything again. */
#ifndef CODETRACER_RESTART_H
#define CODETRACER_RESTART_H

#include "state.h"

#pragma GCC visibility push(hidden)

/* Frees the state of the recording up to now. */
void engine_forget(Engine *engine);

/* Begins the log of a forked child. `restart` becomes the engine's log; the old log is released. */
void engine_begin_child(Engine *engine);

#pragma GCC visibility pop

#endif
