/* The handlers: each puts the group of records of one event together and writes it; see events.py,
   which says why. */
#include "engine.h"

#include <errno.h>
#include <time.h>


#define LONGEST 2 /* seconds; as in events.py */

/* ---- what the handlers share */

int
turn_prepare(Turn *turn)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (!error) {
        error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = error ? error : pthread_cond_init(&turn->free, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    error = error ? error : pthread_mutex_init(&turn->mutex, NULL);
    if (error) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    turn->waiting = 0;
    return 0;
}

/* Waits until the engine is given back, or the deadline is over: 0 then. The mutex is taken before the
   GIL is given up, and whoever gives the engine back has the GIL: no signal is missed. */
static int
wait_for_turn(Turn *turn, const struct timespec *deadline)
{
    int error;
    turn->waiting++;
    pthread_mutex_lock(&turn->mutex);
    Py_BEGIN_ALLOW_THREADS
    error = pthread_cond_timedwait(&turn->free, &turn->mutex, deadline);
    pthread_mutex_unlock(&turn->mutex);
    Py_END_ALLOW_THREADS
    turn->waiting--;
    return error != ETIMEDOUT;
}

/* Lets one of those that wait for the engine go on. */
static void
end_turn(Turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    pthread_cond_signal(&turn->free);
    pthread_mutex_unlock(&turn->mutex);
}

/* Takes the engine for this thread; 0 if the event must be let go. */
int
take_engine(Engine *engine, uint64_t id)
{
    if (engine->forks != fork_count) {
        /* The log is the parent's until the child has one. */
        return 0;
    }
    struct timespec deadline = {0};
    while (engine->busy) {
        if (deadline.tv_sec == 0) {
            clock_gettime(CLOCK_MONOTONIC, &deadline);
            deadline.tv_sec += LONGEST;
        }
        /* In this very thread: in what Python code does that the engine called. */
        int in_time = engine->busy_thread != id && wait_for_turn(&engine->turn, &deadline);
        if (engine->busy && !in_time) {
            engine->missed++;
            return 0;
        }
    }
    engine->busy = 1;
    engine->busy_thread = id;
    engine->let_go = 0;
    engine->roots.used = 0;
    return 1;
}

/* Tells whether the program is not to hear why an event was not recorded: its memory or its stack is
   full, and what the engine has done by then holds, or the process is another one. */
static int
is_let_go(Engine *engine)
{
    if (engine->let_go || PyErr_Occurred() == NULL) {
        PyErr_Clear();
        return 1;
    }
    if (PyErr_ExceptionMatches(PyExc_MemoryError)
        || PyErr_ExceptionMatches(PyExc_RecursionError)) {
        PyErr_Clear();
        return 1;
    }
    return pass_on(engine);
}

static int
put_late_output(Engine *engine)
{
    Buffer *late = &engine->late;
    if (put_bytes(&engine->group, late->bytes, late->used) < 0) {
        return -1;
    }
    late->used = 0;
    return commit(engine);
}

/* Gives the engine back; 0, or -1 with an exception that is the handler's. */
int
give_engine(Engine *engine, Event *event, int outcome)
{
    engine->changed_used = 0;
    if (outcome < 0) {
        values_give_up(&engine->values);
    }
    if (outcome == 0 && engine->late.used) {
        outcome = put_late_output(engine);
    }
    if (outcome < 0 && is_let_go(engine)) {
        engine->missed++;
        outcome = 0;
    }
    engine->busy = 0;
    /* Nobody waits in a forked child, where the mutex may be held by a thread that is not there. */
    if (engine->turn.waiting > 0 && engine->forks == fork_count) {
        end_turn(&engine->turn);
    }
    frame_release(event->frame, event->made);
    event->frame = NULL;
    if (engine->restart != NULL) {
        engine_begin_child(engine);
    }
    return outcome;
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
    if (!engine->active && engine->activation != NULL) {
        /* It is over for good. */
        return SILENCE;
    }
    if (!engine->active && plan != NULL) {
        return NOTHING;
    }
    PyThreadState *thread = PyThreadState_Get();
    uint64_t id = PyThreadState_GetID(thread);
    event->frame = frame_of(thread, code, &event->made);
    if (event->frame == NULL) {
        return NOTHING;
    }
    if (!take_engine(engine, id)) {
        frame_release(event->frame, event->made);
        return NOTHING;
    }
    event->key = frame_key(event->frame);
    event->plan = plan_of(engine, code, event->frame);
    if (event->plan == NULL) {
        return give_engine(engine, event, -1) < 0 ? FAILED : NOTHING;
    }
    if (event->plan->skip) {
        return give_engine(engine, event, 0) < 0 ? FAILED : SILENCE;
    }
    if (!engine->active) {
        /* It has not begun; but what will never be recorded need not be met again. */
        return give_engine(engine, event, 0) < 0 ? FAILED : NOTHING;
    }
    event->thread = thread_of(engine, id);
    if (event->thread == NULL) {
        return give_engine(engine, event, -1) < 0 ? FAILED : NOTHING;
    }
    return RECORD;
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
    if (verdict == RECORD && give_engine(engine, &event, work(engine, &event, args)) < 0) {
        verdict = FAILED;
    }
    if (verdict == FAILED) {
        return NULL;
    }
    return Py_NewRef(verdict == SILENCE && outcomes == MAY_DISABLE ? disable : Py_None);
}

/* Finds the state of the frame in which something happens; it is the innermost then. */
static inline int
find_state(Engine *engine, Event *event)
{
    Thread *thread = event->thread;
    if (thread->used == 0
        || thread->stack[thread->used - 1]->frame != event->key) {
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
    if (values_write(engine, plan) < 0) {
        return -1;
    }
    return write_variables(engine, state);
}

/* ---- events in which a frame begins or goes on */

static int
begin_frame(Engine *engine, Event *event, PyObject *const *args)
{
    Plan *plan = event->plan;
    Thread *thread = event->thread;
    if (plan->starts && plan_start(engine, args[0]) < 0) {
        return -1;
    }
    if (runs_in_task(plan) && tell_task(engine, thread) < 0) {
        return -1;
    }
    if (is_top(thread, event->key, plan) && thread->stack[thread->used - 1]->line == 0) {
        return commit(engine);
    }
    /* A frame that was there before, and left unseen. */
    state_free(keyed_take(&engine->suspended, event->key));
    if (sync_below(engine, thread, event->frame) < 0) {
        return -1;
    }
    if (call_frame(engine, thread, event->frame, plan) < 0) {
        return -1;
    }
    return commit(engine);
}

/* Begins the recording if `code` is of the activation path; -1 on failure. */
static int
activate(Engine *engine, PyObject *code)
{
    PyObject *answer = ask_method(engine, engine->gate, "activates", &code, 1);
    if (answer == NULL) {
        return -1;
    }
    int activates = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    /* Another thread may have begun it meanwhile. */
    if (activates <= 0 || engine->activation != NULL) {
        return activates < 0 ? -1 : 0;
    }
    int made;
    PyObject *frame = frame_of(PyThreadState_Get(), code, &made);
    engine->activation = frame == NULL ? NULL : frame_key(frame);
    engine->active = frame != NULL;
    frame_release(frame, made);
    return 0;
}

/* Says that code which is not recorded starts a process. CPython is to tell of the next one, too. */
static PyObject *
tell_start(Engine *engine, PyObject *code)
{
    Event event = {0};
    if (take_engine(engine, PyThreadState_GetID(PyThreadState_Get()))) {
        int outcome = plan_start(engine, code) < 0 ? -1 : commit(engine);
        if (give_engine(engine, &event, outcome) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

PyObject *
on_py_start(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Engine *engine = (Engine *)self;
    if (!engine->active && engine->activation == NULL && count == 2
        && activate(engine, args[0]) < 0) {
        return is_let_go(engine) ? Py_NewRef(Py_None) : NULL;
    }
    PyObject *outcome = handle(self, args, count, 2, MAY_DISABLE, begin_frame);
    if (outcome != disable || !engine->active) {
        return outcome;
    }
    Plan *plan = table_get(&engine->code_plans, args[0]);
    if (plan == NULL || !plan->starts) {
        return outcome;
    }
    Py_DECREF(outcome);
    return tell_start(engine, args[0]);
}

static int
go_on(Engine *engine, Event *event, PyObject *const *Py_UNUSED(args))
{
    if (runs_in_task(event->plan) && tell_task(engine, event->thread) < 0) {
        return -1;
    }
    if (is_top(event->thread, event->key, event->plan)) {
        return commit(engine);
    }
    if (sync_below(engine, event->thread, event->frame) < 0
        || resume_frame(engine, event->thread, event->frame, event->plan) < 0) {
        return -1;
    }
    return commit(engine);
}

PyObject *
on_py_resume(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 2, MAY_DISABLE, go_on);
}

static int
throw_into(Engine *engine, Event *event, PyObject *const *args)
{
    Thread *thread = event->thread;
    if (runs_in_task(event->plan) && tell_task(engine, thread) < 0) {
        return -1;
    }
    int begun = has_begun(event->frame, event->plan);
    if (begun <= 0) {
        /* What is known by its key is of one that was there before, and ended unseen. */
        state_free(keyed_take(&engine->suspended, event->key));
    }
    if (begun < 0) {
        return -1;
    }
    /* Through a `yield from` that handled it, it may come to a frame that has been resumed. */
    int is_open = begun && stack_find(thread, event->frame, event->key) >= 0;
    if ((is_open ? sync_stack(engine, thread, event->frame, NULL)
                 : sync_below(engine, thread, event->frame))
        < 0) {
        return -1;
    }
    Frame *state = is_open ? thread->stack[thread->used - 1]
                           : keyed_get(&engine->suspended, event->key);
    if (state == NULL || state->plan != event->plan) {
        /* It has not been met before; the RAISE that follows says the rest. */
        if (enter_frame(engine, event->thread, event->frame, event->plan) < 0) {
            return -1;
        }
        return commit(engine);
    }
    engine->roots.used = 0;
    uint64_t since = elapsed(engine);
    Buffer *roots = &engine->roots;
    if (values_encode(engine, roots, args[2], engine->values.depth, 0) < 0
        || values_write(engine, event->plan) < 0 || stack_reserve(event->thread) < 0
        || buffer_reserve(&engine->group, roots->used + RECORD_ROOM) < 0) {
        return -1;
    }
    if (!is_open) {
        keyed_take(&engine->suspended, event->key);
        stack_push(thread, state);
    }
    put_throw(&engine->group, state->number, since, (Bytes){roots->bytes, roots->used});
    return commit(engine);
}

PyObject *
on_py_throw(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, throw_into);
}

/* ---- events within a frame */

static int
step(Engine *engine, Event *event, PyObject *const *args)
{
    long line = PyLong_AsLong(args[1]);
    size_t start;
    if (find_state(engine, event) < 0 || settle(engine, event, NULL, ALLOW, &start) < 0
        || pass_time(engine) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        return -1;
    }
    Frame *state = event->state;
    long delta = line - state->said;
    state->line = state->said = (int)line;
    event->thread->steps[event->thread->used - 1] = engine->steps++;
    put_step(&engine->group, delta);
    return commit(engine);
}

PyObject *
on_line(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 2, MAY_DISABLE, step);
}

/* Grows with each line and each call. */
static int64_t
moment(Engine *engine)
{
    return engine->steps + engine->next_frame;
}

Raised *
find_raised(Engine *engine, const void *exception)
{
    for (Raised *each = engine->raised; each < engine->raised + RAISED; each++) {
        if (each->exception == exception) {
            return each;
        }
    }
    return NULL;
}

/* Takes note of where an exception is raised. One that comes out of what was called is raised in the
   caller, too, before any other line runs: what is known of it stays. */
static void
note_raised(Engine *engine, const void *exception, int64_t step)
{
    Raised *known = find_raised(engine, exception);
    if (known == NULL) {
        known = &engine->raised[engine->next_raised++ % RAISED];
        known->unwound = -1;
    }
    if (known->unwound != moment(engine)) {
        *known = (Raised){exception, step, -1};
    }
    known->unwound = -1;
}

static int
exception_record(Engine *engine, Event *event, PyObject *exception, int (*put)(Buffer *, Bytes))
{
    Buffer *roots = &engine->roots;
    roots->used = 0;
    if (values_encode(engine, roots, exception, engine->values.depth, 0) < 0
        || values_write(engine, event->plan) < 0 || pass_time(engine) < 0
        || put(&engine->group, (Bytes){roots->bytes, roots->used}) < 0) {
        return -1;
    }
    return commit(engine);
}

static int
raised(Engine *engine, Event *event, PyObject *const *args)
{
    if (find_state(engine, event) < 0) {
        return -1;
    }
    note_raised(engine, args[2], event->thread->steps[event->thread->used - 1]);
    return exception_record(engine, event, args[2], put_raise);
}

static int
handled(Engine *engine, Event *event, PyObject *const *args)
{
    if (find_state(engine, event) < 0) {
        return -1;
    }
    return exception_record(engine, event, args[2], put_handled);
}

PyObject *
on_raise(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, raised);
}

PyObject *
on_exception_handled(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, handled);
}

/* ---- events in which a frame ends or is suspended */

typedef enum { RETURNS, YIELDS, UNWINDS } How;

/* A frame ends, or is suspended. */
static inline int
leave_frame(Engine *engine, Event *event, PyObject *result, How how)
{
    if (find_state(engine, event) < 0) {
        return -1;
    }
    if (how == UNWINDS) {
        Raised *known = find_raised(engine, result);
        if (known != NULL) {
            known->unwound = moment(engine);
        }
    }
    size_t start;
    int action = how == UNWINDS ? ALLOW : event->plan->return_action;
    if (settle(engine, event, result, action, &start) < 0) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    if (buffer_reserve(&engine->group, roots->used - start + RECORD_ROOM) < 0) {
        return -1;
    }
    Frame *state = event->state;
    if (how == YIELDS) {
        int failed;
        Frame *before = keyed_set(&engine->suspended, state, &failed);
        if (failed) {
            return -1;
        }
        state_free(before);
    }
    event->thread->used--;
    Bytes value = {roots->bytes + start, roots->used - start};
    switch (how) {
    case RETURNS:
        put_return(&engine->group, elapsed(engine), value);
        break;
    case YIELDS:
        put_yield(&engine->group, elapsed(engine), value);
        break;
    case UNWINDS:
        put_unwind(&engine->group, elapsed(engine), value);
        break;
    }
    if (engine->activation == state->frame) {
        /* What was to be recorded has been. */
        engine->active = 0;
    }
    if (how != YIELDS) {
        state_free(state);
    }
    return commit(engine);
}

static int
returned(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], RETURNS);
}

static int
yielded(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], YIELDS);
}

static int
unwound(Engine *engine, Event *event, PyObject *const *args)
{
    return leave_frame(engine, event, args[2], UNWINDS);
}

PyObject *
on_py_return(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, MAY_DISABLE, returned);
}

PyObject *
on_py_yield(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, MAY_DISABLE, yielded);
}

PyObject *
on_py_unwind(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, unwound);
}
