/* The guard around one handler. Every generated callback consists of one.
 *
 * Hand-written; the callbacks, one for each event, are generated: see
 * generated/codetracer_bindings/_native.c. Stable ABI only (Py_LIMITED_API 3.12), so that one
 * binary serves CPython 3.12 and every later one.
 */
#ifndef CODETRACER_GUARD_H
#define CODETRACER_GUARD_H

#include <Python.h>

#if !defined(Py_LIMITED_API) || Py_LIMITED_API + 0 != 0x030c0000
#error "build with -DPy_LIMITED_API=0x030c0000: one binary serves every version"
#endif

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *function;   /* the callable: a bound method's function, or any other handler */
    PyObject *self;       /* goes in front of the arguments; NULL for any other handler */
    PyObject *event;      /* the event's name */
    PyObject *on_error;   /* decides what an exception leads to; see callbacks.py */
    PyObject *on_outcome; /* receives the handler's result, unless that is None */
    Py_ssize_t running;   /* the number of running handlers, in all threads; the GIL guards it */
    int released;         /* nothing refers to the guard: the last handler frees it at its end */
} Guard;

/* Returns the definition of the module whose functions are `methods`, as PyInit_* has to return it: a
 * borrowed reference. */
PyObject *guard_module(PyMethodDef *methods);

/* Returns a new reference to a callback for `event`, from bind_*'s arguments (handler, on_error,
 * on_outcome); NULL with an exception. */
PyObject *guard_bind(PyObject *module, const char *event, vectorcallfunc callback,
                     PyObject *const *args, Py_ssize_t nargs);

/* Raises a TypeError that says that the callback takes `arity` positional arguments. Returns NULL. */
PyObject *guard_misused(Guard *guard, Py_ssize_t arity);

/* Handles a result other than None. Steals the reference to `outcome`. */
PyObject *guard_conclude(Guard *guard, PyObject *code, PyObject *outcome);

/* Frees the guard, and releases its references. */
void guard_free(Guard *guard);

/* Returns whether the callback received `arity` positional arguments, and nothing else. */
static inline int
guard_takes(Py_ssize_t arity, size_t nargsf, PyObject *kwnames)
{
    /* PyVectorcall_NARGS is a function call in the stable ABI. */
    return (nargsf & ~PY_VECTORCALL_ARGUMENTS_OFFSET) == (size_t)arity && kwnames == NULL;
}

/* Calls the handler. `stack` is {NULL, NULL, argument, ...}: the first place is scratch space for
 * the called function (PY_VECTORCALL_ARGUMENTS_OFFSET), the second one is for self. Returns a new reference, or
 * NULL with an exception.
 */
static inline PyObject *
guard_call(Guard *guard, PyObject **stack, Py_ssize_t arity)
{
    PyObject *outcome;
    /* The handler may uninstall itself, and CPython holds no reference to a callback that it calls. A
     * separate count costs less than Py_INCREF, which the stable ABI makes a function call. */
    guard->running++;
    if (guard->self != NULL) {
        stack[1] = guard->self;
        outcome = PyObject_Vectorcall(guard->function, stack + 1,
                                      (size_t)(arity + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    else {
        outcome = PyObject_Vectorcall(guard->function, stack + 2,
                                      (size_t)arity | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    if (outcome != Py_None) {
        outcome = guard_conclude(guard, stack[2], outcome);
    }
    if (--guard->running == 0 && guard->released) {
        guard_free(guard);
    }
    return outcome;
}

#endif
