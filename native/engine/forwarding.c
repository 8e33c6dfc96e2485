/* The program's side of the forwarder: descriptors that the program may close, marks, copies. */
#include "forwarding.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- descriptors of ours */

void
hold(Held *held, int number)
{
    struct stat found = {0};
    held->number = fstat(number, &found) == 0 ? number : -1;
    held->device = found.st_dev;
    held->inode = found.st_ino;
    held->kind = found.st_mode & S_IFMT;
}

int
stands_on(const Held *held, int number)
{
    struct stat found;
    return held->number >= 0 && number >= 0 && fstat(number, &found) == 0
           && found.st_dev == held->device && found.st_ino == held->inode
           && (found.st_mode & S_IFMT) == held->kind;
}

int
is_held(const Held *held)
{
    return stands_on(held, held->number);
}

void
let_go(Held *held)
{
    if (is_held(held)) {
        close(held->number);
    }
    held->number = -1;
}

/* ---- the reading thread */

static void
deliver(Pipes *pipes, int stream, const unsigned char *bytes, size_t size)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *number = PyLong_FromLong(stream);
    PyObject *data = PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
    if (number != NULL && data != NULL) {
        PyObject *args[] = {number, data, Py_None};
        Py_XDECREF(PyObject_Vectorcall(pipes->record, args, 3, NULL));
    }
    Py_XDECREF(data);
    Py_XDECREF(number);
    PyErr_Clear();
    PyGILState_Release(state);
}

/* Splits the received bytes into frames, and handles each. Returns 0 if no more frames will come. */
static int
take_frames(Pipes *pipes)
{
    size_t at = 0;
    int goes_on = 1;
    while (goes_on && pipes->used - at >= FRAME_HEAD) {
        const unsigned char *head = pipes->copies + at;
        size_t size = head[1] + ((size_t)head[2] << 8);
        if (pipes->used - at < FRAME_HEAD + size) {
            break;
        }
        at += FRAME_HEAD + size;
        if (*head == FRAME_QUIT) {
            goes_on = 0;
        }
        else if (*head == FRAME_END) {
            goes_on = ++pipes->ends < pipes->sink_count;
        }
        else {
            deliver(pipes, *head - '0', head + FRAME_HEAD, size);
        }
    }
    pipes->used -= at;
    memmove(pipes->copies, pipes->copies + at, pipes->used);
    return goes_on;
}

static void *
read_copies(void *argument)
{
    Pipes *pipes = argument;
    while (!pipes->quits) {
        struct pollfd waiting = {.fd = pipes->receiving.number, .events = POLLIN};
        int ready = poll(&waiting, 1, LOOK_AROUND);
        /* The program may have closed it, and opened another file under its number. */
        if (!is_held(&pipes->receiving)) {
            break;
        }
        if (ready <= 0 || pipes->quits) {
            continue;
        }
        /* The descriptor does not block. */
        ssize_t size =
            read(pipes->receiving.number, pipes->copies + pipes->used, COPIES - pipes->used);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (size <= 0) {
            break;
        }
        pipes->used += (size_t)size;
        if (!take_frames(pipes)) {
            break;
        }
    }
    pipes->finished = 1;
    return NULL;
}

void
read_on(Pipes *pipes)
{
    if (pipes->is_reading || pipes->gave_up || pipes->process != getpid()
        || !is_held(&pipes->receiving)) {
        return;
    }
    sigset_t all, before;
    sigfillset(&all);
    pipes->quits = pipes->finished = 0;
    /* The program's threads receive the signals, not this one. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pipes->is_reading = pthread_create(&pipes->thread, NULL, read_copies, pipes) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pipes->is_reading) {
        Py_INCREF((PyObject *)pipes);
    }
}

void
stop_reading(Pipes *pipes)
{
    if (!pipes->is_reading || pipes->process != getpid()) {
        return;
    }
    const char quit[FRAME_HEAD] = {FRAME_QUIT, 0, 0};
    pipes->is_reading = 0;
    Py_BEGIN_ALLOW_THREADS
    /* The frame comes after all copies. If it cannot be written, the thread soon sees `quits`. */
    if (!pipes->finished
        && (!is_held(&pipes->sending) || write(pipes->sending.number, quit, sizeof(quit)) < 0)) {
        pipes->quits = 1;
    }
    pthread_join(pipes->thread, NULL);
    Py_END_ALLOW_THREADS
    Py_DECREF((PyObject *)pipes);
}

/* ---- marks */

void
pause_for(long nanoseconds)
{
    struct timespec time = {.tv_nsec = nanoseconds};
    nanosleep(&time, NULL);
}

/* Returns a descriptor to which a mark can be written, or -1. */
static int
way_into(Pipes *pipes, const Sink *sink)
{
    if (is_held(&sink->feed)) {
        return sink->feed.number;
    }
    for (int number = 1; number < DESCRIPTORS; number++) {
        if (pipes->routes[number].sink >= 0 && stands_on(&sink->feed, number)) {
            return number;
        }
    }
    return -1;
}

int
is_dead(Pipes *pipes, const Sink *sink)
{
    struct pollfd reader = {.fd = way_into(pipes, sink)};
    return reader.fd < 0 || poll(&reader, 1, 0) != 0;
}

int
is_original_held(const Pipes *pipes, int number)
{
    /* After closing the original, the program may open the same file under its number, so is_held is
       not enough. But it cannot open our pipe again; and a program that closes unknown descriptors
       closes both. */
    return is_held(&pipes->routes[number].saved)
           && (is_held(&pipes->receiving) || is_held(&pipes->sending));
}

void
put_back(Pipes *pipes, int number)
{
    Route *route = &pipes->routes[number];
    if (route->sink >= 0 && stands_on(&pipes->sinks[route->sink].feed, number)
        && is_original_held(pipes, number)) {
        dup2(route->saved.number, number);
    }
}

/* Restores the originals, because the forwarder was killed, or nothing reads its output. */
static void
give_up_sink(Pipes *pipes, const Sink *sink)
{
    for (int number = 1; number < DESCRIPTORS; number++) {
        Route *route = &pipes->routes[number];
        if (route->sink >= 0 && &pipes->sinks[route->sink] == sink) {
            put_back(pipes, number);
        }
    }
}

static uint64_t
acknowledged(Pipes *pipes, const Sink *sink)
{
    const unsigned char *bytes = pipes->memory + (sink - pipes->sinks) * 8;
    uint64_t stamp = 0;
    for (int at = 0; at < 8; at++) {
        stamp = stamp << 8 | __atomic_load_n(bytes + at, __ATOMIC_ACQUIRE);
    }
    return stamp;
}

/* Lets the program's signal handlers run. Returns -1 if one has raised an exception. */
static int
look_around(PyThreadState *saved, PyThreadState **again)
{
    PyEval_RestoreThread(saved);
    int failed = PyErr_CheckSignals();
    *again = PyEval_SaveThread();
    return failed;
}

int
settle(Pipes *pipes, const Sink *sink, char kind, int heeds_signals)
{
    int feed = way_into(pipes, sink);
    if (feed < 0) {
        return 0;
    }
    if (is_dead(pipes, sink)) {
        give_up_sink(pipes, sink);
        return 0;
    }
    if (kind == MARK_ACKNOWLEDGE && !sink->is_terminal) {
        /* The forwarder sets `busy` before it reads from the pipe, so an empty pipe and no `busy` mean
           that all is forwarded. A terminal cannot say how much waits in it. */
        int waiting = -1;
        const unsigned char *busy = pipes->memory + BUSY_AT + (sink - pipes->sinks);
        if (ioctl(feed, FIONREAD, &waiting) == 0 && waiting == 0
            && __atomic_load_n(busy, __ATOMIC_ACQUIRE) == 0) {
            return 0;
        }
    }
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t stamp = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    char mark[TOKEN_LIMIT + 20];
    size_t size = (size_t)snprintf(mark, sizeof(mark), "%s%016llx%c", pipes->token,
                                   (unsigned long long)stamp, kind);
    int failed = 0;
    PyThreadState *thread = PyEval_SaveThread();
    for (size_t done = 0; done < size && !failed;) {
        feed = way_into(pipes, sink);
        ssize_t count = feed < 0 ? -1 : write(feed, mark + done, size - done);
        if (count >= 0) {
            done += (size_t)count;
        }
        else if (feed >= 0 && (errno == EAGAIN || errno == EINTR)) {
            /* The program has made its stdout non-blocking, which is the same open file. */
            pause_for(1000000);
            failed = heeds_signals && done == 0 && look_around(thread, &thread) < 0;
        }
        else {
            give_up_sink(pipes, sink);
            PyEval_RestoreThread(thread);
            return 0;
        }
    }
    for (int rounds = 1; !failed && acknowledged(pipes, sink) < stamp; rounds++) {
        /* The answer usually takes less time than the shortest sleep. */
        if (rounds < 100) {
            sched_yield();
        }
        else {
            pause_for(rounds < 200 ? 20000 : 1000000);
        }
        if (rounds % 100 == 0) {
            if (is_dead(pipes, sink)) {
                give_up_sink(pipes, sink);
                break;
            }
            failed = heeds_signals && look_around(thread, &thread) < 0;
        }
    }
    PyEval_RestoreThread(thread);
    return failed ? -1 : 0;
}
