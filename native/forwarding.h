/* What the program has in common with the process that forwards its output: pipes.c is the type,
   forwarding.c what it does; codetracer/capture/pipes.py says how. */
#ifndef CODETRACER_FORWARDING_H
#define CODETRACER_FORWARDING_H

#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#pragma GCC visibility push(hidden)

/* As in codetracer/capture/forwarder.py. */
#define BUSY_AT 64
#define MEMORY_SIZE 128
#define MARK_ACKNOWLEDGE 'a'
#define MARK_END 'e'
#define FRAME_END 'e'
#define FRAME_QUIT 'q'
#define FRAME_HEAD 3

#define DESCRIPTORS 3 /* 1 and 2 are used */
#define SINKS 2
#define TOKEN_LIMIT 100
#define COPIES 65536
#define LOOK_AROUND 200 /* milliseconds until the reading thread asks whether it shall end */

/* A descriptor of ours, and what it was when it was opened: the program may close it, and then have
   a file of its own under its number. */
typedef struct {
    int number;
    dev_t device;
    ino_t inode;
    mode_t kind;
} Held;

typedef struct {
    Held feed; /* our end, for marks */
    int is_terminal;
} Sink;

typedef struct {
    int sink; /* -1: nothing stands there */
    Held saved; /* the original */
} Route;

typedef struct Pipes {
    PyObject_HEAD
    struct Pipes *next; /* of those that a fork concerns */
    PyObject *record;
    Sink sinks[SINKS];
    int sink_count;
    Route routes[DESCRIPTORS];
    Held receiving;
    Held sending;
    unsigned char *memory; /* for each sink: the time of the last mark, and whether it is busy */
    char token[TOKEN_LIMIT];
    pid_t process;
    /* the thread that reads copies */
    pthread_t thread;
    int is_reading;
    atomic_int quits;
    atomic_int finished;
    int ends;
    int gave_up; /* the program has closed what was kept */
    size_t used;
    unsigned char copies[COPIES];
} Pipes;

void hold(Held *held, int number);
int stands_on(const Held *held, int number);
int is_held(const Held *held);

/* Closes a descriptor if it is ours. */
void let_go(Held *held);

/* Starts the thread that reads copies, if it has not been started or a fork has ended it. */
void read_on(Pipes *pipes);

/* Ends it; the GIL is held. */
void stop_reading(Pipes *pipes);

/* Whether nobody reads what is written to a sink, or it cannot be written to. */
int is_dead(Pipes *pipes, const Sink *sink);

/* Whether the program has let the original of a descriptor be. */
int is_original_held(const Pipes *pipes, int number);

/* Puts the original back, if ours is still there. */
void put_back(Pipes *pipes, int number);

/* Waits until what has been written to a sink so far is where it belongs. Returns -1 with the
   exception of a signal's handler, which ends the wait. */
int settle(Pipes *pipes, const Sink *sink, char kind, int heeds_signals);

void pause_for(long nanoseconds);

#pragma GCC visibility pop

#endif
