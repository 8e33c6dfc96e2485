#include "stacks.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "ask.h"
#include "frameobjects.h"
#include "frames.h"
#include "group.h"
#include "internals.h"
#include "lines.h"
#include "objects.h"
#include "plans.h"
#include "references.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "tasks.h"
#include "utf8.h"
#include "variables.h"

void
state_free(Frame *state)
{
    if (state != NULL) {
        plan_release(state->plan);
        PyMem_Free(state);
    }
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
    int64_t *steps = PyMem_Realloc(thread->steps, (size_t)size * sizeof(int64_t));
    if (steps == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    thread->steps = steps;
    uint32_t *matched = PyMem_Realloc(thread->matched, (size_t)size * sizeof(uint32_t));
    if (matched == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    thread->matched = matched;
    thread->size = size;
    return 0;
}

/* Pushes a frame. The caller has made room for it. */
static void
stack_push(Thread *thread, Frame *state)
{
    thread->steps[thread->used] = -1;
    thread->matched[thread->used] = 0;
    thread->stack[thread->used++] = state;
}

/* Makes a slot for each global variable of a plan, so that finding the slots cannot fail afterwards.
   Until all exist, the plan's variables keep their slots in the plan's present namespace. */
static int
namespace_names(Namespace *namespace, const Plan *plan)
{
    for (Py_ssize_t at = 0; at < plan->count; at++) {
        const Variable *variable = &plan->variables[at];
        if (variable->is_global && namespace_slot(namespace, variable->name) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Returns whether the dict still has all the variables of a namespace that have been written. */
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
        if (plain_get(globals, name) == NULL) {
            return 0;
        }
    }
    return 1;
}

static Namespace *
namespace_new(Engine *engine, PyObject *globals)
{
    Namespace *namespace = PyMem_Calloc(1, sizeof(Namespace));
    if (namespace == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    namespace->names = PyDict_New();
    if (namespace->names == NULL) {
        PyMem_Free(namespace);
        return NULL;
    }
    uint32_t count = engine->next_namespace;
    int failed = 0;
    if ((count & (count - 1)) == 0) {
        /* It is full, because its size is a power of 2. */
        size_t size = (count ? (size_t)count * 2 : 1) * sizeof(Namespace *);
        Namespace **numbered = PyMem_Realloc(engine->numbered, size);
        failed = numbered == NULL;
        engine->numbered = failed ? engine->numbered : numbered;
    }
    if (!failed) {
        table_set(&engine->namespaces, globals, namespace, &failed);
    }
    if (failed) {
        Py_DECREF(namespace->names);
        PyMem_Free(namespace);
        PyErr_NoMemory();
        return NULL;
    }
    namespace->number = count;
    engine->numbered[engine->next_namespace++] = namespace;
    return namespace;
}

static Namespace *
namespace_of(Engine *engine, PyObject *frame, Plan *plan)
{
    PyObject *globals = PyObject_GetAttr(frame, engine->state->name_f_globals);
    if (globals == NULL) {
        return NULL;
    }
    Namespace *namespace = table_get(&engine->namespaces, globals);
    int fits = namespace != NULL;
    if (fits && plan->kind == KIND_MODULE) {
        fits = namespace_fits(namespace, globals);
    }
    if (fits == 0) {
        namespace = namespace_new(engine, globals);
    }
    Py_DECREF(globals);
    if (namespace == NULL) {
        return NULL;
    }
    if (plan->namespace != namespace) {
        if (namespace_names(namespace, plan) < 0
            || put_namespace(&engine->group, plan->number, namespace->number) < 0) {
            return NULL;
        }
        for (Py_ssize_t at = 0; at < plan->count; at++) {
            Variable *variable = &plan->variables[at];
            variable->slot =
                variable->is_global ? namespace_slot(namespace, variable->name) : -1;
        }
        plan->namespace = namespace;
    }
    return namespace;
}

static Frame *
state_new(Engine *engine, PyObject *frame, Plan *plan)
{
    uint32_t number = 0;
    if (plan->detail == DETAIL_VALUES) {
        const Namespace *namespace = namespace_of(engine, frame, plan);
        if (namespace == NULL) {
            return NULL;
        }
        number = namespace->number;
    }
    Frame *state = PyMem_Calloc(1, sizeof(Frame) + (size_t)plan->locals * sizeof(uint64_t));
    if (state == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    plan->refs++;
    state->frame = frame_key(frame);
    state->plan = plan;
    state->namespace = number;
    state->number = engine->next_frame;
    state->at = NOT_BEGUN;
    state->since = (uint32_t)(engine->values.event >> COARSE);
    return state;
}

static Thread *
thread_new(Engine *engine, uint64_t id)
{
    unsigned long ident = PyThread_get_thread_ident();
    PyObject *number = PyLong_FromUnsignedLong(ident);
    PyObject *name = number == NULL ? NULL : ask(engine, engine->thread_name, &number, 1);
    Py_XDECREF(number);
    if (name == NULL) {
        return NULL;
    }
    Utf8 utf8 = {0};
    Thread *thread = PyMem_Calloc(1, sizeof(Thread));
    if (thread == NULL) {
        PyErr_NoMemory();
    }
    int failed = thread == NULL || utf8_take(&utf8, name) < 0
                 || buffer_reserve(&engine->group, utf8.bytes.size + RECORD_ROOM) < 0;
    if (!failed) {
        table_set(&engine->threads, (void *)(uintptr_t)(id + 2), thread, &failed);
    }
    if (failed) {
        PyMem_Free(thread);
        thread = NULL;
    }
    else {
        thread->id = id;
        thread->number = engine->next_thread++;
        engine->current = thread;
        values_doubt(&engine->values);
        put_thread(&engine->group, ident, utf8.bytes);
    }
    utf8_end(&utf8);
    Py_DECREF(name);
    return thread;
}

Thread *
thread_turn(Engine *engine, uint64_t id)
{
    Thread *thread = table_get(&engine->threads, (void *)(uintptr_t)(id + 2));
    if (thread == NULL) {
        return thread_new(engine, id);
    }
    if (put_switch(&engine->group, thread->number) < 0) {
        return NULL;
    }
    engine->current = thread;
    values_doubt(&engine->values);
    return thread;
}

/* Pushes a frame that begins. */
static int
call_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan, Frame *caller)
{
    Frame *state = state_new(engine, frame, plan);
    if (state == NULL) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    roots->used = 0;
    if (encode_arguments(engine, state, frame, caller) < 0 || stack_reserve(thread) < 0
        || buffer_reserve(&engine->group, roots->used + RECORD_ROOM) < 0) {
        state_free(state);
        return -1;
    }
    engine->next_frame++;
    stack_push(thread, state);
    uint64_t count = plan->detail == DETAIL_LINES ? 0 : (uint64_t)plan->parameters;
    Several arguments = {count, roots->bytes, roots->used};
    return put_call(&engine->group, plan->number, elapsed(engine), arguments);
}

/* Pushes a frame whose beginning was not recorded. */
static int
enter_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan)
{
    Frame *state = state_new(engine, frame, plan);
    if (state == NULL) {
        return -1;
    }
    PyObject *line = PyObject_GetAttr(frame, engine->state->name_f_lineno);
    long number = line == NULL || line == Py_None ? 0 : PyLong_AsLong(line);
    Py_XDECREF(line);
    PyErr_Clear();
    number = number > 0 ? number : plan->first_line;
    state->at = plan->detail == DETAIL_VALUES ? line_index(plan, line_of(plan, (int)number), 0)
                                              : PLAIN_LINE - (int32_t)number;
    if (stack_reserve(thread) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        state_free(state);
        return -1;
    }
    engine->next_frame++;
    stack_push(thread, state);
    put_enter(&engine->group, plan->number, elapsed(engine), (uint64_t)number);
    return write_all(engine, state, frame);
}

/* Returns whether the frame of a generator or coroutine has begun; -1 with an exception. */
static int
has_begun(const Engine *engine, PyObject *frame, Plan *plan)
{
    PyObject *offset = PyObject_GetAttr(frame, engine->state->name_f_lasti);
    long number = offset == NULL ? -1 : PyLong_AsLong(offset);
    Py_XDECREF(offset);
    if (PyErr_Occurred()) {
        return -1;
    }
    return number > plan->beginning;
}

/* Pushes a frame that is resumed. */
static int
resume_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan, Frame *caller)
{
    const void *key = frame_key(frame);
    Frame *state = keyed_get(&engine->suspended, key);
    if (state == NULL || state->plan != plan) {
        int begun = has_begun(engine, frame, plan);
        if (begun < 0) {
            return -1;
        }
        return begun ? enter_frame(engine, thread, frame, plan)
                     : call_frame(engine, thread, frame, plan, caller);
    }
    if (judge_resumption(engine, frame, caller) < 0 || stack_reserve(thread) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        return -1;
    }
    keyed_take(&engine->suspended, key);
    stack_push(thread, state);
    return put_resume(&engine->group, state->number, elapsed(engine));
}

/* Sets aside a frame that is no longer on CPython's stack. If a throw() has passed through it, or
   another greenlet runs, it may be resumed; or it has ended. */
static int
lose_frame(Engine *engine, Frame *state)
{
    int failed;
    state_free(keyed_set(&engine->suspended, state, &failed));
    if (failed) {
        state_free(state);
    }
    return failed ? -1 : 0;
}

typedef struct {
    PyObject *frame;
    int made;
    Plan *plan;
} Missing;

static Py_ssize_t
stack_find(Thread *thread, PyObject *frame, const void *key)
{
    for (Py_ssize_t at = thread->used - 1; at >= 0; at--) {
        if (thread->stack[at]->frame == key) {
            return frame_runs(frame, thread->stack[at]->plan->code) ? at : -1;
        }
    }
    return -1;
}

/* Returns the state of the frame that directly calls `frame`; NULL if that is not recorded. */
static Frame *
caller_of(Thread *thread, PyObject *frame)
{
    int made;
    PyObject *back = frame_back(frame, &made);
    const void *key = back == NULL ? NULL : frame_key(back);
    frame_release(back, made);
    return key != NULL && thread->used > 0 && thread->stack[thread->used - 1]->frame == key
               ? thread->stack[thread->used - 1]
               : NULL;
}

/* Makes the innermost recorded frame from `frame` outwards the top of the stack. A frame with the key
   `beginning` is not on the stack yet. */
static int
sync_stack(Engine *engine, Thread *thread, PyObject *frame, const void *beginning)
{
    Missing *missing = NULL;
    size_t count = 0;
    Py_ssize_t keep = 0;
    int outcome = 0;
    int made = 0;
    Py_XINCREF(frame);
    while (frame != NULL && outcome == 0) {
        const void *key = frame_key(frame);
        Py_ssize_t place = key == beginning ? -1 : stack_find(thread, frame, key);
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
        int back_made;
        PyObject *back = frame_back(frame, &back_made);
        if (plan->skip) {
            frame_release(frame, made);
        }
        else {
            Missing *more = PyMem_Realloc(missing, (count + 1) * sizeof(Missing));
            if (more == NULL) {
                PyErr_NoMemory();
                frame_release(back, back_made);
                outcome = -1;
                break;
            }
            missing = more;
            plan->refs++;
            missing[count].frame = frame;
            missing[count].made = made;
            missing[count++].plan = plan;
        }
        frame = back;
        made = back_made;
    }
    frame_release(frame, made);
    while (outcome == 0 && thread->used > keep) {
        outcome = put_lost(&engine->group);
        if (outcome == 0) {
            Frame *gone = thread->stack[--thread->used];
            if (!reports_changes(gone->plan)) {
                values_doubt(&engine->values);
            }
            outcome = lose_frame(engine, gone);
        }
    }
    while (count > 0) {
        Missing *last = &missing[--count];
        if (outcome == 0) {
            outcome = resume_frame(engine, thread, last->frame, last->plan,
                                   caller_of(thread, last->frame));
        }
        frame_release(last->frame, last->made);
        plan_release(last->plan);
    }
    PyMem_Free(missing);
    return outcome;
}

/* Does the same from the frame that called `frame`, which begins. Sets `caller` to the state of the frame
   that calls it directly; to NULL if that is not recorded. */
static int
sync_below(Engine *engine, Thread *thread, PyObject *frame, Frame **caller)
{
    const void *key = frame_back_key(frame);
    if (key != NULL && thread->used > 0 && thread->stack[thread->used - 1]->frame == key) {
        *caller = thread->stack[thread->used - 1];
        return 0;
    }
    int made;
    PyObject *back = frame_back(frame, &made);
    key = back == NULL ? NULL : frame_key(back);
    int outcome = 0;
    if (key == NULL || thread->used == 0 || thread->stack[thread->used - 1]->frame != key) {
        outcome = sync_stack(engine, thread, back, frame_key(frame));
    }
    *caller = outcome == 0 && key != NULL && thread->used > 0
                      && thread->stack[thread->used - 1]->frame == key
                  ? thread->stack[thread->used - 1]
                  : NULL;
    frame_release(back, made);
    return outcome;
}

/* Returns whether a frame is already on the stack at the event of its beginning or resumption. CPython
   may run a signal handler or finalizer right before that event, and its events put the frame there. */
static inline int
is_top(Thread *thread, const void *key, Plan *plan)
{
    if (thread->used == 0) {
        return 0;
    }
    Frame *top = thread->stack[thread->used - 1];
    return top->frame == key && top->plan == plan;
}

int
stack_sync(Engine *engine, Thread *thread, PyObject *frame)
{
    return sync_stack(engine, thread, frame, NULL);
}

/* Records the task in which the code is about to continue. */
static int
turn_task(Engine *engine, Thread *thread, const Plan *plan)
{
    return runs_in_task(plan) ? tell_task(engine, thread) : 0;
}

int
stack_begin(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan)
{
    if (turn_task(engine, thread, plan) < 0) {
        return -1;
    }
    if (!is_top(thread, key, plan) || thread->stack[thread->used - 1]->at != NOT_BEGUN) {
        /* An earlier frame with this key has ended without an event. */
        state_free(keyed_take(&engine->suspended, key));
        Frame *caller;
        if (sync_below(engine, thread, frame, &caller) < 0
            || call_frame(engine, thread, frame, plan, caller) < 0) {
            return -1;
        }
    }
    if (plan->detail == DETAIL_CALLS) {
        /* No line will say that it has begun. */
        thread->stack[thread->used - 1]->at = NO_LINE;
    }
    return 0;
}

int
stack_resume(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan)
{
    if (turn_task(engine, thread, plan) < 0) {
        return -1;
    }
    if (is_top(thread, key, plan)) {
        return 0;
    }
    Frame *caller;
    if (sync_below(engine, thread, frame, &caller) < 0) {
        return -1;
    }
    return resume_frame(engine, thread, frame, plan, caller);
}

int
stack_throw(Engine *engine, Thread *thread, PyObject *frame, const void *key, Plan *plan,
            PyObject *exception)
{
    if (turn_task(engine, thread, plan) < 0) {
        return -1;
    }
    int begun = has_begun(engine, frame, plan);
    if (begun <= 0) {
        /* The state with this key belongs to an earlier frame, which ended without an event. */
        state_free(keyed_take(&engine->suspended, key));
    }
    if (begun < 0) {
        return -1;
    }
    /* The exception may come through a `yield from` that handled it, to a frame that is already
       resumed. */
    int is_open = begun && stack_find(thread, frame, key) >= 0;
    Frame *caller;
    if ((is_open ? sync_stack(engine, thread, frame, NULL)
                 : sync_below(engine, thread, frame, &caller))
        < 0) {
        return -1;
    }
    Frame *state = is_open ? thread->stack[thread->used - 1] : keyed_get(&engine->suspended, key);
    if (state == NULL || state->plan != plan) {
        /* The frame is new to the recording; the RAISE that follows records the exception. */
        return enter_frame(engine, thread, frame, plan);
    }
    Buffer *roots = &engine->roots;
    roots->used = 0;
    uint64_t since = elapsed(engine);
    values_doubt(&engine->values);
    if (encode_exception(engine, plan, exception) < 0 || write_objects(engine, plan) < 0 || stack_reserve(thread) < 0
        || buffer_reserve(&engine->group, roots->used + RECORD_ROOM) < 0) {
        return -1;
    }
    if (!is_open) {
        keyed_take(&engine->suspended, key);
        stack_push(thread, state);
    }
    return put_throw(&engine->group, state->number, since, (Bytes){roots->bytes, roots->used});
}

int
stack_leave(Engine *engine, Thread *thread, int is_suspended)
{
    Frame *gone = thread->stack[thread->used - 1];
    if (is_suspended) {
        int failed;
        gone = keyed_set(&engine->suspended, gone, &failed);
        if (failed) {
            return -1;
        }
    }
    thread->used--;
    state_free(gone);
    return 0;
}
