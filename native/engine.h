/* The recorder's engine: what codetracer/runtime/events.py and values.py do, in C.
 *
 * Hand-written; both write the same bytes. Stable ABI only (Py_LIMITED_API 3.12), but for
 * PyFrame_GetVar and PyType_GetDict, which are looked up when the module is loaded.
 *
 * The GIL guards the engine's state. Where Python code is called (a new code object or type, a full
 * block), another thread may get it; `busy` keeps that one out of the engine meanwhile.
 */
#ifndef CODETRACER_ENGINE_H
#define CODETRACER_ENGINE_H

#include <Python.h>

#include "tables.h"

#if !defined(Py_LIMITED_API) || Py_LIMITED_API + 0 != 0x030c0000
#error "build with -DPy_LIMITED_API=0x030c0000: one binary serves every version"
#endif

#define MAX_KNOWN 100000 /* as in values.py */
#define MAX_NAMES 10000  /* likewise */
#define ALLOW 0
#define REDACT 1
#define DROP 2

/* ---- values */

/* A slot of an instance, or a field of a named tuple. */
typedef struct {
    PyObject *name;
    PyObject *owner;  /* a weak reference to the class that has the slot; None for a field */
    Py_ssize_t place; /* where the class's dict had it last */
} Member;

typedef struct {
    uint32_t number;
    int form;
    int has_dict;
    Py_ssize_t count; /* of members */
    Member *members;
    PyObject *plain; /* or NULL */
    PyObject *alive; /* a weak reference to the type */
} Layout;

/* An object that has been written. */
typedef struct {
    const void *object; /* NULL: free */
    const void *kind;
    uint64_t content; /* hash of what was written, 0 for nothing */
    uint64_t event;   /* the event that looked at it last */
    uint32_t number;
    int depth; /* how deep that event looked */
} Known;

/* An object that is to be looked at. */
typedef struct {
    PyObject *object;
    uint32_t number;
    int depth; /* how deep */
    int room;  /* how deep the limit would allow */
} Queued;

typedef struct {
    PyObject *layout_of; /* callable: a type's name, form, slots and so on */
    int depth;           /* the limits */
    int items;
    int text;
    int objects;
    Known *known;
    size_t known_size; /* a power of 2, or 0 */
    size_t known_used;
    uint32_t next_object;
    uint32_t next_type;
    uint32_t next_attribute;
    uint64_t event;
    int room;    /* how deep the limit allows to look at what is encoded now */
    int refers;  /* whether a reference was encoded */
    Table layouts;        /* of types, by address */
    PyObject *attributes; /* number by name */
    Queued *queue;
    size_t queue_used;
    size_t queue_size;
    Buffer content;
    Buffer fields;
} Values;

/* ---- frames */

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

typedef struct {
    Py_ssize_t refs; /* the table's, and one for each frame */
    const void *code;
    PyObject *alive;      /* a weak reference to the code */
    PyObject *attributes; /* action by attribute, of AttributeActions */
    PyObject *numbers;    /* dict: attribute's number and action by name */
    Table keys;           /* action + 1 by the hash of a dict's key */
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
    uint32_t number;
    int kind;
    int in_slots; /* its variables are in slots, not in a namespace */
    int return_action;
    int skip; /* not recorded */
    Namespace *namespace;
} Plan;

typedef struct {
    const void *frame;
    Plan *plan;
    Namespace *namespace;
    uint32_t number;
    int line;
    int said;
    uint64_t *written; /* by local variable: hash of the value's bytes */
} Frame;

typedef struct {
    uint64_t id;
    uint32_t number;
    Frame **stack;
    Py_ssize_t used;
    Py_ssize_t size;
} Thread;

typedef struct {
    Variable *variable;
    size_t start;
    size_t end;
} Changed;

typedef struct {
    PyObject_HEAD
    PyObject *log;         /* LogWriter */
    PyObject *gate;
    PyObject *plans;       /* Plans */
    PyObject *definitions; /* Definitions: sources and codes */
    PyObject *thread_name;
    PyObject *clock; /* NULL: CLOCK_MONOTONIC */
    Values values;
    Buffer group; /* the records that are to be written in one piece */
    Buffer roots; /* values that stand in records themselves */
    Changed *changed;
    size_t changed_used;
    size_t changed_size;
    Table code_plans;
    Table threads;    /* by thread state's id + 2 */
    Table namespaces; /* by address of the dict */
    Table suspended;  /* by address of the frame */
    Thread *current;
    uint32_t next_thread;
    uint32_t next_frame;
    uint32_t next_namespace;
    int64_t time;
    int active;
    const void *activation;
    int busy;
    uint64_t busy_thread;
    /* the window of the log */
    int holds_window;
    Py_buffer window;
    size_t position;
    size_t limit;
} Engine;

static inline PyObject *
call_one(PyObject *callable, PyObject *argument)
{
    return PyObject_Vectorcall(callable, &argument, 1, NULL);
}

/* Returns a function that is not in the stable ABI, but there in 3.12 to 3.15. NULL with an
   ImportError: without it there is no engine. */
void *engine_find(const char *function);

/* Finds what values take of such functions. */
int values_prepare(void);

int values_init(Values *values);
void values_clear(Values *values);
void values_forget(Values *values);

/* Appends a value to `to`; what it refers to is queued for values_write. */
int values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

/* Appends records of the queued objects to the group, as far as they are new. */
int values_write(Engine *engine, Plan *plan);

/* Lets go of what was queued. */
void values_drop_queue(Values *values);

/* Takes the type of this weak reference out of the table. */
int values_forget_type(Values *values, PyObject *alive);

#endif
