#include "variables.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "changes.h"
#include "effects.h"
#include "frames.h"
#include "lines.h"
#include "objects.h"
#include "plans.h"
#include "references.h"
#include "scopes.h"
#include "secrets.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "values.h"

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
        uint64_t *looked = PyMem_Realloc(namespace->looked, (size_t)size * sizeof(uint64_t));
        if (looked == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        namespace->looked = looked;
        namespace->size = size;
    }
    PyObject *slot = PyLong_FromSsize_t(namespace->used);
    if (slot == NULL || PyDict_SetItem(namespace->names, name, slot) < 0) {
        Py_XDECREF(slot);
        return -1;
    }
    Py_DECREF(slot);
    namespace->written[namespace->used] = namespace->looked[namespace->used] = 0;
    return namespace->used++;
}

static int
variable_encode(Engine *engine, Scope *scope, const Variable *variable, int reach)
{
    Buffer *roots = &engine->roots;
    PyObject *value = scope_value(engine, scope, variable);
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

/* Returns how deep to look at a value that is passed to code or by it. */
static int
depth_of(const Engine *engine, const Plan *plan, PyObject *value)
{
    if (plan->detail == DETAIL_VALUES) {
        return engine->values.depth;
    }
    PyTypeObject *kind = Py_TYPE(value);
    int shows = kind == &PyList_Type || kind == &PyDict_Type || kind == &PySet_Type
                || kind == &PyFrozenSet_Type
                || PyType_GetFlags(kind) & Py_TPFLAGS_BASE_EXC_SUBCLASS;
    return shows ? CALL_DEPTH : 0;
}

/* Appends a value that is passed to code or by it to the roots. */
static int
passed_encode(Engine *engine, const Plan *plan, PyObject *value)
{
    int depth = depth_of(engine, plan, value);
    values_look_to(&engine->values, depth);
    return values_encode(engine, &engine->roots, value, depth, 0);
}

static int
argument_encode(Engine *engine, Scope *scope, const Variable *variable)
{
    if (variable->action == DROP) {
        return put_value_dropped(&engine->roots);
    }
    PyObject *value = scope_value(engine, scope, variable);
    if (value == NULL) {
        return put_value_unbound(&engine->roots);
    }
    int outcome = variable->action == ALLOW ? passed_encode(engine, scope->plan, value)
                                            : put_value_redacted(&engine->roots);
    Py_DECREF(value);
    return outcome;
}

/* Remembers the value of a secret variable before any other variable is encoded, because another one
   may have the same value. */
static int
learn_variable(Engine *engine, Scope *scope, const Variable *variable)
{
    PyObject *value = scope_value(engine, scope, variable);
    if (value == NULL) {
        return 0;
    }
    int outcome = secrets_learn(engine, value, 0);
    Py_DECREF(value);
    return outcome;
}

/* Notes that the innermost frame has called code that is not recorded, if that calls a frame that is. */
static void
note_unseen(Engine *engine, const Frame *caller)
{
    if (caller == NULL && engine->current->used > 0) {
        *matched_of(engine->current) |= UNSEEN;
    }
}

/* Finds out what may have changed in the caller's line before a call begins. */
static void
judge_call(Engine *engine, Scope *scope, Frame *caller, Judging *judging)
{
    Values *values = &engine->values;
    Line *line = caller == NULL ? NULL : line_at(caller);
    if (line == NULL) {
        values_doubt(values);
        note_unseen(engine, caller);
        return;
    }
    uint32_t *matched = matched_of(engine->current);
    judging->line = line;
    judging->matched = matched;
    if (changes_at_call(engine, matched, line, judging->scope, scope->plan, scope)) {
        values_doubt(values);
    }
    if (scope->plan->makes) {
        values->levels = ALL_LEVELS;
        return;
    }
    values->levels = ASKED;
    values->judging = judging;
}

/* Has a dict of keyword arguments looked at: the call has made it. */
static int
expect_new_dict(Engine *engine, Scope *scope, const Variable *variable)
{
    Values *values = &engine->values;
    if (values->levels != ASKED) {
        return 0;
    }
    PyObject *gathered = scope_value(engine, scope, variable);
    int levels = gathered == NULL || values->judging == NULL ? 0 : values->judge(engine, gathered);
    Py_XDECREF(gathered);
    if (levels < 0 || PyErr_Occurred()) {
        return -1;
    }
    values->levels = levels + 1;
    return 0;
}

/* Looks at the objects in engine->found. */
static int
look_at_found(Engine *engine, Judging *judging)
{
    const Line *line = judging->line;
    Values *values = &engine->values;
    Buffer *roots = &engine->roots;
    size_t end = roots->used;
    int before = values->levels;
    int outcome = 0;
    for (size_t at = 0; outcome == 0 && at < engine->found_used; at++) {
        const Found *found = &engine->found[at];
        values->levels =
            found->levels > 0 ? changes_levels_found(engine, judging, found->levels) : 1;
        values->checks_cut |= found->levels > 1;
        int depth = values->levels < values->depth ? values->levels : values->depth;
        outcome = values_encode(engine, roots, found->object, depth, 0);
        roots->used = end;
        if (found->grows && outcome == 0 && engine->found_used == 1 && !line->is_wide) {
            known_find(values, found->object)->grown = values->event;
        }
    }
    values->levels = before;
    return outcome;
}

int
encode_arguments(Engine *engine, Frame *state, PyObject *frame, Frame *caller)
{
    Plan *plan = state->plan;
    Scope scope = {.plan = plan, .frame = frame};
    Scope outer = {.plan = caller == NULL ? NULL : caller->plan, .callee = frame};
    Judging judging = {.scope = &outer};
    Buffer *roots = &engine->roots;
    roots->used = 0;
    if (plan->detail == DETAIL_LINES) {
        return 0;
    }
    judge_call(engine, &scope, caller, &judging);
    int outcome = PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t at = 0; plan->secrets && outcome == 0 && at < plan->parameters; at++) {
        if (plan->parameter[at]->action == SECRET) {
            outcome = learn_variable(engine, &scope, plan->parameter[at]);
        }
    }
    if (outcome == 0 && engine->found_used > 0) {
        outcome = look_at_found(engine, &judging);
    }
    for (Py_ssize_t at = 0; outcome == 0 && at < plan->parameters; at++) {
        Variable *variable = plan->parameter[at];
        size_t start = roots->used;
        if (plan->gathers && at == plan->parameters - 1) {
            outcome = expect_new_dict(engine, &scope, variable);
        }
        if (outcome < 0) {
            break;
        }
        outcome = argument_encode(engine, &scope, variable);
        if (outcome == 0 && plan->detail == DETAIL_VALUES) {
            state->written[variable->number] =
                hash_bytes(roots->bytes + start, roots->used - start);
        }
    }
    if (outcome == 0) {
        outcome = write_objects(engine, plan);
    }
    engine->values.judging = NULL;
    found_clear(engine);
    scope_end(&scope);
    scope_end(&outer);
    return outcome;
}

int
judge_resumption(Engine *engine, PyObject *frame, Frame *caller)
{
    Line *line = caller == NULL ? NULL : line_at(caller);
    if (line == NULL) {
        values_doubt(&engine->values);
        note_unseen(engine, caller);
        return 0;
    }
    Scope outer = {.plan = caller->plan, .callee = frame};
    if (changes_at_resume(engine, matched_of(engine->current), line, &outer)) {
        values_doubt(&engine->values);
    }
    int outcome = PyErr_Occurred() ? -1 : 0;
    if (outcome == 0 && engine->found_used > 0) {
        Judging judging = {matched_of(engine->current), line, &outer, 0};
        outcome = look_at_found(engine, &judging);
        if (outcome == 0) {
            outcome = write_objects(engine, caller->plan);
        }
    }
    found_clear(engine);
    scope_end(&outer);
    return outcome;
}

/* Returns the namespace and the slot of a global variable; the slot is -1 if memory was short. */
static inline Namespace *
namespace_in(Engine *engine, Frame *state, const Variable *variable, Py_ssize_t *slot)
{
    Namespace *namespace = state->plan->namespace;
    *slot = variable->slot;
    if (namespace->number != state->namespace) {
        namespace = engine->numbered[state->namespace];
        *slot = namespace_slot(namespace, variable->name);
        PyErr_Clear();
    }
    return namespace;
}

static inline uint64_t *
written_of(Engine *engine, Frame *state, const Variable *variable)
{
    if (!variable->is_global) {
        return &state->written[variable->number];
    }
    Py_ssize_t slot;
    Namespace *namespace = namespace_in(engine, state, variable, &slot);
    return slot < 0 ? NULL : &namespace->written[slot];
}

static inline uint64_t *
looked_of(Engine *engine, Frame *state, const Variable *variable)
{
    Py_ssize_t slot;
    Namespace *namespace = namespace_in(engine, state, variable, &slot);
    return slot < 0 ? NULL : &namespace->looked[slot];
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

/* Encodes a variable if its value differs from the last written one. */
static int
look_at(Engine *engine, Frame *state, Scope *scope, Look look)
{
    Buffer *roots = &engine->roots;
    Variable *variable = look.variable;
    size_t start = roots->used;
    if (variable->is_global) {
        uint64_t *looked = looked_of(engine, state, variable);
        if (looked != NULL) {
            *looked = engine->values.event;
        }
    }
    if (variable_encode(engine, scope, variable, look.reach) < 0) {
        return -1;
    }
    uint64_t *written = written_of(engine, state, variable);
    uint64_t before = written == NULL ? 0 : *written;
    uint64_t hash = hash_bytes(roots->bytes + start, roots->used - start);
    if (hash == before || (before == 0 && is_unbound(engine, start))) {
        roots->used = start;
        return 0;
    }
    if (note_change(engine, variable, start) < 0) {
        return -1;
    }
    if (look.reach > 0 && look.reach < engine->values.depth) {
        /* Its contents may be new, too. */
        size_t end = roots->used;
        int outcome = variable_encode(engine, scope, variable, 0);
        roots->used = end;
        return outcome;
    }
    return 0;
}

/* Encodes the variables whose values differ from the last written ones. If `stale`, looks only at the
   global ones that other code may have bound since they were looked at. */
static int
look(Engine *engine, Frame *state, Scope *scope, const Looks *looks, int stale)
{
    for (Py_ssize_t at = 0; state->plan->secrets && at < looks->count; at++) {
        const Variable *variable = looks->looks[at].variable;
        if (variable->action == SECRET && learn_variable(engine, scope, variable) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t at = 0; at < looks->count; at++) {
        if (stale) {
            const uint64_t *looked = looked_of(engine, state, looks->looks[at].variable);
            if (looked != NULL && !in_doubt(&engine->values, *looked)) {
                continue;
            }
        }
        if (look_at(engine, state, scope, looks->looks[at]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Looks at what a line may have changed, and leaves the values ready for its result. */
static int
look_after(Engine *engine, Frame *state, Line *line, Scope *scope, Judging *judging)
{
    Values *values = &engine->values;
    if (line == NULL || engine->is_behind) {
        engine->is_behind = 0;
        values_doubt(values);
        values->levels = 0;
        return look(engine, state, scope, &state->plan->everything, 0);
    }
    Effect effect = changes_after(engine, matched_of(engine->current), line, scope);
    if (PyErr_Occurred()) {
        found_clear(engine);
        return -1;
    }
    *judging = (Judging){matched_of(engine->current), line, scope, 0};
    values->judging = judging;
    values->levels = ASKED;
    if (effect == ON_ANYTHING) {
        values_doubt(values);
        line->looked = values->event;
        return look(engine, state, scope, &line->named, 0);
    }
    int outcome;
    if (effect == ON_ARGUMENTS) {
        values->levels = ALL_LEVELS;
        values->checks_cut = 1;
        outcome = look(engine, state, scope, &line->named, 0);
    }
    else if (in_doubt(values, (uint64_t)state->since << COARSE) && in_doubt(values, line->looked)) {
        line->looked = values->event;
        outcome = look(engine, state, scope, &line->named, 0);
    }
    else {
        outcome = look(engine, state, scope, &line->bound, 0);
        if (outcome == 0) {
            outcome = look(engine, state, scope, &line->globals, 1);
        }
    }
    if (outcome == 0) {
        outcome = look_at_found(engine, judging);
    }
    found_clear(engine);
    values->levels = ASKED;
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
encode_exception(Engine *engine, Plan *plan, PyObject *exception)
{
    engine->values.levels = ALL_LEVELS;
    return passed_encode(engine, plan, exception);
}

/* Encodes the result of a frame into the roots. */
static int
encode_result(Engine *engine, Plan *plan, PyObject *result, int action)
{
    if (action == SECRET && secrets_learn(engine, result, 0) < 0) {
        return -1;
    }
    if (plan->detail == DETAIL_LINES) {
        return put_value_left_out(&engine->roots);
    }
    if (action == ALLOW) {
        return passed_encode(engine, plan, result);
    }
    return action == DROP ? put_value_dropped(&engine->roots) : put_value_redacted(&engine->roots);
}

static int
encode_ending(Engine *engine, Plan *plan, Ending ending)
{
    return ending.is_exception ? encode_exception(engine, plan, ending.result)
                               : encode_result(engine, plan, ending.result, ending.action);
}

/* Does what variables_settle does for a frame whose variables are not recorded. */
static int
conclude(Engine *engine, Plan *plan, Ending ending, size_t *start)
{
    *start = engine->roots.used;
    if (ending.result == NULL) {
        return 0;
    }
    /* Its lines may have changed any object. */
    values_doubt(&engine->values);
    return encode_ending(engine, plan, ending) < 0 ? -1 : write_objects(engine, plan);
}

int
variables_settle(Engine *engine, Frame *state, PyObject *frame, Ending ending, size_t *start)
{
    Plan *plan = state->plan;
    if (plan->detail != DETAIL_VALUES) {
        return conclude(engine, plan, ending, start);
    }
    Scope scope = {.plan = plan, .frame = frame};
    Judging judging = {.line = NULL};
    int outcome = 0;
    Line *line = line_at(state);
    if (line != NULL || engine->is_behind) {
        outcome = look_after(engine, state, line, &scope, &judging);
    }
    *start = engine->roots.used;
    if (outcome == 0 && ending.result != NULL) {
        outcome = encode_ending(engine, plan, ending);
    }
    if (outcome == 0) {
        outcome = write_objects(engine, plan);
    }
    engine->values.judging = NULL;
    scope_end(&scope);
    return outcome < 0 ? -1 : write_changed(engine, state);
}

int
write_all(Engine *engine, Frame *state, PyObject *frame)
{
    Plan *plan = state->plan;
    Scope scope = {.plan = plan, .frame = frame};
    engine->roots.used = 0;
    values_doubt(&engine->values);
    int outcome = look(engine, state, &scope, &plan->everything, 0);
    if (outcome == 0) {
        outcome = write_objects(engine, plan);
    }
    scope_end(&scope);
    return outcome < 0 ? -1 : write_changed(engine, state);
}
