/* The guard's type, and the code that is not hot: making a guard, and handling a handler's failure. */

#include "guard.h"
#include "names.h"

#include <stddef.h>
#include <structmember.h>

typedef struct {
    PyTypeObject *guard_type;
} ModuleState;

/* Returns a new reference to None, or NULL with an exception. Does exactly the same as callbacks.py:
 *
 *     except RecursionError as error:
 *         return None if the handler did not begin, or on_error cannot begin, because the program
 *         has filled its stack
 *     except Exception as error:
 *         if on_error(event, error):
 *             raise
 *         return None
 */
static PyObject *
guard_failed(Guard *guard)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    PyObject *error = PyErr_GetRaisedException();
    PyObject *entry = PyException_GetTraceback(error);
    if (entry == NULL && PyErr_GivenExceptionMatches(error, PyExc_RecursionError)) {
        Py_DECREF(error);
        Py_RETURN_NONE;
    }
    Py_XDECREF(entry);
    /* As in an except clause, the exception is the one being handled: an exception that on_error
     * raises gets it as __context__, and sys.exception() returns it. */
    PyObject *outer = PyErr_GetHandledException();
    PyErr_SetHandledException(error);
    PyObject *answer =
        PyObject_CallFunctionObjArgs(guard->on_error, guard->event, error, NULL);
    PyErr_SetHandledException(outer);
    Py_XDECREF(outer);
    int is_the_programs = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_the_programs > 0) {
        PyErr_SetRaisedException(error);
        return NULL;
    }
    int is_recursion = PyErr_GivenExceptionMatches(error, PyExc_RecursionError);
    Py_DECREF(error);
    if (is_the_programs < 0 && is_recursion && PyErr_ExceptionMatches(PyExc_RecursionError)) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    if (is_the_programs < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
guard_conclude(Guard *guard, PyObject *code, PyObject *outcome)
{
    if (outcome == NULL) {
        return guard_failed(guard);
    }
    PyObject *seen =
        PyObject_CallFunctionObjArgs(guard->on_outcome, guard->event, code, outcome, NULL);
    Py_DECREF(outcome);
    return seen;
}

PyObject *
guard_misused(Guard *guard, Py_ssize_t arity)
{
    return PyErr_Format(PyExc_TypeError, "the callback of %U takes %zd positional arguments",
                        guard->event, arity);
}

/* Splits a bound method into function and self, so no event has to insert self into the arguments. */
static int
set_handler(Guard *guard, PyObject *handler)
{
    PyObject *types = PyImport_ImportModule("types");
    if (types == NULL) {
        return -1;
    }
    PyObject *method_type = get_attribute(types, "MethodType");
    Py_DECREF(types);
    if (method_type == NULL) {
        return -1;
    }
    int is_method = (PyObject *)Py_TYPE(handler) == method_type;
    Py_DECREF(method_type);
    if (!is_method) {
        guard->function = Py_NewRef(handler);
        return 0;
    }
    guard->function = get_attribute(handler, "__func__");
    guard->self = get_attribute(handler, "__self__");
    return guard->function == NULL || guard->self == NULL ? -1 : 0;
}

PyObject *
guard_bind(PyObject *module, const char *event, vectorcallfunc callback, PyObject *const *args,
           Py_ssize_t nargs)
{
    if (nargs != 3) {
        return PyErr_Format(PyExc_TypeError,
                            "takes handler, on_error and on_outcome, not %zd arguments", nargs);
    }
    ModuleState *state = PyModule_GetState(module);
    Guard *guard = PyObject_GC_New(Guard, state->guard_type);
    if (guard == NULL) {
        return NULL;
    }
    guard->vectorcall = callback;
    guard->function = NULL;
    guard->self = NULL;
    guard->event = PyUnicode_InternFromString(event);
    guard->on_error = Py_NewRef(args[1]);
    guard->on_outcome = Py_NewRef(args[2]);
    guard->running = 0;
    guard->released = 0;
    PyObject_GC_Track(guard);
    if (guard->event == NULL || set_handler(guard, args[0]) < 0) {
        Py_DECREF((PyObject *)guard);
        return NULL;
    }
    return (PyObject *)guard;
}

static int
guard_traverse(PyObject *self, visitproc visit, void *arg)
{
    Guard *guard = (Guard *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(guard->function);
    Py_VISIT(guard->self);
    Py_VISIT(guard->on_error);
    Py_VISIT(guard->on_outcome);
    return 0;
}

void
guard_free(Guard *guard)
{
    PyTypeObject *type = Py_TYPE((PyObject *)guard);
    Py_XDECREF(guard->function);
    Py_XDECREF(guard->self);
    Py_XDECREF(guard->event);
    Py_XDECREF(guard->on_error);
    Py_XDECREF(guard->on_outcome);
    PyObject_GC_Del(guard);
    Py_DECREF((PyObject *)type);
}

static void
guard_dealloc(PyObject *self)
{
    Guard *guard = (Guard *)self;
    PyObject_GC_UnTrack(self);
    if (guard->running > 0) {
        guard->released = 1;
        return;
    }
    guard_free(guard);
}

static PyObject *
guard_repr(PyObject *self)
{
    Guard *guard = (Guard *)self;
    return PyUnicode_FromFormat("<callback of %U for %R>", guard->event, guard->function);
}

static PyMemberDef guard_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Guard, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot guard_slots[] = {
    {Py_tp_doc, "A callback for sys.monitoring that guards the program from a handler."},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, guard_repr},
    {Py_tp_traverse, guard_traverse},
    {Py_tp_dealloc, guard_dealloc},
    {Py_tp_members, guard_members},
    {0, NULL},
};

/* No tp_clear: a guard never changes, so a cycle through it is broken elsewhere (its tracer). */
static PyType_Spec guard_spec = {
    .name = "codetracer_bindings._native.Callback",
    .basicsize = sizeof(Guard),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = guard_slots,
};

static int
module_exec(PyObject *module)
{
    ModuleState *state = PyModule_GetState(module);
    state->guard_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &guard_spec, NULL);
    return state->guard_type == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->guard_type);
    return 0;
}

static int
module_clear(PyObject *module)
{
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->guard_type);
    return 0;
}

static void
module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "The callbacks of `callbacks`, in C.",
    .m_size = sizeof(ModuleState),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyObject *
guard_module(PyMethodDef *methods)
{
    module_definition.m_methods = methods;
    return PyModuleDef_Init(&module_definition);
}
