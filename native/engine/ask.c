#include "ask.h"

#include <pthread.h>
#include <signal.h>

#include "constants.h"
#include "names.h"
#include "state.h"

#define TURNS 4 /* how often the engine calls before it takes an error for codetracer's own */

typedef int (*IsMainThread)(void);

static IsMainThread is_main_thread;

unsigned int fork_count;

static void
count_fork(void)
{
    fork_count++;
}

int
ask_prepare(void)
{
    static int is_prepared;
    is_main_thread = (IsMainThread)find_function("_PyOS_IsMainThread");
    if (is_main_thread == NULL) {
        return -1;
    }
    if (!is_prepared) {
        is_prepared = pthread_atfork(NULL, NULL, count_fork) == 0;
    }
    if (!is_prepared) {
        PyErr_NoMemory();
    }
    return is_prepared ? 0 : -1;
}

/* Signals that a fault of this thread raises cannot be blocked. */
static void
hold_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t held;
    sigfillset(&held);
    for (size_t at = 0; at < sizeof(faults) / sizeof(*faults); at++) {
        sigdelset(&held, faults[at]);
    }
    pthread_sigmask(SIG_BLOCK, &held, before);
}

static int
is_ours(Engine *engine, PyObject *frame)
{
    PyObject *builtins = frame == NULL ? NULL : get_attribute(frame, "f_builtins");
    Py_XDECREF(builtins);
    return builtins == engine->builtins;
}

/* Removes codetracer's frames from the beginning of an exception's traceback. */
static void
forget_frames(Engine *engine, PyObject *exception)
{
    PyObject *entry = PyException_GetTraceback(exception);
    while (entry != NULL && entry != Py_None) {
        PyObject *frame = get_attribute(entry, "tb_frame");
        int ours = is_ours(engine, frame);
        Py_XDECREF(frame);
        if (!ours) {
            break;
        }
        PyObject *next = get_attribute(entry, "tb_next");
        Py_DECREF(entry);
        entry = next;
    }
    PyException_SetTraceback(exception, entry == NULL ? Py_None : entry);
    Py_XDECREF(entry);
}

static int
raise_here(void *exception)
{
    PyErr_SetRaisedException((PyObject *)exception);
    return -1;
}

void
raise_later(Engine *engine, PyObject *exception)
{
    forget_frames(engine, exception);
    PyErr_Clear();
    if (is_main_thread() && Py_AddPendingCall(raise_here, exception) == 0) {
        return;
    }
    /* CPython handles signals in the main thread only, so another thread set this exception type
       here. */
    PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), (PyObject *)Py_TYPE(exception));
    Py_DECREF(exception);
}

/* Returns whether the program raised an exception, for example in a signal handler. Its traceback then
   does not begin with a frame of codetracer. An exception from C code has no traceback; C code raises
   only subclasses of Exception, so any other one without a traceback is the program's. */
static int
is_the_programs(Engine *engine, PyObject *exception)
{
    PyObject *entry = PyException_GetTraceback(exception);
    if (entry == NULL) {
        return !PyErr_GivenExceptionMatches(exception, PyExc_Exception);
    }
    PyObject *frame = get_attribute(entry, "tb_frame");
    int ours = is_ours(engine, frame);
    Py_XDECREF(frame);
    Py_DECREF(entry);
    PyErr_Clear();
    return !ours;
}

int
pass_on(Engine *engine)
{
    PyObject *exception = PyErr_GetRaisedException();
    if (is_the_programs(engine, exception)) {
        raise_later(engine, exception);
        return 1;
    }
    PyErr_SetRaisedException(exception);
    return 0;
}

void
drop_error(Engine *engine, PyObject *expected)
{
    PyObject *exception = PyErr_GetRaisedException();
    if (exception == NULL) {
        return;
    }
    if ((PyObject *)Py_TYPE(exception) != expected || is_the_programs(engine, exception)) {
        raise_later(engine, exception);
    }
    else {
        Py_DECREF(exception);
    }
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
call_again(Engine *engine, PyObject *callable, PyObject *const *args, size_t count)
{
    PyObject *errors[TURNS];
    int turns = 0;
    PyObject *told;
    while ((told = PyObject_Vectorcall(callable, args, count, NULL)) == NULL && turns < TURNS) {
        errors[turns++] = PyErr_GetRaisedException();
    }
    PyObject *last = told == NULL ? PyErr_GetRaisedException() : NULL;
    for (int turn = 0; turn < turns; turn++) {
        /* An exception that comes every time is codetracer's own. */
        if (last != NULL && Py_TYPE(last) == Py_TYPE(errors[turn])) {
            Py_DECREF(errors[turn]);
        }
        else {
            raise_later(engine, errors[turn]);
        }
    }
    if (last != NULL) {
        PyErr_SetRaisedException(last);
    }
    return told;
}

PyObject *
ask(Engine *engine, PyObject *callable, PyObject *const *args, size_t count)
{
    unsigned int forks = fork_count;
    sigset_t before;
    hold_signals(&before);
    PyObject *told = call_again(engine, callable, args, count);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (forks != fork_count) {
        /* This process is a child now, and the current event belongs to its parent. */
        Py_CLEAR(told);
        engine->let_go = 1;
    }
    return told;
}

PyObject *
ask_program(Engine *engine, PyObject *callable, PyObject *const *args, size_t count,
            PyObject **interrupt)
{
    unsigned int forks = fork_count;
    PyObject *told = PyObject_Vectorcall(callable, args, count, NULL);
    if (forks != fork_count) {
        engine->let_go = 1;
    }
    if (engine->let_go) {
        /* This process is a child now, or recording has ended. */
        Py_CLEAR(told);
    }
    if (told == NULL && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_MemoryError)
        && !PyErr_ExceptionMatches(PyExc_RecursionError)) {
        *interrupt = PyErr_GetRaisedException();
        if (engine->let_go) {
            raise_later(engine, *interrupt);
            *interrupt = NULL;
        }
    }
    return told;
}

PyObject *
ask_method(Engine *engine, PyObject *object, const char *name, PyObject *const *args, size_t count)
{
    PyObject *method = get_attribute(object, name);
    if (method == NULL) {
        return NULL;
    }
    PyObject *told = ask(engine, method, args, count);
    Py_DECREF(method);
    return told;
}
