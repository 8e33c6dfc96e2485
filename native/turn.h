/* How threads wait for the engine while another one has it. It knows no engine. */
#ifndef CODETRACER_TURN_H
#define CODETRACER_TURN_H

#include <Python.h>

#include <pthread.h>
#include <time.h>

#pragma GCC visibility push(hidden)

/* The GIL guards `waiting`; the mutex, that no signal is missed. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t free;
    Py_ssize_t waiting;
} Turn;

/* Makes what threads wait by; in a forked child, anew. -1 with an exception. */
int turn_prepare(Turn *turn);

/* Waits until the engine is given back, or the deadline, of CLOCK_MONOTONIC, is over: 0 then. The
   mutex is taken before the GIL is given up, and whoever gives the engine back has the GIL: no signal
   is missed. */
int turn_wait(Turn *turn, const struct timespec *deadline);

/* Lets one of those that wait for the engine go on. */
void turn_end(Turn *turn);

#pragma GCC visibility pop

#endif
