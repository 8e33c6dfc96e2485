#include "children.h"

#include <string.h>

#include "constants.h"

typedef int (*Hook)(const char *, PyObject *, void *);

static PyObject *listener;
static PyInterpreterState *home;
static void (*enter_tracing)(PyThreadState *);
static void (*leave_tracing)(PyThreadState *);

static int
is_told(const char *event)
{
    static const char *const told[] = {"os.exec", "os.posix_spawn", "os.system",
                                       "subprocess.Popen", "_posixsubprocess.fork_exec"};
    if (event[0] != 'o' && event[0] != 's' && event[0] != '_') {
        return 0;
    }
    for (size_t at = 0; at < sizeof(told) / sizeof(*told); at++) {
        if (strcmp(event, told[at]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int
on_audit(const char *event, PyObject *args, void *unused)
{
    if (listener == NULL || !is_told(event) || PyInterpreterState_Get() != home) {
        return 0;
    }
    PyThreadState *thread = PyThreadState_Get();
    PyObject *told = Py_NewRef(listener);
    enter_tracing(thread);
    PyObject *done = PyObject_CallFunction(told, "sO", event, args);
    leave_tracing(thread);
    Py_DECREF(told);
    if (done == NULL
        && (PyErr_ExceptionMatches(PyExc_RecursionError)
            || PyErr_ExceptionMatches(PyExc_MemoryError))) {
        /* The program has so little stack or memory left that the listener cannot begin. */
        PyErr_Clear();
        return 0;
    }
    Py_XDECREF(done);
    /* Any other exception is the program's, for example one of a signal handler. */
    return done == NULL ? -1 : 0;
}

PyObject *
watch_children(PyObject *module, PyObject *wanted)
{
    int first = home == NULL;
    if (first) {
        int (*add_hook)(Hook, void *) = find_function("PySys_AddAuditHook");
        enter_tracing = find_function("PyThreadState_EnterTracing");
        leave_tracing = find_function("PyThreadState_LeaveTracing");
        if (add_hook == NULL || enter_tracing == NULL || leave_tracing == NULL) {
            return NULL;
        }
        if (add_hook(on_audit, NULL) < 0) {
            return NULL;
        }
        home = PyInterpreterState_Get();
    }
    PyObject *before = listener;
    listener = wanted == Py_None ? NULL : Py_NewRef(wanted);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
