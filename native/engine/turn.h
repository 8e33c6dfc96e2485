/* Lets threads wait for the engine while another thread has it. This unit uses no other one. */
#ifndef CODETRACER_TURN_H
#define CODETRACER_TURN_H

#include <Python.h>

#include <pthread.h>
#include <time.h>

#pragma GCC visibility push(hidden)

/* The GIL guards `waiting`. The mutex makes sure that no wake-up is missed. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t free;
    Py_ssize_t waiting;
} Turn;

/* Makes the mutex and the condition. A forked child calls it again. Returns -1 with an exception. */
int turn_prepare(Turn *turn);

/* Waits until the engine is free. Returns 0 if the deadline (of CLOCK_MONOTONIC) passes first. This
   function takes the mutex before it releases the GIL, and a thread that frees the engine has the GIL,
   so no wake-up is missed. */
int turn_wait(Turn *turn, const struct timespec *deadline);

/* Wakes one of the threads that wait for the engine. */
void turn_end(Turn *turn);

#pragma GCC visibility pop

#endif
