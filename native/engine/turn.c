#include "turn.h"

#include <errno.h>

int
turn_prepare(Turn *turn)
{
    /* First of all: where the rest fails in a forked child, the parent's threads still do not wait. */
    turn->waiting = 0;
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (!error) {
        error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = error ? error : pthread_cond_init(&turn->free, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    error = error ? error : pthread_mutex_init(&turn->mutex, NULL);
    if (error) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

int
turn_wait(Turn *turn, const struct timespec *deadline)
{
    int error;
    turn->waiting++;
    pthread_mutex_lock(&turn->mutex);
    Py_BEGIN_ALLOW_THREADS
    error = pthread_cond_timedwait(&turn->free, &turn->mutex, deadline);
    pthread_mutex_unlock(&turn->mutex);
    Py_END_ALLOW_THREADS
    turn->waiting--;
    return error != ETIMEDOUT;
}

void
turn_end(Turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    pthread_cond_signal(&turn->free);
    pthread_mutex_unlock(&turn->mutex);
}
