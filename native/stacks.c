/* Each thread's stack of recorded frames, and how it follows the frames that there really are; see
   stacks.py, which says why. */
#include "engine.h"


PyObject *
frame_further(PyObject *frame, PyObject *code, int *made)
{
    while (frame != NULL && !frame_runs(frame, code)) {
        int back_made;
        PyObject *back = frame_back(frame, &back_made);
        frame_release(frame, *made);
        frame = back;
        *made = back_made;
    }
    return frame;
}

void
state_free(Frame *state)
{
    if (state != NULL) {
        plan_release(state->plan);
        PyMem_Free(state);
    }
}

Frame *
state_new(Engine *engine, PyObject *frame, Plan *plan, const Namespace *namespace)
{
    Frame *state = PyMem_Calloc(1, sizeof(Frame) + (size_t)plan->locals * sizeof(uint64_t));
    if (state == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    plan->refs++;
    state->frame = frame_key(frame);
    state->plan = plan;
    state->namespace = namespace->number;
    state->number = engine->next_frame;
    state->said = plan->first_line;
    return state;
}

int
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
    thread->size = size;
    return 0;
}

void
stack_push(Thread *thread, Frame *state)
{
    thread->steps[thread->used] = -1;
    thread->stack[thread->used++] = state;
}

static Thread *
thread_new(Engine *engine, uint64_t id)
{
    unsigned long ident = PyThread_get_thread_ident();
    PyObject *number = PyLong_FromUnsignedLong(ident);
    PyObject *name = number == NULL ? NULL : ask(engine, engine->thread_name, &number, 1);
    PyObject *encoded = NULL;
    Py_XDECREF(number);
    if (name != NULL) {
        encoded = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
        Py_DECREF(name);
    }
    Thread *thread = encoded == NULL ? NULL : PyMem_Calloc(1, sizeof(Thread));
    char *text;
    Py_ssize_t length;
    if (encoded != NULL && thread == NULL) {
        PyErr_NoMemory();
    }
    if (thread == NULL
        || PyBytes_AsStringAndSize(encoded, &text, &length) < 0
        || buffer_reserve(&engine->group, (size_t)length + RECORD_ROOM) < 0) {
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
    put_thread(&engine->group, ident, (Bytes){text, (size_t)length});
    Py_DECREF(encoded);
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
    return thread;
}

int
call_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan)
{
    Namespace *namespace = namespace_of(engine, frame, plan);
    if (namespace == NULL) {
        return -1;
    }
    Frame *state = state_new(engine, frame, plan, namespace);
    if (state == NULL) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    roots->used = 0;
    if (encode_arguments(engine, state, frame) < 0 || stack_reserve(thread) < 0
        || buffer_reserve(&engine->group, roots->used + RECORD_ROOM) < 0) {
        state_free(state);
        return -1;
    }
    engine->next_frame++;
    stack_push(thread, state);
    Several arguments = {(uint64_t)plan->parameters, roots->bytes, roots->used};
    return put_call(&engine->group, plan->number, elapsed(engine), arguments);
}

int
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
    if (stack_reserve(thread) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        state_free(state);
        return -1;
    }
    engine->next_frame++;
    stack_push(thread, state);
    put_enter(&engine->group, plan->number, elapsed(engine), (uint64_t)state->line);
    engine->roots.used = 0;
    if (look(engine, state, frame, &plan->everything) < 0 || values_write(engine, plan) < 0) {
        return -1;
    }
    return write_variables(engine, state);
}

int
has_begun(PyObject *frame, Plan *plan)
{
    PyObject *offset = PyObject_GetAttr(frame, name_f_lasti);
    long number = offset == NULL ? -1 : PyLong_AsLong(offset);
    Py_XDECREF(offset);
    if (PyErr_Occurred()) {
        return -1;
    }
    return number > plan->beginning;
}

int
resume_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan)
{
    const void *key = frame_key(frame);
    Frame *state = keyed_get(&engine->suspended, key);
    if (state == NULL || state->plan != plan) {
        int begun = has_begun(frame, plan);
        if (begun < 0) {
            return -1;
        }
        return begun ? enter_frame(engine, thread, frame, plan)
                     : call_frame(engine, thread, frame, plan);
    }
    if (stack_reserve(thread) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        return -1;
    }
    keyed_take(&engine->suspended, key);
    stack_push(thread, state);
    return put_resume(&engine->group, state->number, elapsed(engine));
}

/* A frame has gone out of sight: a throw() has passed through it, or another greenlet runs, and it may
   go on; or it has ended. */
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

Py_ssize_t
stack_find(Thread *thread, PyObject *frame, const void *key)
{
    for (Py_ssize_t at = thread->used - 1; at >= 0; at--) {
        if (thread->stack[at]->frame == key) {
            return frame_runs(frame, thread->stack[at]->plan->code) ? at : -1;
        }
    }
    return -1;
}

int
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
            outcome = lose_frame(engine, thread->stack[--thread->used]);
        }
    }
    while (count > 0) {
        Missing *last = &missing[--count];
        if (outcome == 0) {
            outcome = resume_frame(engine, thread, last->frame, last->plan);
        }
        frame_release(last->frame, last->made);
        plan_release(last->plan);
    }
    PyMem_Free(missing);
    return outcome;
}

int
sync_below(Engine *engine, Thread *thread, PyObject *frame)
{
    const void *key = frame_back_key(frame);
    if (key != NULL && thread->used > 0 && thread->stack[thread->used - 1]->frame == key) {
        return 0;
    }
    int made;
    PyObject *back = frame_back(frame, &made);
    int outcome = 0;
    if (back == NULL || thread->used == 0
        || thread->stack[thread->used - 1]->frame != frame_key(back)) {
        outcome = sync_stack(engine, thread, back, frame_key(frame));
    }
    frame_release(back, made);
    return outcome;
}
