/* The one way from the engine into Python code, and what may come back through it.
 *
 * The program's thread runs bytecode there, so a signal handler of the program may run in the midst,
 * raise what it likes, or fork. Signals wait meanwhile, as far as the system lets them: those of the
 * whole process may reach another thread, and have CPython run the handler here all the same. So
 * what is asked for leaves nothing half done, and can be asked for again at the next event.
 */
#include "engine.h"

#include <pthread.h>
#include <signal.h>

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
    if (!is_prepared) {
        is_prepared = pthread_atfork(NULL, NULL, count_fork) == 0;
    }
    if (!is_prepared) {
        PyErr_NoMemory();
    }
    return is_prepared ? 0 : -1;
}

/* Those that a fault of this very thread raises cannot wait. */
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

PyObject *
ask(Engine *engine, PyObject *callable, PyObject *const *args, size_t count)
{
    unsigned int forks = fork_count;
    sigset_t before;
    hold_signals(&before);
    PyObject *told = PyObject_Vectorcall(callable, args, count, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (forks != fork_count) {
        /* This is a child now: the event under way is its parent's. */
        Py_CLEAR(told);
        engine->let_go = 1;
    }
    return told;
}

PyObject *
ask_method(Engine *engine, PyObject *object, const char *name, PyObject *const *args, size_t count)
{
    PyObject *method = PyObject_GetAttrString(object, name);
    if (method == NULL) {
        return NULL;
    }
    PyObject *told = ask(engine, method, args, count);
    Py_DECREF(method);
    return told;
}

/* Returns the frame in which an exception began; NULL if it was not in Python code. */
static PyObject *
first_frame(PyObject *exception)
{
    PyObject *entry = PyException_GetTraceback(exception);
    while (entry != NULL) {
        PyObject *next = PyObject_GetAttrString(entry, "tb_next");
        if (next == NULL || next == Py_None) {
            PyObject *frame = PyObject_GetAttrString(entry, "tb_frame");
            Py_XDECREF(next);
            Py_DECREF(entry);
            return frame;
        }
        Py_DECREF(entry);
        entry = next;
    }
    return NULL;
}

int
began_here(Engine *engine)
{
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *frame = first_frame(exception);
    int ours = 1;
    if (frame != NULL) {
        PyObject *builtins = PyObject_GetAttrString(frame, "f_builtins");
        ours = builtins == engine->builtins;
        Py_XDECREF(builtins);
        Py_DECREF(frame);
    }
    PyErr_Clear();
    PyErr_SetRaisedException(exception);
    return ours;
}
