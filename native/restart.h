/* What a forked child begins anew: a recording with another log, of which nothing is known yet. */
#ifndef CODETRACER_RESTART_H
#define CODETRACER_RESTART_H

#include "state.h"

#pragma GCC visibility push(hidden)

/* Forgets, and frees, all that is known of the recording so far. */
void engine_forget(Engine *engine);

/* Begins the log of a forked child: `restart` becomes the engine's log, whose reference is given up. */
void engine_begin_child(Engine *engine);

#pragma GCC visibility pop

#endif
