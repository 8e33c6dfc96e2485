#include "scopes.h"

#include "ask.h"
#include "constants.h"
#include "frameobjects.h"
#include "internals.h"
#include "lines.h"
#include "names.h"
#include "state.h"

#define IS_FUNCTION 1 /* CO_OPTIMIZED */

typedef PyObject *(*GetVar)(PyFrameObject *, PyObject *);
typedef int (*GetOffset)(PyFrameObject *);

static GetVar get_var;
static GetOffset get_offset;

/* Returns the scope's frame, borrowed, or NULL. */
static inline PyObject *
frame_in(Scope *scope)
{
    if (scope->frame == NULL && scope->callee != NULL) {
        scope->frame = frame_back(scope->callee, &scope->made);
    }
    return scope->frame;
}

/* Returns a new reference to a variable; NULL if there is none, perhaps with an exception. The caller owns
   `*namespace`, which is got from the frame if it is NULL. */
static PyObject *
namespace_get(PyObject **namespace, PyObject *frame, PyObject *attribute, PyObject *name)
{
    if (*namespace == NULL && (*namespace = PyObject_GetAttr(frame, attribute)) == NULL) {
        return NULL;
    }
    if (!PyDict_Check(*namespace)) {
        return NULL;
    }
    return Py_XNewRef(plain_get(*namespace, name));
}

/* Returns a new reference to a variable of the function that contains the class whose body runs in `frame`;
   NULL if there is none, perhaps with an exception. */
static PyObject *
variable_around(Engine *engine, PyObject *frame, PyObject *name)
{
    int made;
    PyObject *around = frame_back(frame, &made);
    while (around != NULL) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)around);
        long flags = number_attribute((PyObject *)code, "co_flags");
        Py_DECREF(code);
        if (flags & IS_FUNCTION) {
            break;
        }
        int back_made;
        PyObject *back = frame_back(around, &back_made);
        frame_release(around, made);
        around = back;
        made = back_made;
    }
    drop_error(engine, PyExc_NameError);
    PyObject *value = around == NULL ? NULL : get_var((PyFrameObject *)around, name);
    frame_release(around, made);
    return value;
}

PyObject *
scope_value(Engine *engine, Scope *scope, const Variable *variable)
{
    PyObject *frame = frame_in(scope);
    PyObject *value = NULL;
    if (frame == NULL) {
        return NULL;
    }
    if (variable->is_global) {
        value = namespace_get(&scope->globals, frame, engine->state->name_f_globals, variable->name);
    }
    else if (scope->plan->in_slots) {
        value = get_var((PyFrameObject *)frame, variable->name);
    }
    else {
        value = namespace_get(&scope->locals, frame, engine->state->name_f_locals, variable->name);
        if (scope->locals != NULL && !PyDict_Check(scope->locals)) {
            /* From 3.13 on, an inlined comprehension has its variables in slots while it runs. */
            value = get_var((PyFrameObject *)frame, variable->name);
        }
        if (value == NULL && variable->is_around) {
            value = variable_around(engine, frame, variable->name);
        }
    }
    if (value == NULL) {
        /* PyFrame_GetVar formats a NameError, and repr() lets signal handlers run. */
        drop_error(engine, PyExc_NameError);
    }
    return value;
}

PyObject *
scope_builtin(Engine *engine, Scope *scope, PyObject *name)
{
    PyObject *frame = frame_in(scope);
    PyObject *found =
        frame == NULL
            ? NULL
            : namespace_get(&scope->builtins, frame, engine->state->name_f_builtins, name);
    if (found == NULL) {
        drop_error(engine, PyExc_NameError);
    }
    return found;
}

int
scope_offset(Scope *scope)
{
    PyObject *frame = frame_in(scope);
    return frame == NULL ? INT_MAX : get_offset((PyFrameObject *)frame);
}

void
scope_end(Scope *scope)
{
    if (scope->callee != NULL) {
        frame_release(scope->frame, scope->made);
        scope->frame = NULL;
    }
    Py_CLEAR(scope->globals);
    Py_CLEAR(scope->locals);
    Py_CLEAR(scope->builtins);
}

int
scopes_prepare(void)
{
    get_var = (GetVar)find_function("PyFrame_GetVar");
    get_offset = (GetOffset)find_function("PyFrame_GetLasti");
    return get_var == NULL || get_offset == NULL ? -1 : 0;
}
