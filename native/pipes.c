/* What stands on descriptors 1 and 2, while the program runs: codetracer/runtime/pipes.py in C. It
   runs no bytecode, and keeps no descriptor for the memory that it shares with the forwarder. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* As in codetracer/runtime/forwarder.py. */
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

static Pipes *active;
static int waits_after_fork; /* 3.13 counts threads after the handlers for forks have run */

/* ---- descriptors of ours */

static void
hold(Held *held, int number)
{
    struct stat found;
    held->number = fstat(number, &found) == 0 ? number : -1;
    held->device = found.st_dev;
    held->inode = found.st_ino;
    held->kind = found.st_mode & S_IFMT;
}

static int
stands_on(const Held *held, int number)
{
    struct stat found;
    return held->number >= 0 && number >= 0 && fstat(number, &found) == 0
           && found.st_dev == held->device && found.st_ino == held->inode
           && (found.st_mode & S_IFMT) == held->kind;
}

static int
is_held(const Held *held)
{
    return stands_on(held, held->number);
}

static void
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

/* Takes what has come apart; 0 when nothing will come any more. */
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
        /* It may have been closed, and be the program's by now. */
        if (!is_held(&pipes->receiving)) {
            break;
        }
        if (ready <= 0 || pipes->quits) {
            continue;
        }
        /* It does not block. */
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

static void
read_on(Pipes *pipes)
{
    if (pipes->is_reading || pipes->gave_up || pipes->process != getpid()
        || !is_held(&pipes->receiving)) {
        return;
    }
    sigset_t all, before;
    sigfillset(&all);
    pipes->quits = pipes->finished = 0;
    /* Signals are the program's threads' to take. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pipes->is_reading = pthread_create(&pipes->thread, NULL, read_copies, pipes) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pipes->is_reading) {
        Py_INCREF((PyObject *)pipes);
    }
}

/* Ends the thread; the GIL is held. */
static void
stop_reading(Pipes *pipes)
{
    if (!pipes->is_reading || pipes->process != getpid()) {
        return;
    }
    const char quit[FRAME_HEAD] = {FRAME_QUIT, 0, 0};
    pipes->is_reading = 0;
    Py_BEGIN_ALLOW_THREADS
    /* Behind what has come; without it the thread looks around soon. */
    if (!pipes->finished
        && (!is_held(&pipes->sending) || write(pipes->sending.number, quit, sizeof(quit)) < 0)) {
        pipes->quits = 1;
    }
    pthread_join(pipes->thread, NULL);
    Py_END_ALLOW_THREADS
    Py_DECREF((PyObject *)pipes);
}

/* ---- marks */

static void
pause_for(long nanoseconds)
{
    struct timespec time = {.tv_nsec = nanoseconds};
    nanosleep(&time, NULL);
}

/* Returns a descriptor by which a mark can be written, or -1. */
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

static int
is_dead(Pipes *pipes, const Sink *sink)
{
    struct pollfd reader = {.fd = way_into(pipes, sink)};
    return reader.fd < 0 || poll(&reader, 1, 0) != 0;
}

/* Puts the original back, if ours is still there. */
static void
put_back(Pipes *pipes, int number)
{
    Route *route = &pipes->routes[number];
    if (route->sink >= 0 && stands_on(&pipes->sinks[route->sink].feed, number)
        && is_held(&route->saved)) {
        dup2(route->saved.number, number);
    }
}

/* The forwarder was killed, or nobody reads what it forwards. */
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

/* Lets the program's signal handlers run; -1 if one has raised an exception. */
static int
look_around(PyThreadState *saved, PyThreadState **again)
{
    PyEval_RestoreThread(saved);
    int failed = PyErr_CheckSignals();
    *again = PyEval_SaveThread();
    return failed;
}

/* Waits until what has been written to a sink so far is where it belongs: see pipes.py. Returns -1
   with the exception of a signal's handler, which ends the wait. */
static int
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
        /* The forwarder is busy before it takes something out. A terminal cannot be asked. */
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
            /* The program has made its stdout non-blocking, and this is the same file. */
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
        /* Most often it takes less time than the shortest sleep does. */
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

/* ---- for the hooks of raw files */

static Route *
route_of(PyObject *self, int descriptor)
{
    return &((Pipes *)self)->routes[descriptor];
}

int
pipes_stand(PyObject *self, int descriptor)
{
    Pipes *pipes = (Pipes *)self;
    if (descriptor < 1 || descriptor >= DESCRIPTORS || pipes->gave_up) {
        return 0;
    }
    Route *route = route_of(self, descriptor);
    if (route->sink < 0 || !stands_on(&pipes->sinks[route->sink].feed, descriptor)) {
        return 0;
    }
    if (!is_held(&route->saved)) {
        /* What the program writes goes by the pipe from now on. That is not to be told twice. */
        pipes->gave_up = 1;
        pipes->quits = 1;
        return 0;
    }
    return 1;
}

/* Waits until what others have written before is forwarded. */
static int
prepare(Pipes *pipes, int descriptor)
{
    read_on(pipes);
    return settle(pipes, &pipes->sinks[pipes->routes[descriptor].sink], MARK_ACKNOWLEDGE, 1);
}

/* Returns the original's number; -1 with an exception if the program has just closed it. */
static int
original_of(PyObject *self, int descriptor)
{
    Route *route = route_of(self, descriptor);
    if (is_held(&route->saved)) {
        return route->saved.number;
    }
    errno = EBADF;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

PyObject *
pipes_write(PyObject *self, int descriptor, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (prepare((Pipes *)self, descriptor) < 0) {
        PyBuffer_Release(&view);
        return NULL;
    }
    ssize_t written;
    int problem;
    do {
        int number = original_of(self, descriptor);
        if (number < 0) {
            PyBuffer_Release(&view);
            return NULL;
        }
        Py_BEGIN_ALLOW_THREADS
        written = write(number, view.buf, (size_t)view.len);
        problem = errno;
        Py_END_ALLOW_THREADS
    } while (written < 0 && problem == EINTR && PyErr_CheckSignals() == 0);
    PyBuffer_Release(&view);
    if (written >= 0) {
        return PyLong_FromSsize_t(written);
    }
    if (problem == EAGAIN) {
        Py_RETURN_NONE;
    }
    if (!PyErr_Occurred()) {
        errno = problem;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return NULL;
}

static PyObject *
seek(PyObject *self, int descriptor, off_t offset, int whence)
{
    int number = original_of(self, descriptor);
    if (number < 0) {
        return NULL;
    }
    off_t position = lseek(number, offset, whence);
    return position < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLongLong(position);
}

PyObject *
pipes_seek(PyObject *self, int descriptor, PyObject *const *args, Py_ssize_t count)
{
    long long offset = PyLong_AsLongLong(args[0]);
    long whence = count == 2 ? PyLong_AsLong(args[1]) : 0;
    return PyErr_Occurred() ? NULL : seek(self, descriptor, (off_t)offset, (int)whence);
}

PyObject *
pipes_tell(PyObject *self, int descriptor)
{
    return prepare((Pipes *)self, descriptor) < 0 ? NULL : seek(self, descriptor, 0, SEEK_CUR);
}

PyObject *
pipes_truncate(PyObject *self, int descriptor, PyObject *size)
{
    PyObject *length = size == Py_None ? pipes_tell(self, descriptor) : Py_NewRef(size);
    long long wanted = length == NULL ? -1 : PyLong_AsLongLong(length);
    int number = PyErr_Occurred() ? -1 : original_of(self, descriptor);
    if (number < 0 || ftruncate(number, (off_t)wanted) < 0) {
        Py_XDECREF(length);
        return number < 0 ? NULL : PyErr_SetFromErrno(PyExc_OSError);
    }
    return length;
}

PyObject *
pipes_seekable(PyObject *self, int descriptor)
{
    int number = original_of(self, descriptor);
    return number < 0 ? NULL : PyBool_FromLong(lseek(number, 0, SEEK_CUR) >= 0);
}

/* ---- forks */

/* Returns how many tasks the process has, without opening anything; 0 if that cannot be had. */
static unsigned long
count_tasks(void)
{
    struct stat found;
    return stat("/proc/self/task", &found) == 0 ? (unsigned long)found.st_nlink : 0;
}

/* CPython warns of a fork in a process that has several threads (3.12 on). */
static PyObject *
before_fork(PyObject *module, PyObject *unused)
{
    for (Pipes *pipes = active; pipes != NULL; pipes = pipes->next) {
        if (!pipes->is_reading || pipes->process != getpid()) {
            continue;
        }
        unsigned long tasks = count_tasks();
        stop_reading(pipes);
        /* It is gone a little later than it can be joined. */
        for (int rounds = 0; rounds < 1000 && tasks > 0 && count_tasks() >= tasks; rounds++) {
            pause_for(10000);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
after_fork_in_parent(PyObject *module, PyObject *unused)
{
    for (Pipes *pipes = active; pipes != NULL && !waits_after_fork; pipes = pipes->next) {
        read_on(pipes);
    }
    Py_RETURN_NONE;
}

static PyMethodDef fork_hooks[] = {
    {"before_fork", before_fork, METH_NOARGS, NULL},
    {"after_fork_in_parent", after_fork_in_parent, METH_NOARGS, NULL},
};

/* There is no way to end this; it does nothing while nobody captures. */
static int
watch_forks(void)
{
    static int is_watching;
    if (is_watching) {
        return 0;
    }
    PyObject *os = PyImport_ImportModule("posix");
    PyObject *watch = os == NULL ? NULL : PyObject_GetAttrString(os, "register_at_fork");
    PyObject *before = PyCFunction_NewEx(&fork_hooks[0], NULL, NULL);
    PyObject *after = PyCFunction_NewEx(&fork_hooks[1], NULL, NULL);
    PyObject *names = Py_BuildValue("(ss)", "before", "after_in_parent");
    PyObject *done = NULL;
    if (watch != NULL && before != NULL && after != NULL && names != NULL) {
        PyObject *args[] = {before, after};
        done = PyObject_Vectorcall(watch, args, 0, names);
    }
    is_watching = done != NULL;
    Py_XDECREF(done);
    Py_XDECREF(names);
    Py_XDECREF(after);
    Py_XDECREF(before);
    Py_XDECREF(watch);
    Py_XDECREF(os);
    return is_watching ? 0 : -1;
}

/* ---- the type */

static PyObject *
pipes_start(PyObject *self, PyObject *unused)
{
    Pipes *pipes = (Pipes *)self;
    if (watch_forks() < 0) {
        return NULL;
    }
    for (int number = 1; number < DESCRIPTORS; number++) {
        if (pipes->routes[number].sink >= 0) {
            dup2(pipes->sinks[pipes->routes[number].sink].feed.number, number);
        }
    }
    read_on(pipes);
    pipes->next = active;
    active = pipes;
    Py_INCREF(self);
    Py_RETURN_NONE;
}

/* Returns whether it was active. */
static int
deactivate(Pipes *pipes)
{
    for (Pipes **at = &active; *at != NULL; at = &(*at)->next) {
        if (*at == pipes) {
            *at = pipes->next;
            return 1;
        }
    }
    return 0;
}

static void
await_copies(Pipes *pipes)
{
    Py_BEGIN_ALLOW_THREADS
    for (int rounds = 1; !pipes->finished && rounds < 10000; rounds++) {
        pause_for(1000000);
        int dead = 0;
        for (int at = 0; rounds % 100 == 0 && at < pipes->sink_count; at++) {
            dead += is_dead(pipes, &pipes->sinks[at]);
        }
        if (dead == pipes->sink_count) {
            break;
        }
    }
    Py_END_ALLOW_THREADS
}

static void
let_go_of_all(Pipes *pipes)
{
    for (int at = 0; at < pipes->sink_count; at++) {
        let_go(&pipes->sinks[at].feed);
    }
    for (int number = 1; number < DESCRIPTORS; number++) {
        let_go(&pipes->routes[number].saved);
        pipes->routes[number].sink = -1;
    }
    let_go(&pipes->receiving);
    let_go(&pipes->sending);
}

static PyObject *
pipes_restore(PyObject *self, PyObject *unused)
{
    Pipes *pipes = (Pipes *)self;
    if (!deactivate(pipes)) {
        Py_RETURN_NONE;
    }
    int is_ours = pipes->process == getpid();
    int all_end = 1;
    for (int at = 0; at < pipes->sink_count; at++) {
        Sink *sink = &pipes->sinks[at];
        if (!is_held(&sink->feed)) {
            all_end = 0;
            settle(pipes, sink, MARK_ACKNOWLEDGE, 0);
        }
    }
    for (int number = 1; number < DESCRIPTORS; number++) {
        put_back(pipes, number);
    }
    read_on(pipes);
    for (int at = 0; at < pipes->sink_count; at++) {
        if (is_held(&pipes->sinks[at].feed)) {
            settle(pipes, &pipes->sinks[at], is_ours ? MARK_END : MARK_ACKNOWLEDGE, 0);
        }
    }
    if (is_ours && pipes->is_reading && all_end && !pipes->gave_up) {
        await_copies(pipes);
    }
    stop_reading(pipes);
    let_go_of_all(pipes);
    Py_DECREF(self);
    Py_RETURN_NONE;
}

static int
parse_sinks(Pipes *pipes, PyObject *sinks)
{
    for (Py_ssize_t at = 0; at < PyTuple_Size(sinks) && at < SINKS; at++) {
        int feed;
        if (!PyArg_ParseTuple(PyTuple_GetItem(sinks, at), "ip", &feed,
                              &pipes->sinks[at].is_terminal)) {
            return -1;
        }
        hold(&pipes->sinks[at].feed, feed);
        pipes->sink_count++;
    }
    return 0;
}

static int
parse_routes(Pipes *pipes, PyObject *routes)
{
    for (int number = 0; number < DESCRIPTORS; number++) {
        pipes->routes[number].sink = pipes->routes[number].saved.number = -1;
    }
    for (Py_ssize_t at = 0; at < PyTuple_Size(routes); at++) {
        int number, saved, sink;
        if (!PyArg_ParseTuple(PyTuple_GetItem(routes, at), "iii", &number, &saved, &sink)) {
            return -1;
        }
        pipes->routes[number].sink = sink;
        hold(&pipes->routes[number].saved, saved);
    }
    return 0;
}

/* All descriptors are the new object's, and the memory's is not needed any more. */
static PyObject *
pipes_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"record", "token", "memory", "channel", "sinks", "routes", NULL};
    PyObject *record, *sinks, *routes;
    const char *token;
    int memory, receiving, sending;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "Oyi(ii)O!O!", names, &record, &token, &memory,
                                     &receiving, &sending, &PyTuple_Type, &sinks, &PyTuple_Type,
                                     &routes)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Pipes *pipes = (Pipes *)allocate(type, 0);
    if (pipes == NULL) {
        return NULL;
    }
    pipes->record = Py_NewRef(record);
    pipes->process = getpid();
    snprintf(pipes->token, TOKEN_LIMIT, "%s", token);
    hold(&pipes->receiving, receiving);
    hold(&pipes->sending, sending);
    void *mapped = mmap(NULL, MEMORY_SIZE, PROT_READ, MAP_SHARED, memory, 0);
    pipes->memory = mapped == MAP_FAILED ? NULL : mapped;
    if (pipes->memory == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    if (pipes->memory == NULL || parse_sinks(pipes, sinks) < 0
        || parse_routes(pipes, routes) < 0) {
        Py_DECREF((PyObject *)pipes);
        return NULL;
    }
    close(memory);
    fcntl(receiving, F_SETFL, O_NONBLOCK);
    return (PyObject *)pipes;
}

static int
pipes_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Pipes *)self)->record);
    return 0;
}

static int
pipes_clear(PyObject *self)
{
    Py_CLEAR(((Pipes *)self)->record);
    return 0;
}

static void
pipes_dealloc(PyObject *self)
{
    Pipes *pipes = (Pipes *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    pipes_clear(self);
    if (pipes->memory != NULL) {
        munmap(pipes->memory, MEMORY_SIZE);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef pipes_methods[] = {
    {"start", pipes_start, METH_NOARGS, NULL},
    {"restore", pipes_restore, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pipes_slots[] = {
    {Py_tp_new, pipes_new},
    {Py_tp_traverse, pipes_traverse},
    {Py_tp_clear, pipes_clear},
    {Py_tp_dealloc, pipes_dealloc},
    {Py_tp_methods, pipes_methods},
    {0, NULL},
};

static PyType_Spec pipes_spec = {
    .name = "codetracer_bindings._engine.Pipes",
    .basicsize = sizeof(Pipes),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = pipes_slots,
};

int
pipes_prepare(PyObject *module)
{
    PyObject *version = PySys_GetObject("hexversion");
    waits_after_fork = version != NULL && PyLong_AsLong(version) >> 16 == 0x030d;
    PyObject *type = PyType_FromModuleAndSpec(module, &pipes_spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Pipes", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}
