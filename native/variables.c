#include "variables.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "ask.h"
#include "constants.h"
#include "frameobjects.h"
#include "frames.h"
#include "internals.h"
#include "names.h"
#include "objects.h"
#include "plans.h"
#include "secrets.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "values.h"

#define IS_FUNCTION 1 /* CO_OPTIMIZED, as in bytecode.py */

typedef PyObject *(*GetVar)(PyFrameObject *, PyObject *);

static GetVar get_var;

Py_ssize_t
namespace_slot(Namespace *namespace, PyObject *name)
{
    PyObject *known = PyDict_GetItemWithError(namespace->names, name);
    if (known != NULL) {
        return PyLong_AsSsize_t(known);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    if (namespace->used == namespace->size) {
        Py_ssize_t size = namespace->size ? namespace->size * 2 : 16;
        uint64_t *written = PyMem_Realloc(namespace->written, (size_t)size * sizeof(uint64_t));
        if (written == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        namespace->written = written;
        namespace->size = size;
    }
    PyObject *slot = PyLong_FromSsize_t(namespace->used);
    if (slot == NULL || PyDict_SetItem(namespace->names, name, slot) < 0) {
        Py_XDECREF(slot);
        return -1;
    }
    Py_DECREF(slot);
    namespace->written[namespace->used] = 0;
    return namespace->used++;
}

/* The namespaces of a frame, fetched at most once per event. */
typedef struct {
    PyObject *globals;
    PyObject *locals;
} Scopes;

static PyObject *
scope_get(PyObject **scope, PyObject *frame, PyObject *attribute, PyObject *name)
{
    if (*scope == NULL && (*scope = PyObject_GetAttr(frame, attribute)) == NULL) {
        return NULL;
    }
    if (!PyDict_Check(*scope)) {
        return NULL;
    }
    return Py_XNewRef(plain_get(*scope, name));
}

/* Returns a variable of the function that contains the class whose body runs in `frame`. */
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

/* Returns a new reference to a variable's value; NULL, without an exception, if it has none. */
static inline PyObject *
variable_value(Engine *engine, Plan *plan, PyObject *frame, Variable *variable, Scopes *scopes)
{
    PyObject *value;
    if (variable->is_global) {
        value = scope_get(&scopes->globals, frame, name_f_globals, variable->name);
    }
    else if (plan->in_slots) {
        value = get_var((PyFrameObject *)frame, variable->name);
    }
    else {
        value = scope_get(&scopes->locals, frame, name_f_locals, variable->name);
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

static int
variable_encode(Engine *engine, Plan *plan, PyObject *frame, Variable *variable, int reach,
                Scopes *scopes)
{
    Buffer *roots = &engine->roots;
    PyObject *value = variable_value(engine, plan, frame, variable, scopes);
    if (value == NULL) {
        return put_value_unbound(roots);
    }
    int outcome;
    if (variable->action != ALLOW) {
        outcome = put_value_redacted(roots);
    }
    else {
        int depth = reach == 0 || reach > engine->values.depth ? engine->values.depth : reach;
        outcome = values_encode(engine, roots, value, depth, 0);
    }
    Py_DECREF(value);
    return outcome;
}

/* Remembers the value of a secret variable before any other variable is encoded, because another one
   may have the same value. */
static int
learn_variable(Engine *engine, Plan *plan, PyObject *frame, Variable *variable, Scopes *scopes)
{
    PyObject *value = variable_value(engine, plan, frame, variable, scopes);
    if (value == NULL) {
        return 0;
    }
    int outcome = secrets_learn(engine, value, 0);
    Py_DECREF(value);
    return outcome;
}

int
encode_arguments(Engine *engine, Frame *state, PyObject *frame)
{
    Plan *plan = state->plan;
    Scopes scopes = {NULL, NULL};
    Buffer *roots = &engine->roots;
    roots->used = 0;
    int outcome = 0;
    for (Py_ssize_t at = 0; plan->secrets && outcome == 0 && at < plan->parameters; at++) {
        if (plan->parameter[at]->action == SECRET) {
            outcome = learn_variable(engine, plan, frame, plan->parameter[at], &scopes);
        }
    }
    for (Py_ssize_t at = 0; outcome == 0 && at < plan->parameters; at++) {
        Variable *variable = plan->parameter[at];
        size_t start = roots->used;
        if (variable->action == DROP) {
            outcome = put_value_dropped(roots);
        }
        else {
            outcome = variable_encode(engine, plan, frame, variable, 0, &scopes);
        }
        if (outcome == 0) {
            state->written[variable->number] =
                hash_bytes(roots->bytes + start, roots->used - start);
        }
    }
    Py_XDECREF(scopes.globals);
    Py_XDECREF(scopes.locals);
    return outcome < 0 || plan->parameters == 0 ? outcome : write_objects(engine, plan);
}

static inline uint64_t *
written_of(Engine *engine, Frame *state, Variable *variable)
{
    if (!variable->is_global) {
        return &state->written[variable->number];
    }
    Namespace *namespace = state->plan->namespace;
    Py_ssize_t slot = variable->slot;
    if (namespace->number != state->namespace) {
        namespace = engine->numbered[state->namespace];
        slot = namespace_slot(namespace, variable->name);
        PyErr_Clear();
    }
    return slot < 0 ? NULL : &namespace->written[slot];
}

static int
note_change(Engine *engine, Variable *variable, size_t start)
{
    if (engine->changed_used == engine->changed_size) {
        size_t size = engine->changed_size ? engine->changed_size * 2 : 32;
        Changed *changed = PyMem_Realloc(engine->changed, size * sizeof(Changed));
        if (changed == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        engine->changed = changed;
        engine->changed_size = size;
    }
    Changed *change = &engine->changed[engine->changed_used++];
    change->variable = variable;
    change->start = start;
    change->end = engine->roots.used;
    return 0;
}

static inline int
is_unbound(Engine *engine, size_t start)
{
    return engine->roots.used - start == 1 && engine->roots.bytes[start] == VALUE_UNBOUND;
}

/* Encodes the variables whose values differ from the last written ones. */
static int
look(Engine *engine, Frame *state, PyObject *frame, const Looks *looks)
{
    Scopes scopes = {NULL, NULL};
    Buffer *roots = &engine->roots;
    int outcome = 0;
    for (Py_ssize_t at = 0; state->plan->secrets && outcome == 0 && at < looks->count; at++) {
        Variable *variable = looks->looks[at].variable;
        if (variable->action == SECRET) {
            outcome = learn_variable(engine, state->plan, frame, variable, &scopes);
        }
    }
    for (Py_ssize_t at = 0; outcome == 0 && at < looks->count; at++) {
        Variable *variable = looks->looks[at].variable;
        size_t start = roots->used;
        outcome = variable_encode(engine, state->plan, frame, variable, looks->looks[at].reach,
                                  &scopes);
        if (outcome < 0) {
            break;
        }
        uint64_t *written = written_of(engine, state, variable);
        uint64_t before = written == NULL ? 0 : *written;
        uint64_t hash = hash_bytes(roots->bytes + start, roots->used - start);
        if (hash == before || (before == 0 && is_unbound(engine, start))) {
            roots->used = start;
        }
        else {
            outcome = note_change(engine, variable, start);
            if (outcome == 0 && looks->looks[at].reach > 0
                && looks->looks[at].reach < engine->values.depth) {
                /* Its contents may be new, too. */
                size_t end = roots->used;
                outcome = variable_encode(engine, state->plan, frame, variable, 0, &scopes);
                roots->used = end;
            }
        }
    }
    Py_XDECREF(scopes.globals);
    Py_XDECREF(scopes.locals);
    return outcome;
}

/* Appends the records of the variables that `look` has encoded. */
static int
write_changed(Engine *engine, Frame *state)
{
    Buffer *group = &engine->group;
    for (size_t at = 0; at < engine->changed_used; at++) {
        Changed *change = &engine->changed[at];
        Variable *variable = change->variable;
        unsigned char *bytes = engine->roots.bytes + change->start;
        size_t count = change->end - change->start;
        if (put_variable(group, variable->number, (Bytes){bytes, count}) < 0) {
            return -1;
        }
        uint64_t *written = written_of(engine, state, variable);
        if (written != NULL) {
            int gone = variable->is_global && count == 1 && bytes[0] == VALUE_UNBOUND;
            *written = gone ? 0 : hash_bytes(bytes, count);
        }
    }
    engine->changed_used = 0;
    return 0;
}

int
variables_settle(Engine *engine, Frame *state, PyObject *frame, PyObject *result, int action,
                 size_t *start)
{
    Plan *plan = state->plan;
    const Looks *looks = looks_of(plan, state->line);
    if (looks != NULL && look(engine, state, frame, looks) < 0) {
        return -1;
    }
    *start = engine->roots.used;
    if (result != NULL) {
        int outcome;
        if (action == ALLOW) {
            outcome = values_encode(engine, &engine->roots, result, engine->values.depth, 0);
        }
        else {
            outcome = action == SECRET ? secrets_learn(engine, result, 0) : 0;
            if (outcome == 0) {
                outcome = action == DROP ? put_value_dropped(&engine->roots)
                                         : put_value_redacted(&engine->roots);
            }
        }
        if (outcome < 0) {
            return -1;
        }
    }
    if (write_objects(engine, plan) < 0) {
        return -1;
    }
    return write_changed(engine, state);
}

int
write_all(Engine *engine, Frame *state, PyObject *frame)
{
    Plan *plan = state->plan;
    engine->roots.used = 0;
    if (look(engine, state, frame, &plan->everything) < 0 || write_objects(engine, plan) < 0) {
        return -1;
    }
    return write_changed(engine, state);
}

int
variables_prepare(void)
{
    get_var = (GetVar)find_function("PyFrame_GetVar");
    return get_var == NULL ? -1 : 0;
}
