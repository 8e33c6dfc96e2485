/* The recorder's handlers; see codetracer/runtime/events.py, which says why. Hand-written. */
#include "engine.h"

#include <dlfcn.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "_trace_format.h"

#define IS_FUNCTION 1   /* CO_OPTIMIZED, as in bytecode.py */
#define WAIT_STEP 50    /* microseconds */
#define WAIT_STEPS 40000 /* some two seconds */
#define FIRST_SUSPENDING_KIND 3 /* generators and coroutines, as plans.py has them */

typedef PyObject *(*GetVar)(PyFrameObject *, PyObject *);

static GetVar get_var;
static PyObject *disable;
static PyObject *name_f_back;
static PyObject *name_f_globals;
static PyObject *name_f_locals;
static PyObject *name_f_lineno;

/* One event, as far as it is understood. */
typedef struct {
    Plan *plan;
    PyObject *frame; /* owned */
    Thread *thread;
    Frame *state;
} Event;

/* ---- plans */

static void
plan_release(Plan *plan)
{
    if (plan == NULL || --plan->refs > 0) {
        return;
    }
    for (Py_ssize_t at = 0; at < plan->count; at++) {
        Py_XDECREF(plan->variables[at].name);
    }
    if (plan->lines != NULL) {
        for (int line = plan->first; line <= plan->last; line++) {
            PyMem_Free(plan->lines[line - plan->first].looks);
        }
    }
    PyMem_Free(plan->lines);
    PyMem_Free(plan->everything.looks);
    PyMem_Free(plan->variables);
    PyMem_Free(plan->parameter);
    Py_XDECREF(plan->alive);
    Py_XDECREF(plan->attributes);
    Py_XDECREF(plan->numbers);
    table_free(&plan->keys);
    PyMem_Free(plan);
}

static long
number_attribute(PyObject *object, const char *name)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    if (value == NULL) {
        return -1;
    }
    long number = PyObject_IsTrue(value) && !PyLong_Check(value) ? 1 : PyLong_AsLong(value);
    Py_DECREF(value);
    return number;
}

static int
fill_variable(Plan *plan, PyObject *told)
{
    long number = number_attribute(told, "number");
    if (number < 0 || number >= plan->count) {
        return PyErr_Occurred() ? -1 : 0;
    }
    Variable *variable = &plan->variables[number];
    variable->name = PyObject_GetAttrString(told, "name");
    variable->number = (uint32_t)number;
    variable->is_global = (int)number_attribute(told, "is_global");
    variable->is_around = (int)number_attribute(told, "is_around");
    variable->action = (int)number_attribute(told, "action");
    variable->slot = -1;
    return PyErr_Occurred() ? -1 : 0;
}

static int
fill_looks(Plan *plan, Looks *looks, PyObject *told)
{
    Py_ssize_t count = PyList_Size(told);
    looks->looks = PyMem_Calloc((size_t)count + 1, sizeof(Look));
    if (looks->looks == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    looks->count = count;
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *pair = PyList_GetItem(told, at);
        long number = number_attribute(PyTuple_GetItem(pair, 0), "number");
        looks->looks[at].variable = &plan->variables[number];
        looks->looks[at].reach = (int)PyLong_AsLong(PyTuple_GetItem(pair, 1));
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
fill_lines(Plan *plan, PyObject *lines)
{
    PyObject *line;
    PyObject *looks;
    Py_ssize_t position = 0;
    plan->first = INT_MAX;
    plan->last = 0;
    while (PyDict_Next(lines, &position, &line, &looks)) {
        int number = (int)PyLong_AsLong(line);
        plan->first = number < plan->first ? number : plan->first;
        plan->last = number > plan->last ? number : plan->last;
    }
    if (plan->first > plan->last) {
        plan->first = plan->last;
    }
    plan->lines = PyMem_Calloc((size_t)(plan->last - plan->first) + 1, sizeof(Looks));
    if (plan->lines == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    position = 0;
    while (PyDict_Next(lines, &position, &line, &looks)) {
        int number = (int)PyLong_AsLong(line);
        if (fill_looks(plan, &plan->lines[number - plan->first], looks) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
fill_plan(Plan *plan, PyObject *told)
{
    PyObject *variables = PyObject_GetAttrString(told, "variables");
    PyObject *parameters = PyObject_GetAttrString(told, "parameters");
    PyObject *everything = PyObject_GetAttrString(told, "everything");
    PyObject *lines = PyObject_GetAttrString(told, "lines");
    plan->attributes = PyObject_GetAttrString(told, "attributes");
    plan->numbers = PyDict_New();
    int failed = variables == NULL || parameters == NULL || everything == NULL || lines == NULL
                 || plan->attributes == NULL || plan->numbers == NULL;
    if (!failed) {
        plan->number = (uint32_t)number_attribute(told, "number");
        plan->kind = (int)number_attribute(told, "kind");
        plan->first_line = (int)number_attribute(told, "first_line");
        plan->locals = (Py_ssize_t)number_attribute(told, "locals");
        plan->in_slots = (int)number_attribute(told, "in_slots");
        plan->return_action = (int)number_attribute(told, "return_action");
        plan->count = PyList_Size(variables);
        plan->parameters = PyList_Size(parameters);
        plan->variables = PyMem_Calloc((size_t)plan->count + 1, sizeof(Variable));
        plan->parameter = PyMem_Calloc((size_t)plan->parameters + 1, sizeof(Variable *));
        failed = plan->variables == NULL || plan->parameter == NULL || PyErr_Occurred();
    }
    for (Py_ssize_t at = 0; !failed && at < plan->count; at++) {
        failed = fill_variable(plan, PyList_GetItem(variables, at)) < 0;
    }
    for (Py_ssize_t at = 0; !failed && at < plan->parameters; at++) {
        long number = number_attribute(PyList_GetItem(parameters, at), "number");
        failed = number < 0;
        plan->parameter[at] = failed ? NULL : &plan->variables[number];
    }
    failed = failed || fill_looks(plan, &plan->everything, everything) < 0
             || fill_lines(plan, lines) < 0;
    Py_XDECREF(variables);
    Py_XDECREF(parameters);
    Py_XDECREF(everything);
    Py_XDECREF(lines);
    if (failed && !PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    return failed ? -1 : 0;
}

/* Moves what Python put into definitions.out to the group. */
static int
take_definitions(Engine *engine)
{
    PyObject *out = PyObject_GetAttrString(engine->definitions, "out");
    if (out == NULL) {
        return -1;
    }
    Py_ssize_t count = PyList_Size(out);
    int failed = 0;
    for (Py_ssize_t at = 0; !failed && at < count; at++) {
        char *bytes;
        Py_ssize_t length;
        failed = PyBytes_AsStringAndSize(PyList_GetItem(out, at), &bytes, &length) < 0
                 || put_bytes(&engine->group, bytes, (size_t)length) < 0;
    }
    failed = failed || PyList_SetSlice(out, 0, count, NULL) < 0;
    Py_DECREF(out);
    return failed ? -1 : 0;
}

static Plan *
plan_new(Engine *engine, PyObject *code, PyObject *frame)
{
    PyObject *globals = PyObject_GetAttr(frame, name_f_globals);
    if (globals == NULL) {
        return NULL;
    }
    PyObject *module = PyDict_GetItemString(globals, "__name__");
    PyObject *told = PyObject_CallMethod(engine->plans, "make", "OO", code,
                                         module == NULL ? Py_None : module);
    Py_DECREF(globals);
    if (told == NULL) {
        return NULL;
    }
    Plan *plan = PyMem_Calloc(1, sizeof(Plan));
    if (plan == NULL) {
        Py_DECREF(told);
        PyErr_NoMemory();
        return NULL;
    }
    plan->refs = 1;
    plan->code = code;
    plan->skip = told == Py_None;
    PyObject *forget = PyObject_GetAttrString((PyObject *)engine, "_forget_code");
    plan->alive = forget == NULL ? NULL : PyWeakref_NewRef(code, forget);
    Py_XDECREF(forget);
    int failed = plan->alive == NULL || (!plan->skip && fill_plan(plan, told) < 0)
                 || take_definitions(engine) < 0;
    Py_DECREF(told);
    if (!failed) {
        plan_release(table_set(&engine->code_plans, code, plan, &failed));
    }
    if (failed) {
        plan_release(plan);
        return NULL;
    }
    return plan;
}

static inline Plan *
plan_of(Engine *engine, PyObject *code, PyObject *frame)
{
    Plan *plan = table_get(&engine->code_plans, code);
    return plan != NULL ? plan : plan_new(engine, code, frame);
}

/* ---- frames and threads */

static PyObject *
frame_back(PyObject *frame)
{
    PyObject *back = PyObject_GetAttr(frame, name_f_back);
    if (back == Py_None) {
        Py_DECREF(back);
        return NULL;
    }
    PyErr_Clear();
    return back;
}

static inline int
frame_runs(PyObject *frame, const void *code)
{
    PyCodeObject *running = PyFrame_GetCode((PyFrameObject *)frame);
    int same = (const void *)running == code;
    Py_DECREF(running);
    return same;
}

/* Returns the innermost frame that runs `code`, or NULL. */
static PyObject *
frame_of(PyThreadState *thread, PyObject *code)
{
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(thread);
    while (frame != NULL && !frame_runs(frame, code)) {
        PyObject *back = frame_back(frame);
        Py_DECREF(frame);
        frame = back;
    }
    return frame;
}

static void
state_free(Frame *state)
{
    if (state != NULL) {
        plan_release(state->plan);
        PyMem_Free(state->written);
        PyMem_Free(state);
    }
}

static Frame *
state_new(Engine *engine, PyObject *frame, Plan *plan, Namespace *namespace)
{
    Frame *state = PyMem_Calloc(1, sizeof(Frame));
    uint64_t *written = PyMem_Calloc((size_t)plan->locals + 1, sizeof(uint64_t));
    if (state == NULL || written == NULL) {
        PyMem_Free(state);
        PyMem_Free(written);
        PyErr_NoMemory();
        return NULL;
    }
    plan->refs++;
    state->frame = frame;
    state->plan = plan;
    state->namespace = namespace;
    state->number = engine->next_frame;
    state->said = plan->first_line;
    state->written = written;
    return state;
}

static int
stack_reserve(Thread *thread)
{
    if (thread->used < thread->size) {
        return 0;
    }
    Py_ssize_t size = thread->size ? thread->size * 2 : 32;
    Frame **stack = PyMem_Realloc(thread->stack, (size_t)size * sizeof(Frame *));
    if (stack == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    thread->stack = stack;
    thread->size = size;
    return 0;
}

static Thread *
thread_new(Engine *engine, uint64_t id)
{
    unsigned long ident = PyThread_get_thread_ident();
    PyObject *name = PyObject_CallFunction(engine->thread_name, "k", ident);
    PyObject *encoded = NULL;
    if (name != NULL) {
        encoded = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
        Py_DECREF(name);
    }
    Thread *thread = PyMem_Calloc(1, sizeof(Thread));
    char *text;
    Py_ssize_t length;
    if (encoded == NULL || thread == NULL
        || PyBytes_AsStringAndSize(encoded, &text, &length) < 0
        || buffer_reserve(&engine->group, (size_t)length + 32) < 0) {
        Py_XDECREF(encoded);
        PyMem_Free(thread);
        return NULL;
    }
    int failed;
    table_set(&engine->threads, (void *)(uintptr_t)(id + 2), thread, &failed);
    if (failed) {
        Py_DECREF(encoded);
        PyMem_Free(thread);
        return NULL;
    }
    thread->id = id;
    thread->number = engine->next_thread++;
    engine->current = thread;
    put_byte(&engine->group, RECORD_THREAD);
    put_uint(&engine->group, ident);
    put_text(&engine->group, text, (size_t)length);
    Py_DECREF(encoded);
    return thread;
}

/* Returns the running thread; says so in the group if another one was the last. */
static Thread *
thread_of(Engine *engine, uint64_t id)
{
    if (engine->current != NULL && engine->current->id == id) {
        return engine->current;
    }
    Thread *thread = table_get(&engine->threads, (void *)(uintptr_t)(id + 2));
    if (thread == NULL) {
        return thread_new(engine, id);
    }
    if (buffer_reserve(&engine->group, 16) < 0) {
        return NULL;
    }
    engine->current = thread;
    put_byte(&engine->group, RECORD_SWITCH);
    put_uint(&engine->group, thread->number);
    return thread;
}

static int64_t
elapsed(Engine *engine)
{
    int64_t now;
    if (engine->clock != NULL) {
        PyObject *told = PyObject_CallNoArgs(engine->clock);
        now = told == NULL ? engine->time : PyLong_AsLongLong(told);
        Py_XDECREF(told);
        PyErr_Clear();
    }
    else {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    }
    int64_t since = now - engine->time;
    engine->time = now;
    return since < 0 ? 0 : since;
}

/* ---- the log */

static int
borrow_window(Engine *engine)
{
    PyObject *lent = PyObject_CallMethod(engine->log, "lend", NULL);
    if (lent == NULL) {
        return -1;
    }
    engine->position = PyLong_AsSize_t(PyTuple_GetItem(lent, 1));
    engine->limit = PyLong_AsSize_t(PyTuple_GetItem(lent, 2));
    int failed = PyErr_Occurred() != NULL
                 || PyObject_GetBuffer(PyTuple_GetItem(lent, 0), &engine->window, PyBUF_WRITABLE)
                        < 0;
    Py_DECREF(lent);
    engine->holds_window = !failed;
    return failed ? -1 : 0;
}

static int
return_window(Engine *engine)
{
    if (!engine->holds_window) {
        return 0;
    }
    engine->holds_window = 0;
    PyBuffer_Release(&engine->window);
    PyObject *done = PyObject_CallMethod(engine->log, "take_back", "n",
                                         (Py_ssize_t)engine->position);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
make_room(Engine *engine, size_t needed)
{
    if (!engine->holds_window && borrow_window(engine) < 0) {
        return -1;
    }
    if (engine->limit - engine->position >= needed) {
        return 0;
    }
    if (return_window(engine) < 0) {
        return -1;
    }
    PyObject *done = PyObject_CallMethod(engine->log, "next_block", "n", (Py_ssize_t)needed);
    if (done == NULL) {
        return -1;
    }
    Py_DECREF(done);
    return borrow_window(engine);
}

/* Writes the group in one piece. */
static int
commit(Engine *engine)
{
    Buffer *group = &engine->group;
    size_t count = group->used;
    if (count == 0) {
        return 0;
    }
    if ((!engine->holds_window || engine->limit - engine->position < count)
        && make_room(engine, count) < 0) {
        return -1;
    }
    unsigned char *to = (unsigned char *)engine->window.buf + engine->position;
    memcpy(to + 1, group->bytes + 1, count - 1);
    /* The first byte last: as long as it is 0, the block ends before it. */
    __atomic_store_n(to, group->bytes[0], __ATOMIC_RELEASE);
    engine->position += count;
    group->used = 0;
    return 0;
}

/* ---- variables */

static Py_ssize_t
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

/* Tells whether all that was written of a namespace is still in the dict: 1, 0, or -1. */
static int
namespace_fits(Namespace *namespace, PyObject *globals)
{
    PyObject *name;
    PyObject *slot;
    Py_ssize_t position = 0;
    while (PyDict_Next(namespace->names, &position, &name, &slot)) {
        if (namespace->written[PyLong_AsSsize_t(slot)] == 0) {
            continue;
        }
        int there = PyDict_Contains(globals, name);
        if (there <= 0) {
            return there;
        }
    }
    return 1;
}

static Namespace *
namespace_new(Engine *engine, PyObject *globals)
{
    Namespace *namespace = PyMem_Calloc(1, sizeof(Namespace));
    if (namespace == NULL || (namespace->names = PyDict_New()) == NULL) {
        PyMem_Free(namespace);
        PyErr_NoMemory();
        return NULL;
    }
    int failed;
    /* One that it replaces may still be a frame's: it stays until the engine goes. */
    Namespace *before = table_set(&engine->namespaces, globals, namespace, &failed);
    if (!failed && before != NULL) {
        table_set(&engine->namespaces, before, before, &failed);
    }
    if (failed) {
        return NULL;
    }
    namespace->number = engine->next_namespace++;
    return namespace;
}

static Namespace *
namespace_of(Engine *engine, PyObject *frame, Plan *plan)
{
    PyObject *globals = PyObject_GetAttr(frame, name_f_globals);
    if (globals == NULL) {
        return NULL;
    }
    Namespace *namespace = table_get(&engine->namespaces, globals);
    int fits = namespace != NULL;
    if (fits && plan->kind == 0) {
        fits = namespace_fits(namespace, globals);
    }
    if (fits == 0) {
        namespace = namespace_new(engine, globals);
    }
    Py_DECREF(globals);
    if (fits < 0 || namespace == NULL) {
        return NULL;
    }
    if (plan->namespace != namespace) {
        for (Py_ssize_t at = 0; at < plan->count; at++) {
            Variable *variable = &plan->variables[at];
            variable->slot = -1;
            if (variable->is_global
                && (variable->slot = namespace_slot(namespace, variable->name)) < 0) {
                return NULL;
            }
        }
        if (buffer_reserve(&engine->group, 32) < 0) {
            return NULL;
        }
        plan->namespace = namespace;
        put_byte(&engine->group, RECORD_NAMESPACE);
        put_uint(&engine->group, plan->number);
        put_uint(&engine->group, namespace->number);
    }
    return namespace;
}

/* The frame's variables that are in namespaces, fetched at most once an event. */
typedef struct {
    PyObject *globals;
    PyObject *locals;
} Scopes;

static PyObject *
scope_get(PyObject **scope, PyObject *frame, PyObject *attribute, PyObject *name)
{
    if (*scope == NULL && (*scope = PyObject_GetAttr((PyObject *)frame, attribute)) == NULL) {
        return NULL;
    }
    if (!PyDict_Check(*scope)) {
        return NULL;
    }
    PyObject *value = PyDict_GetItemWithError(*scope, name);
    return value == NULL ? NULL : Py_NewRef(value);
}

/* Returns a variable of the function in which a class is made, whose body runs in `frame`. */
static PyObject *
variable_around(PyObject *frame, PyObject *name)
{
    PyObject *around = frame_back(frame);
    while (around != NULL) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)around);
        long flags = number_attribute((PyObject *)code, "co_flags");
        Py_DECREF(code);
        if (flags & IS_FUNCTION) {
            break;
        }
        PyObject *back = frame_back(around);
        Py_DECREF(around);
        around = back;
    }
    PyErr_Clear();
    PyObject *value = around == NULL ? NULL : get_var((PyFrameObject *)around, name);
    Py_XDECREF(around);
    return value;
}

/* Returns a new reference to a variable's value; NULL, without an exception, if it has none. */
static inline PyObject *
variable_value(Plan *plan, PyObject *frame, Variable *variable, Scopes *scopes)
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
            value = variable_around(frame, variable->name);
        }
    }
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

static int
encode_variable(Engine *engine, Plan *plan, PyObject *frame, Variable *variable, int reach,
                Scopes *scopes)
{
    Buffer *roots = &engine->roots;
    PyObject *value = variable_value(plan, frame, variable, scopes);
    if (value == NULL) {
        return put_byte(roots, VALUE_UNBOUND);
    }
    int outcome;
    if (variable->action == REDACT) {
        outcome = put_byte(roots, VALUE_REDACTED);
    }
    else {
        int depth = reach == 0 || reach > engine->values.depth ? engine->values.depth : reach;
        outcome = values_encode(engine, roots, value, depth, 0);
    }
    Py_DECREF(value);
    return outcome;
}

static inline uint64_t *
written_of(Frame *state, Variable *variable)
{
    if (!variable->is_global) {
        return &state->written[variable->number];
    }
    Namespace *namespace = state->namespace;
    Py_ssize_t slot = variable->slot;
    if (state->plan->namespace != namespace) {
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

/* Encodes the variables that have another value than was last written. */
static int
look(Engine *engine, Frame *state, PyObject *frame, const Looks *looks)
{
    Scopes scopes = {NULL, NULL};
    Buffer *roots = &engine->roots;
    int outcome = 0;
    for (Py_ssize_t at = 0; outcome == 0 && at < looks->count; at++) {
        Variable *variable = looks->looks[at].variable;
        size_t start = roots->used;
        outcome = encode_variable(engine, state->plan, frame, variable, looks->looks[at].reach,
                                  &scopes);
        if (outcome < 0) {
            break;
        }
        uint64_t *written = written_of(state, variable);
        uint64_t before = written == NULL ? 0 : *written;
        uint64_t hash = hash_bytes(roots->bytes + start, roots->used - start);
        if (hash == before || (before == 0 && is_unbound(engine, start))) {
            roots->used = start;
        }
        else {
            outcome = note_change(engine, variable, start);
            if (outcome == 0 && looks->looks[at].reach > 0
                && looks->looks[at].reach < engine->values.depth) {
                /* What is in it may be new as well. */
                size_t end = roots->used;
                outcome = encode_variable(engine, state->plan, frame, variable, 0, &scopes);
                roots->used = end;
            }
        }
    }
    Py_XDECREF(scopes.globals);
    Py_XDECREF(scopes.locals);
    return outcome;
}

static int
write_variables(Engine *engine, Frame *state)
{
    Buffer *group = &engine->group;
    for (size_t at = 0; at < engine->changed_used; at++) {
        Changed *change = &engine->changed[at];
        Variable *variable = change->variable;
        unsigned char *bytes = engine->roots.bytes + change->start;
        size_t count = change->end - change->start;
        if (buffer_reserve(group, count + 16) < 0) {
            return -1;
        }
        if (variable->number <= RECORD_VARIABLE_HIGHEST) {
            put_byte(group, RECORD_VARIABLE_SHORT + variable->number);
        }
        else {
            put_byte(group, RECORD_VARIABLE);
            put_uint(group, variable->number);
        }
        put_bytes(group, bytes, count);
        uint64_t *written = written_of(state, variable);
        if (written != NULL) {
            int gone = variable->is_global && count == 1 && bytes[0] == VALUE_UNBOUND;
            *written = gone ? 0 : hash_bytes(bytes, count);
        }
    }
    engine->changed_used = 0;
    return 0;
}

/* ---- frames that come and go */

static int
enter_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan)
{
    Namespace *namespace = namespace_of(engine, frame, plan);
    Frame *state = namespace == NULL ? NULL : state_new(engine, frame, plan, namespace);
    if (state == NULL) {
        return -1;
    }
    PyObject *line = PyObject_GetAttr(frame, name_f_lineno);
    long number = line == NULL || line == Py_None ? 0 : PyLong_AsLong(line);
    Py_XDECREF(line);
    PyErr_Clear();
    state->line = state->said = number > 0 ? (int)number : plan->first_line;
    if (stack_reserve(thread) < 0 || buffer_reserve(&engine->group, 40) < 0) {
        state_free(state);
        return -1;
    }
    int64_t since = elapsed(engine);
    engine->next_frame++;
    thread->stack[thread->used++] = state;
    put_byte(&engine->group, RECORD_ENTER);
    put_uint(&engine->group, plan->number);
    put_uint(&engine->group, (uint64_t)since);
    put_uint(&engine->group, (uint64_t)state->line);
    engine->roots.used = 0;
    if (look(engine, state, frame, &plan->everything) < 0 || values_write(engine, plan) < 0) {
        return -1;
    }
    return write_variables(engine, state);
}

static int
resume_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan)
{
    Frame *state = table_get(&engine->suspended, frame);
    if (state == NULL || state->plan != plan) {
        return enter_frame(engine, thread, frame, plan);
    }
    if (stack_reserve(thread) < 0 || buffer_reserve(&engine->group, 32) < 0) {
        return -1;
    }
    table_take(&engine->suspended, frame);
    thread->stack[thread->used++] = state;
    put_byte(&engine->group, RECORD_RESUME);
    put_uint(&engine->group, state->number);
    return put_uint(&engine->group, (uint64_t)elapsed(engine));
}

/* A frame has left unseen. */
static int
lose_frame(Engine *engine, Frame *state)
{
    if (state->plan->kind < FIRST_SUSPENDING_KIND) {
        state_free(state);
        return 0;
    }
    /* A throw() has passed through it, and it may go on. */
    int failed;
    state_free(table_set(&engine->suspended, state->frame, state, &failed));
    if (failed) {
        state_free(state);
    }
    return failed ? -1 : 0;
}

typedef struct {
    PyObject *frame;
    Plan *plan;
} Missing;

static Py_ssize_t
stack_find(Thread *thread, PyObject *frame, const void *beginning)
{
    if ((const void *)frame == beginning) {
        return -1;
    }
    for (Py_ssize_t at = thread->used - 1; at >= 0; at--) {
        if (thread->stack[at]->frame == (const void *)frame) {
            return frame_runs(frame, thread->stack[at]->plan->code) ? at : -1;
        }
    }
    return -1;
}

/* Makes the innermost recorded frame from `frame` outwards the top of the stack. */
static int
sync_stack(Engine *engine, Thread *thread, PyObject *frame, const void *beginning)
{
    Missing *missing = NULL;
    size_t count = 0;
    Py_ssize_t keep = 0;
    int outcome = 0;
    Py_XINCREF(frame);
    while (frame != NULL && outcome == 0) {
        Py_ssize_t place = stack_find(thread, frame, beginning);
        if (place >= 0) {
            keep = place + 1;
            break;
        }
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
        Plan *plan = plan_of(engine, (PyObject *)code, frame);
        Py_DECREF(code);
        if (plan == NULL) {
            outcome = -1;
            break;
        }
        PyObject *back = frame_back(frame);
        if (plan->skip) {
            Py_DECREF(frame);
        }
        else {
            Missing *more = PyMem_Realloc(missing, (count + 1) * sizeof(Missing));
            if (more == NULL) {
                PyErr_NoMemory();
                Py_XDECREF(back);
                outcome = -1;
                break;
            }
            missing = more;
            plan->refs++;
            missing[count].frame = frame;
            missing[count++].plan = plan;
        }
        frame = back;
    }
    Py_XDECREF(frame);
    while (outcome == 0 && thread->used > keep) {
        outcome = put_byte(&engine->group, RECORD_LOST);
        if (outcome == 0) {
            outcome = lose_frame(engine, thread->stack[--thread->used]);
        }
    }
    while (count > 0) {
        Missing *last = &missing[--count];
        if (outcome == 0) {
            outcome = resume_frame(engine, thread, last->frame, last->plan);
        }
        Py_DECREF(last->frame);
        plan_release(last->plan);
    }
    PyMem_Free(missing);
    return outcome;
}

static inline int
sync_below(Engine *engine, Thread *thread, PyObject *frame)
{
    PyObject *back = frame_back(frame);
    int outcome = 0;
    if (back == NULL || thread->used == 0
        || thread->stack[thread->used - 1]->frame != (const void *)back
        || (const void *)back == (const void *)frame) {
        outcome = sync_stack(engine, thread, back, frame);
    }
    Py_XDECREF(back);
    return outcome;
}

/* ---- events */

/* Takes the engine for this thread; 0 if the event must be let go. */
static int
take_engine(Engine *engine, uint64_t id)
{
    for (int step = 0; engine->busy; step++) {
        /* In this very thread: in what Python code does that the engine called. */
        if (engine->busy_thread == id || step == WAIT_STEPS) {
            return 0;
        }
        Py_BEGIN_ALLOW_THREADS
        usleep(WAIT_STEP);
        Py_END_ALLOW_THREADS
    }
    engine->busy = 1;
    engine->busy_thread = id;
    engine->roots.used = 0;
    return 1;
}

/* Gives the engine back, and returns what the handler returns. */
static PyObject *
give_engine(Engine *engine, Event *event, int outcome)
{
    engine->changed_used = 0;
    if (engine->values.queue_used) {
        values_drop_queue(&engine->values);
    }
    engine->busy = 0;
    Py_XDECREF(event->frame);
    return outcome < 0 ? NULL : Py_NewRef(Py_None);
}

typedef enum { FAILED, NOTHING, SILENCE, RECORD } Verdict;

/* Understands an event in code that may be recorded; the engine is taken when it is RECORD. */
static inline Verdict
understand(Engine *engine, PyObject *code, Event *event)
{
    Plan *plan = table_get(&engine->code_plans, code);
    if (plan != NULL && plan->skip) {
        return SILENCE;
    }
    if (!engine->active) {
        /* It has not begun, or it is over for good. */
        return engine->activation == NULL ? NOTHING : SILENCE;
    }
    PyThreadState *thread = PyThreadState_Get();
    uint64_t id = PyThreadState_GetID(thread);
    event->frame = frame_of(thread, code);
    if (event->frame == NULL) {
        return NOTHING;
    }
    if (!take_engine(engine, id)) {
        Py_DECREF(event->frame);
        return NOTHING;
    }
    event->plan = plan_of(engine, code, event->frame);
    if (event->plan == NULL) {
        give_engine(engine, event, -1);
        return FAILED;
    }
    if (event->plan->skip) {
        Py_DECREF(give_engine(engine, event, 0));
        return SILENCE;
    }
    event->thread = thread_of(engine, id);
    if (event->thread == NULL) {
        give_engine(engine, event, -1);
        return FAILED;
    }
    return RECORD;
}

static int
check_arguments(Py_ssize_t count, Py_ssize_t wanted)
{
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", wanted, count);
        return -1;
    }
    return 0;
}

/* Finds the state of the frame in which something happens; it is the innermost then. */
static inline int
find_state(Engine *engine, Event *event)
{
    Thread *thread = event->thread;
    if (thread->used == 0
        || thread->stack[thread->used - 1]->frame != (const void *)event->frame) {
        if (sync_stack(engine, thread, event->frame, NULL) < 0) {
            return -1;
        }
    }
    event->state = thread->stack[thread->used - 1];
    return 0;
}

/* Writes what the line that has run has changed; `result`, if there is one, is left in the roots
   from `start` on. */
static int
settle(Engine *engine, Event *event, PyObject *result, int action, size_t *start)
{
    Frame *state = event->state;
    Plan *plan = state->plan;
    if (plan->first <= state->line && state->line <= plan->last && plan->lines != NULL) {
        if (look(engine, state, event->frame, &plan->lines[state->line - plan->first]) < 0) {
            return -1;
        }
    }
    *start = engine->roots.used;
    if (result != NULL) {
        int outcome;
        if (action == ALLOW) {
            outcome = values_encode(engine, &engine->roots, result, engine->values.depth, 0);
        }
        else {
            unsigned int hidden = action == REDACT ? VALUE_REDACTED : VALUE_DROPPED;
            outcome = put_byte(&engine->roots, hidden);
        }
        if (outcome < 0) {
            return -1;
        }
    }
    if (values_write(engine, plan) < 0) {
        return -1;
    }
    return write_variables(engine, state);
}

/* What an event that is understood is recorded by; 0, or -1 with an exception. */
typedef int (*Work)(Engine *, Event *, PyObject *const *);

/* What CPython lets a handler return. Where it is not to be disabled, DISABLE is an error or has no
   effect, as the version has it. */
typedef enum { MAY_DISABLE, NEVER_DISABLES } Outcomes;

/* Every handler: `work` records the event, if it is to be recorded. */
static Py_ALWAYS_INLINE inline PyObject *
handle(PyObject *self, PyObject *const *args, Py_ssize_t count, Py_ssize_t wanted,
       Outcomes outcomes, Work work)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    if (check_arguments(count, wanted) < 0) {
        return NULL;
    }
    Verdict verdict = understand(engine, args[0], &event);
    if (verdict == RECORD) {
        return give_engine(engine, &event, work(engine, &event, args));
    }
    if (verdict == FAILED) {
        return NULL;
    }
    return Py_NewRef(verdict == SILENCE && outcomes == MAY_DISABLE ? disable : Py_None);
}

static int
begin_frame(Engine *engine, Event *event, PyObject *const *Py_UNUSED(args))
{
    Plan *plan = event->plan;
    Thread *thread = event->thread;
    if (sync_below(engine, thread, event->frame) < 0) {
        return -1;
    }
    Namespace *namespace = namespace_of(engine, event->frame, plan);
    if (namespace == NULL) {
        return -1;
    }
    Frame *state = state_new(engine, event->frame, plan, namespace);
    if (state == NULL) {
        return -1;
    }
    Scopes scopes = {NULL, NULL};
    Buffer *roots = &engine->roots;
    roots->used = 0;
    int outcome = 0;
    for (Py_ssize_t at = 0; outcome == 0 && at < plan->parameters; at++) {
        Variable *variable = plan->parameter[at];
        size_t start = roots->used;
        if (variable->action == DROP) {
            outcome = put_byte(roots, VALUE_DROPPED);
        }
        else {
            outcome = encode_variable(engine, plan, event->frame, variable, 0, &scopes);
        }
        if (outcome == 0) {
            state->written[variable->number] =
                hash_bytes(roots->bytes + start, roots->used - start);
        }
    }
    if (outcome < 0 || (plan->parameters && values_write(engine, plan) < 0)
        || stack_reserve(thread) < 0 || buffer_reserve(&engine->group, roots->used + 40) < 0) {
        state_free(state);
        return -1;
    }
    int64_t since = elapsed(engine);
    engine->next_frame++;
    thread->stack[thread->used++] = state;
    put_byte(&engine->group, RECORD_CALL);
    put_uint(&engine->group, plan->number);
    put_uint(&engine->group, (uint64_t)since);
    put_uint(&engine->group, (uint64_t)plan->parameters);
    put_bytes(&engine->group, roots->bytes, roots->used);
    return commit(engine);
}

/* Begins the recording if `code` is of the activation path; -1 on failure. */
static int
activate(Engine *engine, PyObject *code)
{
    PyObject *answer = PyObject_CallMethod(engine->gate, "activates", "O", code);
    if (answer == NULL) {
        return -1;
    }
    int activates = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    /* Another thread may have begun it meanwhile. */
    if (activates <= 0 || engine->activation != NULL) {
        return activates < 0 ? -1 : 0;
    }
    PyObject *frame = frame_of(PyThreadState_Get(), code);
    engine->activation = frame;
    engine->active = frame != NULL;
    Py_XDECREF(frame);
    return 0;
}

static PyObject *
on_py_start(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Engine *engine = (Engine *)self;
    if (!engine->active && engine->activation == NULL && count == 2
        && activate(engine, args[0]) < 0) {
        return NULL;
    }
    return handle(self, args, count, 2, MAY_DISABLE, begin_frame);
}

static int
go_on(Engine *engine, Event *event, PyObject *const *Py_UNUSED(args))
{
    if (sync_below(engine, event->thread, event->frame) < 0
        || resume_frame(engine, event->thread, event->frame, event->plan) < 0) {
        return -1;
    }
    return commit(engine);
}

static PyObject *
on_py_resume(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 2, MAY_DISABLE, go_on);
}

static int
throw_into(Engine *engine, Event *event, PyObject *const *args)
{
    Thread *thread = event->thread;
    /* Through a `yield from` that handled it, it may come to a frame that has been resumed. */
    int is_open = stack_find(thread, event->frame, NULL) >= 0;
    if ((is_open ? sync_stack(engine, thread, event->frame, NULL)
                 : sync_below(engine, thread, event->frame))
        < 0) {
        return -1;
    }
    Frame *state = is_open ? thread->stack[thread->used - 1]
                           : table_get(&engine->suspended, event->frame);
    if (state == NULL || state->plan != event->plan) {
        /* It has not been met before; the RAISE that follows says the rest. */
        if (enter_frame(engine, event->thread, event->frame, event->plan) < 0) {
            return -1;
        }
        return commit(engine);
    }
    engine->roots.used = 0;
    int64_t since = elapsed(engine);
    Buffer *roots = &engine->roots;
    if (values_encode(engine, roots, args[2], engine->values.depth, 0) < 0
        || values_write(engine, event->plan) < 0 || stack_reserve(event->thread) < 0
        || buffer_reserve(&engine->group, roots->used + 40) < 0) {
        return -1;
    }
    if (!is_open) {
        table_take(&engine->suspended, event->frame);
        thread->stack[thread->used++] = state;
    }
    put_byte(&engine->group, RECORD_THROW);
    put_uint(&engine->group, state->number);
    put_uint(&engine->group, (uint64_t)since);
    put_bytes(&engine->group, roots->bytes, roots->used);
    return commit(engine);
}

static PyObject *
on_py_throw(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, throw_into);
}

static int
step(Engine *engine, Event *event, PyObject *const *args)
{
    long line = PyLong_AsLong(args[1]);
    size_t start;
    if (find_state(engine, event) < 0 || settle(engine, event, NULL, ALLOW, &start) < 0
        || buffer_reserve(&engine->group, 16) < 0) {
        return -1;
    }
    Frame *state = event->state;
    long delta = line - state->said;
    state->line = state->said = (int)line;
    if (RECORD_STEP_LOWEST <= delta && delta <= RECORD_STEP_HIGHEST) {
        put_byte(&engine->group, (unsigned int)(RECORD_STEP_SHORT + delta - RECORD_STEP_LOWEST));
    }
    else {
        put_byte(&engine->group, RECORD_STEP);
        put_sint(&engine->group, delta);
    }
    return commit(engine);
}

static PyObject *
on_line(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 2, MAY_DISABLE, step);
}

static int
exception_record(Engine *engine, Event *event, PyObject *exception, unsigned int record)
{
    if (find_state(engine, event) < 0) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    roots->used = 0;
    if (values_encode(engine, roots, exception, engine->values.depth, 0) < 0
        || values_write(engine, event->plan) < 0
        || buffer_reserve(&engine->group, roots->used + 1) < 0) {
        return -1;
    }
    put_byte(&engine->group, record);
    put_bytes(&engine->group, roots->bytes, roots->used);
    return commit(engine);
}

static int
raised(Engine *engine, Event *event, PyObject *const *args)
{
    return exception_record(engine, event, args[2], RECORD_RAISE);
}

static int
handled(Engine *engine, Event *event, PyObject *const *args)
{
    return exception_record(engine, event, args[2], RECORD_HANDLED);
}

static PyObject *
on_raise(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, raised);
}

static PyObject *
on_exception_handled(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, handled);
}

/* A frame ends, or is suspended where `record` is RECORD_YIELD. */
static int
leave_frame(Engine *engine, Event *event, PyObject *result, unsigned int record)
{
    if (find_state(engine, event) < 0) {
        return -1;
    }
    size_t start;
    int action = record == RECORD_UNWIND ? ALLOW : event->plan->return_action;
    if (settle(engine, event, result, action, &start) < 0) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    if (buffer_reserve(&engine->group, roots->used - start + 16) < 0) {
        return -1;
    }
    Frame *state = event->state;
    if (record == RECORD_YIELD) {
        int failed;
        Frame *before = table_set(&engine->suspended, state->frame, state, &failed);
        if (failed) {
            return -1;
        }
        state_free(before);
    }
    event->thread->used--;
    put_byte(&engine->group, record);
    put_uint(&engine->group, (uint64_t)elapsed(engine));
    put_bytes(&engine->group, roots->bytes + start, roots->used - start);
    if (engine->activation == state->frame) {
        /* What was to be recorded has been. */
        engine->active = 0;
    }
    if (record != RECORD_YIELD) {
        state_free(state);
    }
    return commit(engine);
}

static int
returned(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], RECORD_RETURN);
}

static int
yielded(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], RECORD_YIELD);
}

static int
unwound(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], RECORD_UNWIND);
}

static PyObject *
on_py_return(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, MAY_DISABLE, returned);
}

static PyObject *
on_py_yield(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, MAY_DISABLE, yielded);
}

static PyObject *
on_py_unwind(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, unwound);
}

/* ---- what is no event of CPython's */

static int
put_output(Engine *engine, PyObject *const *args, PyObject *path, long line)
{
    char *data;
    Py_ssize_t length;
    Py_ssize_t path_length = 0;
    char *path_bytes = "";
    PyObject *encoded = NULL;
    if (path != NULL) {
        encoded = PyUnicode_AsEncodedString(path, "utf-8", "surrogatepass");
        if (encoded == NULL
            || PyBytes_AsStringAndSize(encoded, &path_bytes, &path_length) < 0) {
            Py_XDECREF(encoded);
            return -1;
        }
    }
    Buffer *group = &engine->group;
    int failed = PyBytes_AsStringAndSize(args[1], &data, &length) < 0
                 || buffer_reserve(group, (size_t)(length + path_length) + 64) < 0;
    if (!failed) {
        put_byte(group, RECORD_OUTPUT);
        put_uint(group, PyLong_AsUnsignedLong(args[0]));
        put_text(group, path_bytes, (size_t)path_length);
        put_uint(group, (uint64_t)line);
        put_text(group, data, (size_t)length);
        failed = commit(engine) < 0;
    }
    Py_XDECREF(encoded);
    return failed ? -1 : 0;
}

static PyObject *
engine_output(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    if (check_arguments(count, 3) < 0) {
        return NULL;
    }
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    PyObject *path = NULL;
    long line = 0;
    if (args[2] != Py_None) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)args[2]);
        path = PyObject_GetAttrString((PyObject *)code, "co_filename");
        Py_DECREF(code);
        PyObject *number = PyObject_GetAttr(args[2], name_f_lineno);
        line = number == NULL || number == Py_None ? 0 : PyLong_AsLong(number);
        Py_XDECREF(number);
        PyErr_Clear();
    }
    int outcome = 0;
    if (!take_engine(engine, id)) {
        Py_XDECREF(path);
        Py_RETURN_NONE;
    }
    if (path != NULL && thread_of(engine, id) == NULL) {
        outcome = -1;
    }
    if (outcome == 0) {
        outcome = put_output(engine, args, path, line);
    }
    Py_XDECREF(path);
    return give_engine(engine, &event, outcome);
}

static PyObject *
engine_exit(PyObject *self, PyObject *status)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    if (!take_engine(engine, PyThreadState_GetID(PyThreadState_Get()))) {
        Py_RETURN_NONE;
    }
    int outcome = buffer_reserve(&engine->group, 40);
    if (outcome == 0) {
        put_byte(&engine->group, RECORD_EXIT);
        put_uint(&engine->group, (uint64_t)elapsed(engine));
        put_uint(&engine->group, status != Py_None);
        put_sint(&engine->group, status == Py_None ? 0 : PyLong_AsLongLong(status));
        outcome = PyErr_Occurred() ? -1 : commit(engine);
    }
    return give_engine(engine, &event, outcome);
}

static PyObject *
engine_release(PyObject *self, PyObject *unused)
{
    if (return_window((Engine *)self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_end(PyObject *self, PyObject *unused)
{
    Engine *engine = (Engine *)self;
    engine->active = 0;
    /* No frame is that: it has been activated, and will not be again. */
    engine->activation = (void *)engine;
    Py_RETURN_NONE;
}

static PyObject *
engine_counts(PyObject *self, PyObject *unused)
{
    Engine *engine = (Engine *)self;
    return Py_BuildValue("{sIsI}", "threads", engine->next_thread, "calls", engine->next_frame);
}

static void
forget_everything(Engine *engine)
{
    for (size_t at = 0; at < engine->threads.size; at++) {
        Thread *thread = engine->threads.slots[at].value;
        if (thread != NULL) {
            while (thread->used > 0) {
                state_free(thread->stack[--thread->used]);
            }
            PyMem_Free(thread->stack);
            PyMem_Free(thread);
        }
    }
    for (size_t at = 0; at < engine->suspended.size; at++) {
        state_free(engine->suspended.slots[at].value);
    }
    for (size_t at = 0; at < engine->code_plans.size; at++) {
        plan_release(engine->code_plans.slots[at].value);
    }
    for (size_t at = 0; at < engine->namespaces.size; at++) {
        Namespace *namespace = engine->namespaces.slots[at].value;
        if (namespace != NULL) {
            Py_XDECREF(namespace->names);
            PyMem_Free(namespace->written);
            PyMem_Free(namespace);
        }
    }
    table_free(&engine->threads);
    table_free(&engine->suspended);
    table_free(&engine->code_plans);
    table_free(&engine->namespaces);
    engine->current = NULL;
    engine->next_thread = engine->next_frame = engine->next_namespace = 0;
    engine->group.used = 0;
    engine->changed_used = 0;
    engine->busy = 0;
    values_forget(&engine->values);
}

static PyObject *
engine_restart(PyObject *self, PyObject *log)
{
    Engine *engine = (Engine *)self;
    engine->holds_window = 0;
    forget_everything(engine);
    PyObject *before = engine->log;
    engine->log = Py_NewRef(log);
    Py_DECREF(before);
    Py_RETURN_NONE;
}

static PyObject *
engine_abandon(PyObject *self, PyObject *unused)
{
    /* The window is the parent's after a fork: nothing is written to it, it is let go of. */
    Engine *engine = (Engine *)self;
    if (engine->holds_window) {
        engine->holds_window = 0;
        PyBuffer_Release(&engine->window);
    }
    Py_RETURN_NONE;
}

static PyObject *
forget_code(PyObject *self, PyObject *alive)
{
    Engine *engine = (Engine *)self;
    for (size_t at = 0; at < engine->code_plans.size; at++) {
        Plan *plan = engine->code_plans.slots[at].value;
        if (plan != NULL && plan->alive == alive) {
            table_take(&engine->code_plans, engine->code_plans.slots[at].key);
            plan_release(plan);
            break;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
forget_type(PyObject *self, PyObject *alive)
{
    values_forget_type(&((Engine *)self)->values, alive);
    Py_RETURN_NONE;
}

static PyObject *
set_layouts(PyObject *self, PyObject *layout_of)
{
    Engine *engine = (Engine *)self;
    PyObject *before = engine->values.layout_of;
    engine->values.layout_of = Py_NewRef(layout_of);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

/* ---- the type */

static PyObject *
engine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"log",         "gate",  "plans",   "definitions", "thread_name",
                            "depth",       "items", "text",    "objects",     "active",
                            "clock",       NULL};
    PyObject *log, *gate, *plans, *definitions, *thread_name, *clock;
    int depth, items, text, objects, active;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOiiiipO", names, &log, &gate, &plans,
                                     &definitions, &thread_name, &depth, &items, &text, &objects,
                                     &active, &clock)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Engine *engine = (Engine *)allocate(type, 0);
    if (engine == NULL) {
        return NULL;
    }
    engine->log = Py_NewRef(log);
    engine->gate = Py_NewRef(gate);
    engine->plans = Py_NewRef(plans);
    engine->definitions = Py_NewRef(definitions);
    engine->thread_name = Py_NewRef(thread_name);
    engine->clock = clock == Py_None ? NULL : Py_NewRef(clock);
    engine->values.depth = depth;
    engine->values.items = items;
    engine->values.text = text;
    engine->values.objects = objects;
    engine->active = active;
    if (values_init(&engine->values) < 0) {
        Py_DECREF(engine);
        return NULL;
    }
    elapsed(engine);
    return (PyObject *)engine;
}

static int
engine_traverse(PyObject *self, visitproc visit, void *arg)
{
    Engine *engine = (Engine *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(engine->log);
    Py_VISIT(engine->gate);
    Py_VISIT(engine->plans);
    Py_VISIT(engine->definitions);
    Py_VISIT(engine->thread_name);
    Py_VISIT(engine->clock);
    Py_VISIT(engine->values.layout_of);
    return 0;
}

static int
engine_clear(PyObject *self)
{
    Engine *engine = (Engine *)self;
    Py_CLEAR(engine->log);
    Py_CLEAR(engine->gate);
    Py_CLEAR(engine->plans);
    Py_CLEAR(engine->definitions);
    Py_CLEAR(engine->thread_name);
    Py_CLEAR(engine->clock);
    Py_CLEAR(engine->values.layout_of);
    return 0;
}

static void
engine_dealloc(PyObject *self)
{
    Engine *engine = (Engine *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (engine->holds_window) {
        PyBuffer_Release(&engine->window);
    }
    forget_everything(engine);
    values_clear(&engine->values);
    engine_clear(self);
    buffer_free(&engine->group);
    buffer_free(&engine->roots);
    PyMem_Free(engine->changed);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

#define HANDLER(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef engine_methods[] = {
    HANDLER(on_py_start),
    HANDLER(on_py_resume),
    HANDLER(on_py_throw),
    HANDLER(on_line),
    HANDLER(on_raise),
    HANDLER(on_exception_handled),
    HANDLER(on_py_return),
    HANDLER(on_py_yield),
    HANDLER(on_py_unwind),
    {"output", (PyCFunction)(void (*)(void))engine_output, METH_FASTCALL, NULL},
    {"exit", engine_exit, METH_O, NULL},
    {"release", engine_release, METH_NOARGS, NULL},
    {"abandon", engine_abandon, METH_NOARGS, NULL},
    {"end", engine_end, METH_NOARGS, NULL},
    {"counts", engine_counts, METH_NOARGS, NULL},
    {"restart", engine_restart, METH_O, NULL},
    {"set_layouts", set_layouts, METH_O, NULL},
    {"_forget_code", forget_code, METH_O, NULL},
    {"_forget_type", forget_type, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_new, engine_new},
    {Py_tp_traverse, engine_traverse},
    {Py_tp_clear, engine_clear},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {0, NULL},
};

static PyType_Spec engine_spec = {
    .name = "codetracer_bindings._engine.Engine",
    .basicsize = sizeof(Engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = engine_slots,
};

void *
engine_find(const char *function)
{
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found == NULL) {
        PyErr_Format(PyExc_ImportError, "this CPython has no %s", function);
    }
    return found;
}

static int
engine_exec(PyObject *module)
{
    get_var = (GetVar)engine_find("PyFrame_GetVar");
    if (get_var == NULL || values_prepare() < 0) {
        return -1;
    }
    name_f_back = PyUnicode_InternFromString("f_back");
    name_f_globals = PyUnicode_InternFromString("f_globals");
    name_f_locals = PyUnicode_InternFromString("f_locals");
    name_f_lineno = PyUnicode_InternFromString("f_lineno");
    PyObject *monitoring = PySys_GetObject("monitoring");
    disable = monitoring == NULL ? NULL : PyObject_GetAttrString(monitoring, "DISABLE");
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    int failed = disable == NULL || type == NULL || name_f_lineno == NULL
                 || PyModule_AddObjectRef(module, "Engine", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, engine_exec},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "codetracer_bindings._engine",
    .m_doc = "The recorder's engine in C.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__engine(void)
{
    return PyModuleDef_Init(&module_definition);
}
