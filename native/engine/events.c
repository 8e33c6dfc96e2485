#include "events.h"

#include <time.h>

#include "_trace_format.h"
#include "_trace_records.h"
#include "ask.h"
#include "budget.h"
#include "calls.h"
#include "changes.h"
#include "constants.h"
#include "cost.h"
#include "frameobjects.h"
#include "frames.h"
#include "group.h"
#include "lines.h"
#include "log.h"
#include "names.h"
#include "objects.h"
#include "plans.h"
#include "restart.h"
#include "secrets.h"
#include "spans.h"
#include "stacks.h"
#include "state.h"
#include "tables.h"
#include "turn.h"
#include "utf8.h"
#include "values.h"
#include "variables.h"

#define LONGEST 2 /* seconds; as in events.py */

/* The facts that are known about the current event. */
typedef struct {
    Plan *plan;
    PyObject *frame; /* owned: for frame_release */
    int made;        /* whether the engine made its object, and has to remove it */
    const void *key; /* the key of the frame */
    Thread *thread;
    Frame *state;
    int is_silent; /* whether its location has no more events to record */
} Event;

/* ---- functions that the handlers share */

/* Returns the first frame that runs `code` from `frame` outwards, or NULL; steals `frame`. */
static PyObject *
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

/* Returns a new reference to the innermost frame that runs `code`, or NULL; release it with frame_release. */
static inline PyObject *
frame_of(PyThreadState *thread, PyObject *code, int *made)
{
    PyObject *frame = frame_innermost(thread, made);
    return frame == NULL || frame_runs(frame, code) ? frame : frame_further(frame, code, made);
}

static int
has_ended(const Engine *engine)
{
    /* No frame has this key. */
    return engine->activation == (const void *)engine;
}

/* Takes the engine for this thread. Returns 0 if the event must be given up. */
static int
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
        /* This thread has it: the event comes from Python code that the engine called. */
        int in_time = engine->busy_thread != id && turn_wait(&engine->turn, &deadline);
        if (engine->busy && !in_time) {
            engine->missed++;
            engine->is_behind = 1;
            return 0;
        }
    }
    if (has_ended(engine)) {
        return 0;
    }
    engine->busy = 1;
    engine->busy_thread = id;
    engine->let_go = 0;
    engine->roots.used = 0;
    return 1;
}

/* Returns whether to give up the event without an exception: the program's memory or stack is full (the
   engine keeps the work that it has done), or the process has been forked. */
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
    if (has_ended(engine)) {
        late->used = 0;
        return 0;
    }
    if (put_bytes(&engine->group, late->bytes, late->used) < 0) {
        return -1;
    }
    late->used = 0;
    return commit(engine);
}

/* Releases the engine. Returns 0, or -1 with an exception for the handler to raise. */
static int
give_engine(Engine *engine, Event *event, int outcome)
{
    engine->changed_used = 0;
    if (outcome < 0) {
        values_give_up(&engine->values);
        found_clear(engine);
        engine->is_behind = 1;
    }
    if (outcome == 0 && engine->late.used) {
        outcome = put_late_output(engine);
    }
    if (outcome < 0 && is_let_go(engine)) {
        engine->missed++;
        outcome = 0;
    }
    engine->busy = 0;
    /* No thread waits in a forked child, and a thread that the child lacks may hold the mutex. */
    if (engine->turn.waiting > 0 && engine->forks == fork_count) {
        turn_end(&engine->turn);
    }
    frame_release(event->frame, event->made);
    event->frame = NULL;
    if (engine->restart != NULL) {
        engine_begin_child(engine);
    }
    return outcome;
}

typedef enum { FAILED, NOTHING, SILENCE, RECORD } Verdict;

/* Finds out whether to record an event, and in which frame. Takes the engine if the result is
   RECORD. */
static inline Verdict
understand(Engine *engine, PyObject *code, Event *event)
{
    Plan *plan = table_get(&engine->code_plans, code);
    if (plan != NULL && plan->skip) {
        return SILENCE;
    }
    if (!engine->active && engine->activation != NULL) {
        /* The recording has ended, and will not begin again. */
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
        /* The recording has not begun. Only code that will never be recorded is silenced already. */
        return give_engine(engine, event, 0) < 0 ? FAILED : NOTHING;
    }
    event->thread = thread_of(engine, id);
    if (event->thread == NULL) {
        return give_engine(engine, event, -1) < 0 ? FAILED : NOTHING;
    }
    return RECORD;
}

/* A function that records an event. Returns 0, or -1 with an exception. */
typedef int (*Work)(Engine *, Event *, PyObject *const *);

/* Whether a handler may return DISABLE. For an event that cannot be disabled, DISABLE is an error or
   has no effect, depending on the version. */
typedef enum { MAY_DISABLE, NEVER_DISABLES } Outcomes;

/* The common part of every handler. Calls `work` if the event is to be recorded. */
static Py_ALWAYS_INLINE inline PyObject *
handle(PyObject *self, PyObject *const *args, Py_ssize_t count, Py_ssize_t wanted,
       Outcomes outcomes, Work work)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    if (check_arguments(count, wanted) < 0) {
        return NULL;
    }
    int64_t began = cost_begin(&engine->cost);
    Verdict verdict = understand(engine, args[0], &event);
    if (verdict == RECORD) {
        int outcome = work(engine, &event, args);
        if (began != 0 && outcome == 0 && engine->budget.look != NULL) {
            outcome = budget_pass(engine, event.plan, began);
            began = 0;
        }
        if (give_engine(engine, &event, outcome) < 0) {
            verdict = FAILED;
        }
        else if (outcomes == MAY_DISABLE && event.is_silent) {
            verdict = SILENCE;
        }
    }
    cost_end(&engine->cost, began);
    if (verdict == FAILED) {
        return NULL;
    }
    return Py_NewRef(verdict == SILENCE && outcomes == MAY_DISABLE ? engine->state->disable : Py_None);
}

/* ---- events in which a frame begins or is resumed */

static int
begin_frame(Engine *engine, Event *event, PyObject *const *args)
{
    if (event->plan->starts && plan_start(engine, args[0]) < 0) {
        return -1;
    }
    if (stack_begin(engine, event->thread, event->frame, event->key, event->plan) < 0) {
        return -1;
    }
    return commit(engine);
}

/* Begins the recording if `code` is in the activation path. Returns -1 with an exception. */
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

/* Records that unrecorded code starts a process. Never disables the event, so the next start is
   recorded too. Returns a new reference, or NULL with an exception. */
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
        if (!is_let_go(engine)) {
            return NULL;
        }
        engine->missed++;
        Py_RETURN_NONE;
    }
    PyObject *outcome = handle(self, args, count, 2, MAY_DISABLE, begin_frame);
    if (outcome != engine->state->disable || !engine->active) {
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
    if (stack_resume(engine, event->thread, event->frame, event->key, event->plan) < 0) {
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
    if (stack_throw(engine, event->thread, event->frame, event->key, event->plan, args[2]) < 0) {
        return -1;
    }
    return commit(engine);
}

PyObject *
on_py_throw(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 3, NEVER_DISABLES, throw_into);
}

/* ---- events within a frame */

/* Finds the state of the frame in which the event occurs. */
static inline int
find_state(Engine *engine, Event *event)
{
    event->state = stack_innermost(engine, event->thread, event->frame, event->key);
    return event->state == NULL ? -1 : 0;
}

typedef int (*GetOffset)(PyFrameObject *);

static GetOffset get_offset;

int
events_prepare(void)
{
    get_offset = (GetOffset)find_function("PyFrame_GetLasti");
    return get_offset == NULL ? -1 : 0;
}

static int
step(Engine *engine, Event *event, PyObject *const *args)
{
    if (event->plan->detail == DETAIL_CALLS) {
        /* It was lowered. */
        event->is_silent = 1;
        return commit(engine);
    }
    long line = PyLong_AsLong(args[1]);
    size_t start;
    Ending going_on = {0};
    if (find_state(engine, event) < 0
        || variables_settle(engine, event->state, event->frame, going_on, &start) < 0
        || pass_time(engine) < 0 || buffer_reserve(&engine->group, RECORD_ROOM) < 0) {
        return -1;
    }
    Frame *state = event->state;
    long delta = line - line_said(state);
    if (state->plan->detail != DETAIL_VALUES) {
        state->at = PLAIN_LINE - (int32_t)line;
    }
    else {
        const Line *at = line_of(state->plan, (int)line);
        int again = at != NULL && at->again != NULL
                    && get_offset((PyFrameObject *)event->frame) == at->again_at;
        state->at = line_index(state->plan, at, again);
    }
    *matched_of(event->thread) = 0;
    event->thread->steps[event->thread->used - 1] = engine->steps++;
    put_step(&engine->group, delta);
    return commit(engine);
}

PyObject *
on_line(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    return handle(self, args, count, 2, MAY_DISABLE, step);
}

/* Returns a number that grows with each line and each call. */
static int64_t
moment(Engine *engine)
{
    return engine->steps + engine->next_frame;
}

/* Returns the entry of a raised exception; NULL if there is none. */
static Raised *
find_raised(Engine *engine, const void *exception)
{
    for (Raised *each = engine->raised; each < engine->raised + RAISED; each++) {
        if (each->exception == exception) {
            return each;
        }
    }
    return NULL;
}

/* Notes the step at which an exception is raised. An exception that leaves a called function is raised
   again in the caller, before any other line runs; its entry then stays as it is. */
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
    if (encode_exception(engine, event->plan, exception) < 0
        || write_objects(engine, event->plan) < 0 || pass_time(engine) < 0
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
    int has_step = event->plan->detail != DETAIL_CALLS;
    note_raised(engine, args[2], has_step ? event->thread->steps[event->thread->used - 1] : -1);
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
    Ending ending = {result, how == UNWINDS ? ALLOW : event->plan->return_action, how == UNWINDS};
    if (variables_settle(engine, event->state, event->frame, ending, &start) < 0) {
        return -1;
    }
    Buffer *roots = &engine->roots;
    if (buffer_reserve(&engine->group, roots->used - start + RECORD_ROOM) < 0) {
        return -1;
    }
    const void *left = event->state->frame;
    if (stack_leave(engine, event->thread, how == YIELDS) < 0) {
        return -1;
    }
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
    if (engine->activation == left) {
        /* The frame that began the recording has ended. */
        engine->active = 0;
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

/* ---- facts that are no events of CPython: output, input, exit and notes */

#define OUTPUT_PIECE (1 << 20) /* as in events.py */

/* Returns how many bytes go into one record. No record ends within a character of UTF-8. */
static Py_ssize_t
piece_of(const char *data, Py_ssize_t length)
{
    if (length <= OUTPUT_PIECE) {
        return length;
    }
    Py_ssize_t end = OUTPUT_PIECE;
    while (end > OUTPUT_PIECE - 4 && (data[end] & 0xc0) == 0x80) {
        end--;
    }
    return end;
}

/* Appends records of output or input, and commits each one if `to` is the group. If `may_wait`, input
   waits for the next record, which may show that the input is now in a variable whose name is that of a
   secret. */
static int
write_output(Engine *engine, Buffer *to, unsigned long stream, PyObject *output, PyObject *path, long line,
             int may_wait)
{
    char *data;
    Py_ssize_t length;
    Utf8 utf8 = {0};
    int failed = (path != NULL && utf8_take(&utf8, path) < 0)
                 || PyBytes_AsStringAndSize(output, &data, &length) < 0;
    int commits = to == &engine->group
                  && !(may_wait && stream == STREAM_STDIN && length <= OUTPUT_PIECE);
    while (!failed) {
        Py_ssize_t count = piece_of(data, length);
        failed = put_output(to, stream, utf8.bytes, (uint64_t)line, (Bytes){data, (size_t)count}) < 0
                 || (commits && commit(engine) < 0);
        data += count;
        length -= count;
        if (length == 0) {
            break;
        }
    }
    utf8_end(&utf8);
    return failed ? -1 : 0;
}

/* Returns whether this thread is in the engine already. The new event then comes from a signal handler
   or a finalizer of the program, and has to wait. */
static int
is_within(Engine *engine)
{
    return engine->busy && engine->forks == fork_count
           && engine->busy_thread == PyThreadState_GetID(PyThreadState_Get());
}

/* Returns a new reference to the output or input without secrets; NULL with an exception, or without one if
   the process has been forked meanwhile, and the data is not to be recorded. */
static PyObject *
hide_output(Engine *engine, unsigned long stream, PyObject *output, PyObject *frame)
{
    if (frame != Py_None && stream == STREAM_STDIN) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
        Plan *plan = table_get(&engine->code_plans, code);
        Py_DECREF(code);
        if (plan != NULL && !plan->skip && plan->return_action == SECRET) {
            /* The function that reads returns a secret. */
            const char *data = PyBytes_AsString(output);
            Py_ssize_t length = data == NULL ? 0 : PyBytes_Size(output);
            int has_end = length > 0 && data[length - 1] == '\n';
            return data == NULL || secrets_learn(engine, output, 0) < 0
                       ? NULL
                       : PyBytes_FromString(has_end ? "<redacted>\n" : "<redacted>");
        }
    }
    return secrets_clean(engine, output);
}

PyObject *
events_output(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    if (check_arguments(count, 3) < 0) {
        return NULL;
    }
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    unsigned long stream = PyLong_AsUnsignedLong(args[0]);
    if (stream > STREAM_STDERR) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "there is no stream %lu", stream);
    }
    PyObject *output = hide_output(engine, stream, args[1], args[2]);
    if (output == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    PyObject *path = NULL;
    long line = 0;
    if (args[2] != Py_None) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)args[2]);
        path = get_attribute((PyObject *)code, "co_filename");
        Py_DECREF(code);
        PyObject *number = PyObject_GetAttr(args[2], engine->state->name_f_lineno);
        line = number == NULL || number == Py_None ? 0 : PyLong_AsLong(number);
        Py_XDECREF(number);
        PyErr_Clear();
    }
    int outcome = 0;
    if (is_within(engine)) {
        outcome = write_output(engine, &engine->late, stream, output, path, line, 0);
    }
    else if (take_engine(engine, id)) {
        int is_first = engine->group.used == 0;
        if (path != NULL && thread_of(engine, id) == NULL) {
            outcome = -1;
        }
        if (outcome == 0) {
            outcome = pass_time(engine);
        }
        if (outcome == 0) {
            outcome = write_output(engine, &engine->group, stream, output, path, line, is_first);
        }
        outcome = give_engine(engine, &event, outcome);
    }
    Py_XDECREF(path);
    Py_DECREF(output);
    return outcome < 0 ? NULL : Py_NewRef(Py_None);
}

/* Has the recording count as begun, and never begin again. */
static void
end(Engine *engine)
{
    engine->active = 0;
    engine->activation = engine;
}

PyObject *
events_exit(PyObject *self, PyObject *status)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    int64_t number = status == Py_None ? 0 : PyLong_AsLongLong(status);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    int within = is_within(engine);
    if (!within && !take_engine(engine, PyThreadState_GetID(PyThreadState_Get()))) {
        Py_RETURN_NONE;
    }
    Buffer *group = &engine->group;
    /* The current event is not completed, but the records that it has made so far are written. */
    int outcome = put_bytes(group, engine->late.bytes, engine->late.used);
    engine->late.used = 0;
    if (outcome == 0) {
        unsigned int ending = status == Py_None ? ENDING_UNKNOWN : ENDING_STATUS;
        outcome = put_exit(group, elapsed(engine), ending, number);
    }
    if (outcome == 0) {
        outcome = PyErr_Occurred() ? -1 : log_settle(engine->log, group->bytes, group->used);
    }
    group->used = 0;
    /* Events of other threads that wait for this one write nothing into a log that is closed. */
    end(engine);
    if (within) {
        engine->let_go = 1;
    }
    else {
        outcome = give_engine(engine, &event, outcome);
    }
    return outcome < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *
events_note(PyObject *self, PyObject *record)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(record, &bytes, &length) < 0) {
        return NULL;
    }
    if (is_within(engine)) {
        return put_bytes(&engine->late, bytes, (size_t)length) < 0 ? NULL : Py_NewRef(Py_None);
    }
    if (!take_engine(engine, PyThreadState_GetID(PyThreadState_Get()))) {
        Py_RETURN_NONE;
    }
    int outcome = put_bytes(&engine->group, bytes, (size_t)length) < 0 ? -1 : commit(engine);
    return give_engine(engine, &event, outcome) < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- the beginning and the end of a recording */

PyObject *
events_end(PyObject *self, PyObject *unused)
{
    end((Engine *)self);
    Py_RETURN_NONE;
}

PyObject *
events_counts(PyObject *self, PyObject *unused)
{
    Engine *engine = (Engine *)self;
    return Py_BuildValue("{sIsIsK}", "threads", engine->next_thread, "calls", engine->next_frame,
                         "missed", (unsigned long long)engine->missed);
}

PyObject *
events_cost(PyObject *self, PyObject *unused)
{
    const Cost *cost = &((Engine *)self)->cost;
    return Py_BuildValue("{sLsLsL}", "events_ns", (long long)cost->events, "writing_ns",
                         (long long)cost->writing, "code_ns", (long long)cost->code);
}

/* Returns the step at which an exception, which must still exist, was raised; None if unknown. */
PyObject *
events_raised_at(PyObject *self, PyObject *exception)
{
    Raised *known = find_raised((Engine *)self, exception);
    if (known == NULL || known->step < 0) {
        Py_RETURN_NONE;
    }
    return PyLong_FromLongLong(known->step);
}

PyObject *
events_restart(PyObject *self, PyObject *log)
{
    Engine *engine = (Engine *)self;
    if (Py_TYPE(log) != engine->state->log_type) {
        PyErr_SetString(PyExc_TypeError, "restart() takes a LogWriter in C");
        return NULL;
    }
    PyObject *before = engine->restart;
    engine->restart = Py_NewRef(log);
    Py_XDECREF(before);
    /* If a signal handler forked during an event, that event first ends with the old state. */
    if (!engine->busy || engine->busy_thread != PyThreadState_GetID(PyThreadState_Get())) {
        engine_begin_child(engine);
    }
    Py_RETURN_NONE;
}

PyObject *
events_learn(PyObject *self, PyObject *value)
{
    /* It fails without an exception if the process has been forked meanwhile. */
    return secrets_learn((Engine *)self, value, 0) < 0 && PyErr_Occurred() ? NULL
                                                                           : Py_NewRef(Py_None);
}

PyObject *
events_clean(PyObject *self, PyObject *data)
{
    PyObject *cleaned = secrets_clean((Engine *)self, data);
    if (cleaned == NULL && !PyErr_Occurred()) {
        /* The process has been forked meanwhile. */
        cleaned = PyBytes_FromString("<redacted>");
    }
    return cleaned;
}
