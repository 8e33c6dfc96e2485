#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "forwarding.h"
#include "names.h"

static Pipes *active;
static int waits_after_fork; /* CPython 3.13 counts threads after the fork handlers have run */

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
    if (!is_original_held(pipes, descriptor)) {
        /* From now on the program's output goes through the pipe. Stop reading copies, so that the
           output is not recorded twice. */
        pipes->gave_up = 1;
        pipes->quits = 1;
        return 0;
    }
    return 1;
}

/* Waits until all earlier output of other writers has been forwarded. */
static int
prepare(Pipes *pipes, int descriptor)
{
    read_on(pipes);
    return settle(pipes, &pipes->sinks[pipes->routes[descriptor].sink], MARK_ACKNOWLEDGE, 1);
}

/* Returns the number of the original. Returns -1 with an exception if the program has just closed
   it. */
static int
original_of(PyObject *self, int descriptor)
{
    if (is_original_held((Pipes *)self, descriptor)) {
        return route_of(self, descriptor)->saved.number;
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

/* Returns a new reference, or NULL with an exception. */
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

/* Returns the number of the process's tasks, without opening a file; 0 if it is unknown. */
static unsigned long
count_tasks(void)
{
    struct stat found;
    return stat("/proc/self/task", &found) == 0 ? (unsigned long)found.st_nlink : 0;
}

/* Ends the reading thread, because CPython warns of a fork in a process with several threads (since
   3.12). */
static PyObject *
before_fork(PyObject *module, PyObject *unused)
{
    for (Pipes *pipes = active; pipes != NULL; pipes = pipes->next) {
        if (!pipes->is_reading || pipes->process != getpid()) {
            continue;
        }
        unsigned long tasks = count_tasks();
        stop_reading(pipes);
        /* A thread disappears from /proc a little after it can be joined. */
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

/* Registers the fork handlers. They cannot be removed; without an active capture they do nothing. */
static int
watch_forks(void)
{
    static int is_watching;
    if (is_watching) {
        return 0;
    }
    PyObject *os = PyImport_ImportModule("posix");
    PyObject *watch = os == NULL ? NULL : get_attribute(os, "register_at_fork");
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

/* Returns whether these pipes were active. */
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
    /* Close these first, because is_original_held needs the other descriptors. */
    for (int number = 1; number < DESCRIPTORS; number++) {
        if (is_original_held(pipes, number)) {
            let_go(&pipes->routes[number].saved);
        }
        pipes->routes[number].sink = pipes->routes[number].saved.number = -1;
    }
    for (int at = 0; at < pipes->sink_count; at++) {
        let_go(&pipes->sinks[at].feed);
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
    if (PyTuple_Size(sinks) > SINKS) {
        PyErr_Format(PyExc_ValueError, "at most %d sinks", SINKS);
        return -1;
    }
    for (Py_ssize_t at = 0; at < PyTuple_Size(sinks); at++) {
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
        if (number < 0 || number >= DESCRIPTORS || sink < -1 || sink >= pipes->sink_count) {
            PyErr_Format(PyExc_ValueError, "no route from descriptor %d to sink %d", number, sink);
            return -1;
        }
        pipes->routes[number].sink = sink;
        hold(&pipes->routes[number].saved, saved);
    }
    return 0;
}

/* Makes a Pipes object, which owns all the descriptors. It maps the memory, and closes its
   descriptor. */
static PyObject *
pipes_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {"record", "token", "memory", "channel",
                                        "sinks", "routes", NULL};
    PyObject *record, *sinks, *routes;
    const char *token;
    int memory, receiving, sending;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "Oyi(ii)O!O!", (char **)names, &record, &token,
                                     &memory, &receiving, &sending, &PyTuple_Type, &sinks, &PyTuple_Type,
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
