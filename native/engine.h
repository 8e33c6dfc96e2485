/* The recorder's engine: what codetracer/runtime/ does from events to bytes, in C.
 *
 * Hand-written; both write the same bytes. Stable ABI only (Py_LIMITED_API 3.12), but for
 * PyFrame_GetVar and PyType_GetDict, which are looked up when the module is loaded, and for what
 * internals.c says.
 *
 * The GIL guards the engine's state. Where Python code is called (a new code object or type), another
 * thread may get it; `busy` keeps that one out of the engine meanwhile.
 */
#ifndef CODETRACER_ENGINE_H
#define CODETRACER_ENGINE_H

#include <Python.h>

#if !defined(Py_LIMITED_API) || Py_LIMITED_API + 0 != 0x030c0000
#error "build with -DPy_LIMITED_API=0x030c0000: one binary serves every version"
#endif

#include <pthread.h>

#include "frameobjects.h"
#include "_trace_records.h"
#include "internals.h"
#include "log.h"
#include "names.h"
#include "secrets.h"
#include "tables.h"
#include "values.h"

/* Only the module's init function is to be seen from outside; calls among these cost less so. */
#pragma GCC visibility push(hidden)

typedef struct {
    uint32_t number;   /* in the log */
    PyObject *names;   /* dict: slot by name */
    uint64_t *written; /* by slot: hash of the value's bytes */
    Py_ssize_t used;
    Py_ssize_t size;
} Namespace;

typedef struct {
    PyObject *name;
    uint32_t number;
    int is_global;
    int is_around;
    int action;
    Py_ssize_t slot; /* of a global one in the plan's namespace */
} Variable;

typedef struct {
    Variable *variable;
    int reach;
} Look;

typedef struct {
    Look *looks;
    Py_ssize_t count;
} Looks;

struct Plan {
    Py_ssize_t refs; /* the table's, and one for each frame */
    const void *code;     /* not kept alive; plans.c hears of its end */
    PyObject *attributes; /* action by attribute, of AttributeActions */
    PyObject *numbers;    /* dict: attribute's number and action by name */
    Variable *variables;
    Py_ssize_t locals;
    Py_ssize_t count; /* of variables */
    Py_ssize_t parameters;
    Variable **parameter;
    Looks everything;
    Looks *lines; /* by line - first */
    int first;
    int last;
    int first_line; /* co_firstlineno */
    int beginning;  /* where its frames tell that they begin: an offset in its bytecode */
    uint32_t number;
    int kind;
    int in_slots; /* its variables are in slots, not in a namespace */
    int return_action;
    int secrets; /* whether a variable of it is secret */
    int skip; /* not recorded */
    int starts; /* a process, of which no audit event tells */
    Namespace *namespace;
};

/* There is one for each suspended generator too: it is small, and in one piece. */
typedef struct {
    const void *frame; /* its key; first, as Keyed wants it */
    Plan *plan;
    uint32_t number;
    uint32_t namespace; /* its number */
    int line;
    int said;
    uint64_t written[]; /* by local variable: hash of the value's bytes */
} Frame;

typedef struct {
    uint64_t id;
    uint32_t number;
    Frame **stack;
    int64_t *steps; /* the last one of each frame there; -1 before it has one since it came there */
    Py_ssize_t used;
    Py_ssize_t size;
    const void *task; /* the asyncio task that the log has for it, and the hash of its name */
    Py_hash_t task_name;
} Thread;

/* What tells of asyncio's tasks, once the program has loaded it. */
typedef struct {
    PyObject *running_loop;
    PyObject *current;
    PyObject *name;
    PyObject *type;
} Tasks;

typedef struct {
    Variable *variable;
    size_t start;
    size_t end;
} Changed;

/* One event, as far as it is understood. */
typedef struct {
    Plan *plan;
    PyObject *frame; /* owned */
    int made;        /* it is to be taken away again */
    const void *key; /* that of the frame */
    Thread *thread;
    Frame *state;
} Event;

#define RAISED 64 /* how many of the exceptions that were raised last are remembered */

typedef struct {
    const void *exception; /* not kept alive */
    int64_t step;
    int64_t unwound; /* when it last ended a frame, as `moment` has it; -1 if it did not */
} Raised;

/* How threads wait for the engine. The GIL guards `waiting`; the mutex, that no signal is missed. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t free;
    Py_ssize_t waiting;
} Turn;

struct Engine {
    PyObject_HEAD
    Log *log;
    PyObject *gate;
    PyObject *plans;       /* Plans */
    PyObject *definitions; /* Definitions: sources and codes */
    PyObject *thread_name;
    PyObject *builtins; /* those of functions of codetracer's; see own.py */
    PyObject *clock; /* NULL: CLOCK_MONOTONIC */
    Values values;
    Secrets secrets;
    Buffer group; /* the records that are to be written in one piece */
    Buffer roots; /* values that stand in records themselves */
    Changed *changed;
    size_t changed_used;
    size_t changed_size;
    Table code_plans;
    Table threads;    /* by thread state's id + 2 */
    Table namespaces; /* by address of the dict */
    Namespace **numbered; /* all of them: one that is replaced there may still be a frame's */
    Keyed suspended; /* Frames */
    Tasks tasks;
    Thread *current;
    uint32_t next_thread;
    uint32_t next_frame;
    uint32_t next_namespace;
    int64_t time;
    int64_t steps;
    Raised raised[RAISED];
    unsigned int next_raised;
    int active;
    const void *activation;
    int busy;
    uint64_t busy_thread;
    Turn turn;
    int let_go;      /* the event under way is not to be recorded, and nobody is to hear of it */
    uint64_t missed; /* how many events were let go */
    Buffer late;     /* output that the program wrote while the engine was busy in its thread */
    unsigned int forks; /* in the process whose log this is */
    PyObject *restart;  /* the log of a forked child, which has not begun it; or NULL */
    Engine *next;       /* of all engines that there are */
};

static inline PyObject *
call_one(PyObject *callable, PyObject *argument)
{
    return PyObject_Vectorcall(callable, &argument, 1, NULL);
}

static inline int
check_arguments(Py_ssize_t count, Py_ssize_t wanted)
{
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", wanted, count);
        return -1;
    }
    return 0;
}

/* ---- engine.c */

extern PyObject *disable;
extern PyObject *name_f_globals;
extern PyObject *name_f_locals;
extern PyObject *name_f_lasti;
extern PyObject *name_f_lineno;
extern PyObject *name_cause;
extern PyObject *name_func;
extern PyObject *name_name;
extern PyObject *name_qualname;
extern PyObject *name_self;

/* Returns a function that is not in the stable ABI, but there in 3.12 to 3.15. NULL with an
   ImportError: without it there is no engine. */
void *engine_find(const char *function);

/* ---- ask.c */

/* How many times the process has been forked; another number than the engine's means that the log is
   the parent's. */
extern unsigned int fork_count;

int ask_prepare(void);

/* Calls a function of codetracer's in Python, and returns what it does. NULL: it raised, or the event
   must be let go, which needs no exception. */
PyObject *ask(Engine *engine, PyObject *callable, PyObject *const *args, size_t count);

/* The same for a method, by its name. */
PyObject *ask_method(Engine *engine, PyObject *object, const char *name, PyObject *const *args,
                     size_t count);

/* Calls a function of codetracer's that runs code of the program's: once, and signals do not wait.
   What comes out of it is the program's, and is left in `interrupt` for raise_later. NULL without
   that: there was no room for the call, or the event must be let go. */
PyObject *ask_program(Engine *engine, PyObject *callable, PyObject *const *args, size_t count,
                      PyObject **interrupt);

/* Has the program's exception raised where the program goes on; takes over the reference. */
void raise_later(Engine *engine, PyObject *exception);

/* Clears the error that is set, if one is, which is expected to be of this type. Another one is the
   program's: a signal handler has raised it where C code of CPython's let it run. It is raised in the
   program once the event is written. */
void drop_error(Engine *engine, PyObject *expected);

/* Does that with an exception that is set, if it is the program's; tells whether it is. */
int pass_on(Engine *engine);

/* ---- plans.c */

int plans_prepare(void);

/* Returns the plan of a code object that has not been met before, and defines it in the group. */
Plan *plan_new(Engine *engine, PyObject *code, PyObject *frame);
void plan_release(Plan *plan);

/* Puts into the group that code of such a plan starts one. */
int plan_start(Engine *engine, PyObject *code);
long number_attribute(PyObject *object, const char *name);

/* Returns what a filter does with a value of this name, or -1. */
int plan_action(Engine *engine, Plan *plan, PyObject *name);

/* Lets an engine hear of the end of code objects, until it is removed. */
void engines_add(Engine *engine);
void engines_remove(Engine *engine);

static inline int
runs_in_task(const Plan *plan)
{
    return (1u << plan->kind & KINDS_IN_TASKS) != 0;
}

static inline Plan *
plan_of(Engine *engine, PyObject *code, PyObject *frame)
{
    Plan *plan = table_get(&engine->code_plans, code);
    return plan != NULL ? plan : plan_new(engine, code, frame);
}

/* ---- group.c */

/* Returns the ns since it was asked last. */
uint64_t elapsed(Engine *engine);

/* Says what time it is, before a record without a time; not more often than each millisecond. */
int pass_time(Engine *engine);

/* Writes the group in one piece; where the machine is short of something it goes with the next. */
int commit(Engine *engine);

/* ---- stacks.c */

/* Returns the first frame that runs `code` from `frame` outwards, or NULL; `frame` is given up. */
PyObject *frame_further(PyObject *frame, PyObject *code, int *made);

/* Makes another thread the running one, and says so in the group. */
Thread *thread_turn(Engine *engine, uint64_t id);

static inline int
frame_runs(PyObject *frame, const void *code)
{
    PyCodeObject *running = PyFrame_GetCode((PyFrameObject *)frame);
    int same = (const void *)running == code;
    Py_DECREF(running);
    return same;
}

/* Returns the innermost frame that runs `code`, or NULL; it is for frame_release. */
static inline PyObject *
frame_of(PyThreadState *thread, PyObject *code, int *made)
{
    PyObject *frame = frame_innermost(thread, made);
    return frame == NULL || frame_runs(frame, code) ? frame : frame_further(frame, code, made);
}

/* Returns the running thread. */
static inline Thread *
thread_of(Engine *engine, uint64_t id)
{
    Thread *current = engine->current;
    return current != NULL && current->id == id ? current : thread_turn(engine, id);
}

Frame *state_new(Engine *engine, PyObject *frame, Plan *plan, const Namespace *namespace);
void state_free(Frame *state);
int stack_reserve(Thread *thread);

/* Puts a frame on top, where there is room. */
void stack_push(Thread *thread, Frame *state);
Py_ssize_t stack_find(Thread *thread, PyObject *frame, const void *key);

/* Tells whether the stack has a frame already that is about to say that it begins or goes on: CPython
   runs signal handlers and finalizers right before it says so. */
static inline int
is_top(Thread *thread, const void *key, Plan *plan)
{
    if (thread->used == 0) {
        return 0;
    }
    Frame *top = thread->stack[thread->used - 1];
    return top->frame == key && top->plan == plan;
}

/* Tells whether the frame of a generator or coroutine has begun; -1 with an exception. */
int has_begun(PyObject *frame, Plan *plan);

/* Push a frame that begins, one that is met in its midst, or one that goes on. */
int call_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan);
int enter_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan);
int resume_frame(Engine *engine, Thread *thread, PyObject *frame, Plan *plan);

/* Makes the innermost recorded frame from `frame` outwards the top of the stack. The one with the key
   `beginning` is not on it yet. */
int sync_stack(Engine *engine, Thread *thread, PyObject *frame, const void *beginning);

/* The same from the frame that called `frame`, which begins. */
int sync_below(Engine *engine, Thread *thread, PyObject *frame);

/* ---- tasks.c */

int tasks_prepare(void);

/* Says in which task a coroutine begins or goes on, if the thread was in another one. */
int tell_task(Engine *engine, Thread *thread);

/* ---- variables.c */

int variables_prepare(void);
Namespace *namespace_of(Engine *engine, PyObject *frame, Plan *plan);

/* Encodes a frame's arguments into the roots, and takes them as written. */
int encode_arguments(Engine *engine, Frame *state, PyObject *frame);

/* Encodes the variables that have another value than was last written. */
int look(Engine *engine, Frame *state, PyObject *frame, const Looks *looks);

/* Appends the records of those. */
int write_variables(Engine *engine, Frame *state);

/* ---- engine.c */

/* Begins the log of a forked child. */
void engine_begin_child(Engine *engine);

/* ---- codes.c */

int codes_prepare(PyObject *module);

/* A code object ends. */
void codes_forget(const void *code);

/* ---- children.c */

/* Calls `wanted` with the name and arguments of each audit event that tells of a process being
   started or replaced; None for nobody. */
PyObject *watch_children(PyObject *module, PyObject *wanted);

/* ---- events.c */

/* Makes what threads wait by; in a forked child, anew. -1 with an exception. */
int turn_prepare(Turn *turn);

/* Takes the engine for this thread; 0 if the event must be let go. */
int take_engine(Engine *engine, uint64_t id);

/* Gives the engine back; 0, or -1 with an exception that is the handler's. */
int give_engine(Engine *engine, Event *event, int outcome);

/* Returns what is known of an exception that has been raised; NULL if nothing is. */
Raised *find_raised(Engine *engine, const void *exception);

PyObject *on_py_start(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_resume(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_throw(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_raise(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_exception_handled(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_return(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_yield(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *on_py_unwind(PyObject *self, PyObject *const *args, Py_ssize_t count);

#pragma GCC visibility pop

#endif
