/* The state of one recording, which the units of the engine share: what codetracer/runtime/ does from
   events to bytes, in C. Types alone. Objects that it holds are owned where no comment says otherwise;
   engine.c visits and clears them.

   Both engines write the same bytes. Stable ABI only (Py_LIMITED_API 3.12), but for functions that
   find_function looks up when the module is loaded, and for what internals.c says.

   The GIL guards the state. Where Python code is called (a new code object or type), another thread may
   get it; `busy` keeps that one out of the engine meanwhile. */
#ifndef CODETRACER_STATE_H
#define CODETRACER_STATE_H

#include <Python.h>

#include <stdint.h>

#if !defined(Py_LIMITED_API) || Py_LIMITED_API + 0 != 0x030c0000
#error "build with -DPy_LIMITED_API=0x030c0000: one binary serves every version"
#endif

#include "log.h"
#include "tables.h"
#include "turn.h"

#pragma GCC visibility push(hidden)

/* Of values.c and what is beneath and above it. */
typedef struct {
    PyObject *layout_of; /* callable: a type's name, form, slots and so on */
    PyObject *say;       /* callable: what a formatter of the program's says */
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
    int room;    /* how deep the limit allows to look at what is encoded now */
    int refers;  /* whether a reference was encoded */
    int within;  /* whether what an object holds is encoded */
    Py_ssize_t spare; /* how many items of tuples in tuples there is still room for */
    Table layouts;        /* of types, by address */
    uint32_t sweep_at;    /* the number of the type at which those that are gone are let go of */
    PyObject *attributes; /* number by name */
    struct Queued *queue;
    size_t queue_used;
    size_t queue_size;
    Buffer content;
    Buffer items_held; /* those of the object that is looked at */
    Buffer fields;     /* and its attributes */
} Values;

#define CLEAN_SLOTS 256

/* Of secrets.c. */
typedef struct {
    PyObject *parts; /* callable: what is to be remembered of a text; NULL: nothing is hidden */
    PyObject *urls;  /* callable: where secrets stand in a text's URLs */
    uint64_t key[3];
    struct Secret *known;
    size_t count;
    size_t size;
    unsigned char *sieve; /* by hash of any four of the first bytes: whether a secret has these */
    unsigned int sieve_shift; /* 32 less the binary logarithm of its size */
    uint32_t *places; /* by hash of the first bytes: a secret, counted from 1 */
    size_t places_size; /* a power of 2, or 0 */
    uint64_t *asked; /* hashes of texts of which `parts` has been asked */
    size_t asked_used;
    size_t asked_size; /* a power of 2, or 0 */
    uint64_t clean[CLEAN_SLOTS]; /* hashes of texts whose URLs have no secrets */
    size_t masked; /* how many secrets were known when the last group was written */
} Secrets;

/* What tells of asyncio's tasks, once the program has loaded it. */
typedef struct {
    PyObject *running_loop;
    PyObject *current;
    PyObject *name;
    PyObject *type;
} Tasks;

/* A variable with another value than was last written: where its bytes are in `roots`. */
typedef struct {
    struct Variable *variable;
    size_t start;
    size_t end;
} Changed;

#define RAISED 64 /* how many of the exceptions that were raised last are remembered */

typedef struct {
    const void *exception; /* not kept alive */
    int64_t step;
    int64_t unwound; /* when it last ended a frame, as `moment` has it; -1 if it did not */
} Raised;

typedef struct Engine {
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
    struct Namespace **numbered; /* all of them: one that is replaced there may still be a frame's */
    Keyed suspended; /* Frames */
    Tasks tasks;
    struct Thread *current;
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
    struct Engine *next; /* of all engines that there are */
} Engine;

#pragma GCC visibility pop

#endif
