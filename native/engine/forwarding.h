/* The type Pipes, and the functions by which the program communicates with the process that forwards
   its output. pipes.c makes the type; forwarding.c has the functions; codetracer/capture/pipes.py
   explains them. */
#ifndef CODETRACER_FORWARDING_H
#define CODETRACER_FORWARDING_H

#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

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
#define LOOK_AROUND 200 /* milliseconds until the reading thread checks whether it has to end */

/* A descriptor of codetracer's, and the identity of its file when it was opened. The program may close
   the descriptor, and open another file under the same number. */
typedef struct {
    int number;
    dev_t device;
    ino_t inode;
    mode_t kind;
} Held;

typedef struct {
    Held feed; /* codetracer's end of the pipe, for marks */
    int is_terminal;
} Sink;

typedef struct {
    int sink; /* -1: there is no pipe on this descriptor */
    Held saved; /* the original */
} Route;

typedef struct Pipes {
    PyObject_HEAD
    struct Pipes *next; /* in the list of the active ones, for the fork handlers */
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
    int gave_up; /* whether the program has closed descriptors that codetracer kept */
    size_t used;
    unsigned char copies[COPIES];
} Pipes;

void hold(Held *held, int number);
int stands_on(const Held *held, int number);
int is_held(const Held *held);

/* Closes a descriptor if it still is codetracer's. */
void let_go(Held *held);

/* Starts the thread that reads copies, unless it runs. A fork ends it. */
void read_on(Pipes *pipes);

/* Ends that thread. The caller holds the GIL. */
void stop_reading(Pipes *pipes);

/* Returns whether nothing reads from a sink, or nothing can be written to it. */
int is_dead(Pipes *pipes, const Sink *sink);

/* Returns whether the original of a descriptor is still open, and not replaced by the program. */
int is_original_held(const Pipes *pipes, int number);

/* Puts the original back on a descriptor, if the pipe is still there. */
void put_back(Pipes *pipes, int number);

/* Waits until all output that has been written to a sink so far has been forwarded. Returns -1 if a
   signal handler raises an exception, which ends the wait. */
int settle(Pipes *pipes, const Sink *sink, char kind, int heeds_signals);

void pause_for(long nanoseconds);

#pragma GCC visibility pop

#endif
