/* The types of the state of one recording, which the units of the engine share. The engine in C does
   the same as codetracer/runtime/: it turns events into the bytes of records. It owns the objects in
   the state unless a comment says otherwise; engine.c visits and clears them.

   Both engines write the same bytes. The units use the stable ABI only (Py_LIMITED_API 3.12), except
   for functions that find_function looks up when the module is loaded, and for the memory that
   internals.c and frameobjects.c read.

   The GIL guards the state. While the engine calls Python code (for a new code object or type), another
   thread may get the GIL; `busy` keeps it out of the engine meanwhile. */
#ifndef CODETRACER_STATE_H
#define CODETRACER_STATE_H

#include <Python.h>

#include <stdint.h>

#if !defined(Py_LIMITED_API) || Py_LIMITED_API + 0 != 0x030c0000
#error "build with -DPy_LIMITED_API=0x030c0000: one binary serves every version"
#endif

#include "_trace_fields.h"
#include "constants.h"
#include "cost.h"
#include "log.h"
#include "tables.h"
#include "turn.h"

#pragma GCC visibility push(hidden)

#define ASKED -1 /* of Values.levels: `judge` is asked */

/* The items and attributes of one content. */
typedef struct {
    struct Part *parts;
    size_t used;
    size_t room;
} Parts;

/* The state of contents.c. */
typedef struct {
    Table held; /* the contents that were written lately, by number */
    size_t passed; /* how many bytes of records were written since there were none */
    Parts before;
    Parts now;
    Buffer some; /* what belongs into a record */
    Buffer set;
    Buffer replaced;
    Buffer changes; /* the records of what is new */
} Contents;

/* The state of the units that encode values: values.c, references.c, objects.c, layouts.c and
   others. */
struct Engine;
struct Judging;

typedef struct {
    PyObject *layout_of; /* callable: returns a type's name, form, slots and so on */
    PyObject *say;       /* callable: calls a formatter of the program */
    int depth;           /* the limits */
    int items;
    int text;
    int objects;
    struct Known *known;
    size_t known_size; /* a power of 2, or 0 */
    size_t known_used;
    uint32_t next_object;
    uint32_t next_type;
    uint32_t next_attribute;
    uint64_t event;
    uint64_t doubted; /* objects that an earlier event looked at may have changed since */
    int levels;       /* how many levels of objects may be new in what is encoded next; or ASKED */
    struct Judging *judging; /* what `judge` is about, or NULL */
    int (*judge)(struct Engine *, PyObject *); /* returns `levels` for an object */
    int was_cut;      /* whether a limit has cut what this event has looked at */
    int checks_cut;   /* whether all objects are in doubt after this event if so */
    int room;    /* how many levels deep the limit allows to look from the current value */
    int is_shallow; /* whether this event looks less deep than the limit allows */
    Py_ssize_t old; /* how many of the first items of the list that is being encoded cannot be new */
    int refers;  /* whether a reference was encoded */
    int within;  /* whether the contents of an object are being encoded */
    int compares;    /* whether they are only digested, and nothing is appended */
    int is_told;     /* whether the digest tells all of them */
    uint64_t digest; /* of the contents so far */
    Py_ssize_t spare; /* how many more items of nested tuples there is room for */
    Table layouts;        /* of types, by address */
    uint32_t sweep_at;    /* when the next type gets this number, layouts of dead types are freed */
    PyObject *attributes; /* number by name */
    struct Queued *queue;
    size_t queue_used;
    size_t queue_size;
    Contents contents;
    Buffer content;
    Buffer items_held; /* the items of the object that is being encoded */
    Buffer fields;     /* its attributes */
    ObjectRecord held; /* all of these; `content` may have a formatter's words, too */
    int is_worded;     /* whether it has */
} Values;

#define CLEAN_SLOTS 256

/* The state of secrets.c. */
typedef struct {
    PyObject *parts; /* callable: the parts of a text to remember; NULL: nothing is hidden */
    PyObject *urls;  /* callable: the positions of secrets in a text's URLs */
    uint64_t key[3];
    struct Secret *known;
    size_t count;
    size_t size;
    unsigned char *sieve; /* by hash of four bytes near a secret's start: whether a secret has them */
    unsigned int sieve_shift; /* 32 less the binary logarithm of its size */
    uint32_t *places; /* by hash of the first bytes: a secret, counted from 1 */
    size_t places_size; /* a power of 2, or 0 */
    uint64_t *asked; /* hashes of the texts that `parts` has been called with */
    size_t asked_used;
    size_t asked_size; /* a power of 2, or 0 */
    uint64_t clean[CLEAN_SLOTS]; /* hashes of texts whose URLs have no secrets */
    size_t masked; /* the number of known secrets when the last group was written */
} Secrets;

/* The objects of asyncio that give the current task, once the program has loaded asyncio. */
typedef struct {
    PyObject *running_loop;
    PyObject *current;
    PyObject *name;
    PyObject *type;
} Tasks;

/* A variable whose value differs from the last written one, and where its bytes are in `roots`. */
typedef struct {
    struct Variable *variable;
    size_t start;
    size_t end;
} Changed;

/* An object that the last line may have changed, and how many levels from there. */
typedef struct {
    PyObject *object; /* owned */
    int levels;
    int grows; /* whether it is a list that only gets more items at its end */
} Found;

#define MOST_KINDS 40

#define RAISED 64 /* how many of the last raised exceptions are remembered */

typedef struct {
    const void *exception; /* not kept alive */
    int64_t step;
    int64_t unwound; /* the `moment` when it last ended a frame; -1 if it has ended none */
} Raised;

#define MOST_SAMPLES 128 /* as in budget.py */

/* A sampled event. */
typedef struct {
    uint32_t code;  /* the number of its code */
    int detail;     /* in which that was recorded */
    int64_t taken;  /* what the events took for which it stands, in ns */
} Sample;

/* The state of budget.c. */
typedef struct {
    PyObject *look;  /* callable: Budget.look; NULL: nothing limits the cost */
    int64_t least;   /* what recording costs, in ns, before it is called again */
    int64_t unasked; /* what it has cost since */
    Sample samples[MOST_SAMPLES]; /* since then */
    size_t used;
} Budget;

typedef struct Engine {
    PyObject_HEAD
    const ModuleState *state; /* borrowed: the type keeps the module */
    Log *log;
    PyObject *gate;
    PyObject *plans;       /* Plans */
    PyObject *definitions; /* Definitions: sources */
    PyObject *thread_name;
    PyObject *builtins; /* the builtins of codetracer's functions; see own.py */
    PyObject *clock; /* NULL: CLOCK_MONOTONIC */
    Values values;
    Secrets secrets;
    Buffer group; /* the records that will be written in one piece */
    Buffer roots; /* the values that the records contain directly */
    Changed *changed;
    size_t changed_used;
    size_t changed_size;
    Found *found;
    size_t found_used;
    size_t found_size;
    PyTypeObject *containers[MOST_KINDS]; /* as in changes.py; borrowed, and NULL at the end */
    PyTypeObject *iterators[MOST_KINDS];
    int site_grows; /* whether the call that was judged last only adds items at the end of a list */
    Table effects; /* by address of a callable: what it changes, and 1 */
    Table texts;   /* by address of the methods of str that return a str */
    Table plain;   /* by address of the callables that make no object which stays */
    Py_ssize_t effects_known; /* the number of callables in `effects` */
    uint64_t effects_for;     /* the number of plans that there were when they were taken in */
    uint64_t plans_made;
    int has_formatters;
    int is_behind; /* whether an event was lost, so that the next one looks at all variables */
    Table code_plans;
    Table threads;    /* by thread state's id + 2 */
    Table namespaces; /* by address of the dict */
    struct Namespace **numbered; /* by number: frames may use one that `namespaces` has no longer */
    Keyed suspended; /* Frames */
    Tasks tasks;
    struct Thread *current;
    uint32_t next_thread;
    uint32_t next_frame;
    uint32_t next_namespace;
    uint32_t next_code;
    Cost cost;
    Budget budget;
    int64_t time;
    int64_t steps;
    Raised raised[RAISED];
    unsigned int next_raised;
    int active;
    const void *activation;
    int busy;
    uint64_t busy_thread;
    Turn turn;
    int let_go;      /* whether to give up the current event, without any message */
    uint64_t missed; /* the number of events that were given up */
    Buffer late;     /* output that the program wrote while this thread was in the engine */
    unsigned int forks; /* the fork count of the process that owns the log */
    PyObject *restart;  /* the log that a forked child has yet to begin, or NULL */
    struct Engine *next; /* in the list of all engines */
} Engine;

#pragma GCC visibility pop

#endif
