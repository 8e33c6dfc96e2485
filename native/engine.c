/* The type Engine and its module: what begins, restarts and ends a recording, and what is written
   beside events. */
#include "engine.h"

#include <dlfcn.h>

#include "capture.h"

PyObject *disable;
PyObject *name_f_globals;
PyObject *name_f_locals;
PyObject *name_f_lasti;
PyObject *name_f_lineno;
PyObject *name_cause;
PyObject *name_func;
PyObject *name_name;
PyObject *name_qualname;
PyObject *name_self;

/* ---- what is no event of CPython's */

#define OUTPUT_PIECE (1 << 20) /* as in events.py */

/* Returns how many bytes go into one record; none ends amid a character of UTF-8. */
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

/* Appends what was written, and commits each record if it is the group that it goes into. What was
   read waits for the next record where nothing else waits: that may say in which variable it has come,
   and that its name is that of a secret. */
static int
write_output(Engine *engine, Buffer *to, PyObject *const *args, PyObject *path, long line, int may_wait)
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
    unsigned long stream = PyLong_AsUnsignedLong(args[0]);
    int failed = PyBytes_AsStringAndSize(args[1], &data, &length) < 0;
    int commits = to == &engine->group
                  && !(may_wait && stream == STREAM_STDIN && length <= OUTPUT_PIECE);
    while (!failed) {
        Py_ssize_t count = piece_of(data, length);
        failed = put_output(to, stream, (Bytes){path_bytes, (size_t)path_length}, (uint64_t)line,
                            (Bytes){data, (size_t)count})
                         < 0
                 || (commits && commit(engine) < 0);
        data += count;
        length -= count;
        if (length == 0) {
            break;
        }
    }
    Py_XDECREF(encoded);
    return failed ? -1 : 0;
}

/* Tells whether an event of this very thread is under way: what comes now is of a signal handler or
   a finalizer of the program's, and waits. */
static int
is_within(Engine *engine)
{
    return engine->busy && engine->forks == fork_count
           && engine->busy_thread == PyThreadState_GetID(PyThreadState_Get());
}

/* Returns what was written or read, without secrets. NULL without an exception where the process has
   been forked meanwhile: it is not to be recorded. */
static PyObject *
hide_output(Engine *engine, PyObject *const *args)
{
    if (args[2] != Py_None && PyLong_AsLong(args[0]) == STREAM_STDIN) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)args[2]);
        Plan *plan = table_get(&engine->code_plans, code);
        Py_DECREF(code);
        if (plan != NULL && !plan->skip && plan->return_action == SECRET) {
            /* It reads for somebody who wants a secret. */
            const char *data = PyBytes_AsString(args[1]);
            Py_ssize_t length = data == NULL ? 0 : PyBytes_Size(args[1]);
            int has_end = length > 0 && data[length - 1] == '\n';
            return data == NULL || secrets_learn(engine, args[1], 0) < 0
                       ? NULL
                       : PyBytes_FromString(has_end ? "<redacted>\n" : "<redacted>");
        }
    }
    return secrets_clean(engine, args[1]);
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
    PyObject *told[] = {args[0], NULL, args[2]};
    told[1] = hide_output(engine, args);
    if (told[1] == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    PyObject *path = NULL;
    long line = 0;
    if (args[2] != Py_None) {
        PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)args[2]);
        path = get_attribute((PyObject *)code, "co_filename");
        Py_DECREF(code);
        PyObject *number = PyObject_GetAttr(args[2], name_f_lineno);
        line = number == NULL || number == Py_None ? 0 : PyLong_AsLong(number);
        Py_XDECREF(number);
        PyErr_Clear();
    }
    int outcome = 0;
    if (is_within(engine)) {
        outcome = write_output(engine, &engine->late, told, path, line, 0);
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
            outcome = write_output(engine, &engine->group, told, path, line, is_first);
        }
        outcome = give_engine(engine, &event, outcome);
    }
    Py_XDECREF(path);
    Py_DECREF(told[1]);
    return outcome < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
engine_exit(PyObject *self, PyObject *status)
{
    Engine *engine = (Engine *)self;
    Event event = {0};
    int within = is_within(engine);
    if (!within && !take_engine(engine, PyThreadState_GetID(PyThreadState_Get()))) {
        Py_RETURN_NONE;
    }
    Buffer *group = &engine->group;
    /* The event under way is not written any more; what it has put together so far holds. */
    int outcome = put_bytes(group, engine->late.bytes, engine->late.used);
    engine->late.used = 0;
    int64_t number = status == Py_None ? 0 : PyLong_AsLongLong(status);
    if (outcome == 0) {
        unsigned int ending = status == Py_None ? ENDING_UNKNOWN : ENDING_STATUS;
        outcome = put_exit(group, elapsed(engine), ending, number);
    }
    if (outcome == 0) {
        outcome = PyErr_Occurred() ? -1 : log_settle(engine->log, group->bytes, group->used);
    }
    group->used = 0;
    if (within) {
        engine->let_go = 1;
    }
    else {
        outcome = give_engine(engine, &event, outcome);
    }
    return outcome < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
engine_note(PyObject *self, PyObject *record)
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

/* ---- a recording's beginnings and ends */

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
    return Py_BuildValue("{sIsIsK}", "threads", engine->next_thread, "calls", engine->next_frame,
                         "missed", (unsigned long long)engine->missed);
}

/* Returns the step at which an exception that is alive was raised; None if it is not known. */
static PyObject *
engine_raised_at(PyObject *self, PyObject *exception)
{
    Raised *known = find_raised((Engine *)self, exception);
    if (known == NULL || known->step < 0) {
        Py_RETURN_NONE;
    }
    return PyLong_FromLongLong(known->step);
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
            PyMem_Free(thread->steps);
            PyMem_Free(thread);
        }
    }
    for (size_t at = 0; at < engine->suspended.size; at++) {
        state_free(keyed_at(&engine->suspended, at));
    }
    for (size_t at = 0; at < engine->code_plans.size; at++) {
        plan_release(engine->code_plans.slots[at].value);
    }
    for (uint32_t at = 0; at < engine->next_namespace; at++) {
        Namespace *namespace = engine->numbered[at];
        Py_XDECREF(namespace->names);
        PyMem_Free(namespace->written);
        PyMem_Free(namespace);
    }
    PyMem_Free(engine->numbered);
    engine->numbered = NULL;
    table_free(&engine->threads);
    keyed_free(&engine->suspended);
    table_free(&engine->code_plans);
    table_free(&engine->namespaces);
    engine->current = NULL;
    engine->next_thread = engine->next_frame = engine->next_namespace = 0;
    engine->steps = 0;
    memset(engine->raised, 0, sizeof(engine->raised));
    engine->group.used = 0;
    engine->late.used = 0;
    engine->changed_used = 0;
    engine->busy = 0;
    values_forget(&engine->values);
}

void
engine_begin_child(Engine *engine)
{
    Log *before = engine->log;
    forget_everything(engine);
    engine->log = (Log *)engine->restart;
    engine->restart = NULL;
    engine->forks = fork_count;
    if (turn_prepare(&engine->turn) < 0) {
        /* The threads that it is for are not there yet. */
        PyErr_Clear();
    }
    engine->missed = 0;
    Py_DECREF((PyObject *)before);
}

static PyObject *
engine_restart(PyObject *self, PyObject *log)
{
    Engine *engine = (Engine *)self;
    if (Py_TYPE(log) != log_type) {
        PyErr_SetString(PyExc_TypeError, "restart() takes a LogWriter in C");
        return NULL;
    }
    PyObject *before = engine->restart;
    engine->restart = Py_NewRef(log);
    Py_XDECREF(before);
    /* A signal handler may have forked amid an event, which goes on with what there was. */
    if (!engine->busy || engine->busy_thread != PyThreadState_GetID(PyThreadState_Get())) {
        engine_begin_child(engine);
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_learn(PyObject *self, PyObject *value)
{
    /* Without an exception where the process has been forked meanwhile. */
    return secrets_learn((Engine *)self, value, 0) < 0 && PyErr_Occurred() ? NULL
                                                                           : Py_NewRef(Py_None);
}

static PyObject *
engine_clean(PyObject *self, PyObject *data)
{
    PyObject *cleaned = secrets_clean((Engine *)self, data);
    if (cleaned == NULL && !PyErr_Occurred()) {
        /* The process has been forked meanwhile. */
        cleaned = PyBytes_FromString("<redacted>");
    }
    return cleaned;
}

/* ---- the type */

static PyObject *
engine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"log",   "gate",   "plans", "definitions", "thread_name", "builtins",
                            "depth", "items",  "text",  "objects",     "active",      "clock",
                            "layout_of", "say", "parts", "urls", NULL};
    PyObject *log, *gate, *plans, *definitions, *thread_name, *builtins, *clock;
    PyObject *layout_of, *say, *parts, *urls;
    int depth, items, text, objects, active;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "$O!OOOOOiiiipOOOOO:Engine", names, log_type,
                                     &log, &gate, &plans, &definitions, &thread_name, &builtins,
                                     &depth, &items, &text, &objects, &active, &clock, &layout_of,
                                     &say, &parts, &urls)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Engine *engine = (Engine *)allocate(type, 0);
    if (engine == NULL) {
        return NULL;
    }
    engine->log = (Log *)Py_NewRef(log);
    engine->gate = Py_NewRef(gate);
    engine->plans = Py_NewRef(plans);
    engine->definitions = Py_NewRef(definitions);
    engine->thread_name = Py_NewRef(thread_name);
    engine->builtins = Py_NewRef(builtins);
    engine->clock = clock == Py_None ? NULL : Py_NewRef(clock);
    engine->values.depth = depth;
    engine->values.items = items;
    engine->values.text = text;
    engine->values.objects = objects;
    engine->values.layout_of = Py_NewRef(layout_of);
    engine->values.say = Py_NewRef(say);
    engine->active = active;
    if (turn_prepare(&engine->turn) < 0 || values_init(&engine->values) < 0
        || (parts != Py_None && secrets_set(engine, parts, urls) < 0)) {
        Py_DECREF(engine);
        return NULL;
    }
    engine->forks = fork_count;
    elapsed(engine);
    engines_add(engine);
    return (PyObject *)engine;
}

static int
engine_traverse(PyObject *self, visitproc visit, void *arg)
{
    Engine *engine = (Engine *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)engine->log);
    Py_VISIT(engine->gate);
    Py_VISIT(engine->plans);
    Py_VISIT(engine->definitions);
    Py_VISIT(engine->thread_name);
    Py_VISIT(engine->builtins);
    Py_VISIT(engine->restart);
    Py_VISIT(engine->clock);
    Py_VISIT(engine->values.layout_of);
    Py_VISIT(engine->values.say);
    Py_VISIT(engine->secrets.parts);
    Py_VISIT(engine->secrets.urls);
    Py_VISIT(engine->tasks.running_loop);
    Py_VISIT(engine->tasks.current);
    Py_VISIT(engine->tasks.name);
    Py_VISIT(engine->tasks.type);
    return 0;
}

static int
engine_clear(PyObject *self)
{
    Engine *engine = (Engine *)self;
    /* Whoever still calls it hears nothing, and finds no more than the log. */
    engine->active = 0;
    engine->activation = engine;
    Py_CLEAR(engine->gate);
    Py_CLEAR(engine->plans);
    Py_CLEAR(engine->definitions);
    Py_CLEAR(engine->thread_name);
    Py_CLEAR(engine->builtins);
    Py_CLEAR(engine->restart);
    Py_CLEAR(engine->clock);
    Py_CLEAR(engine->values.layout_of);
    Py_CLEAR(engine->values.say);
    Py_CLEAR(engine->secrets.parts);
    Py_CLEAR(engine->secrets.urls);
    Py_CLEAR(engine->tasks.running_loop);
    Py_CLEAR(engine->tasks.current);
    Py_CLEAR(engine->tasks.name);
    Py_CLEAR(engine->tasks.type);
    return 0;
}

static void
engine_dealloc(PyObject *self)
{
    Engine *engine = (Engine *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    engines_remove(engine);
    forget_everything(engine);
    values_clear(&engine->values);
    secrets_free(&engine->secrets);
    engine_clear(self);
    Py_XDECREF((PyObject *)engine->log);
    buffer_free(&engine->group);
    buffer_free(&engine->roots);
    buffer_free(&engine->late);
    PyMem_Free(engine->changed);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* The signatures are those of contract.py; a test compares them. */
#define HANDLER(name, parameters) \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, \
     #name "($self, code, " parameters ", /)\n--\n\n"}

static PyMethodDef engine_methods[] = {
    HANDLER(on_py_start, "instruction_offset"),
    HANDLER(on_py_resume, "instruction_offset"),
    HANDLER(on_py_throw, "instruction_offset, exception"),
    HANDLER(on_line, "line_number"),
    HANDLER(on_raise, "instruction_offset, exception"),
    HANDLER(on_exception_handled, "instruction_offset, exception"),
    HANDLER(on_py_return, "instruction_offset, retval"),
    HANDLER(on_py_yield, "instruction_offset, retval"),
    HANDLER(on_py_unwind, "instruction_offset, exception"),
    {"output", (PyCFunction)(void (*)(void))engine_output, METH_FASTCALL,
     "output($self, stream, data, frame, /)\n--\n\n"},
    {"exit", engine_exit, METH_O, "exit($self, code, /)\n--\n\n"},
    {"note", engine_note, METH_O, "note($self, record, /)\n--\n\n"},
    {"end", engine_end, METH_NOARGS, "end($self)\n--\n\n"},
    {"counts", engine_counts, METH_NOARGS, "counts($self)\n--\n\n"},
    {"raised_at", engine_raised_at, METH_O, "raised_at($self, exception, /)\n--\n\n"},
    {"restart", engine_restart, METH_O, "restart($self, log, /)\n--\n\n"},
    {"learn", engine_learn, METH_O, "learn($self, value, /)\n--\n\n"},
    {"clean", engine_clean, METH_O, "clean($self, data, /)\n--\n\n"},
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

/* ---- the module */

void *
engine_find(const char *function)
{
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found == NULL) {
        PyErr_Format(PyExc_ImportError, "this CPython has no %s", function);
    }
    return found;
}

static const struct {
    PyObject **name;
    const char *text;
} names[] = {
    {&name_f_globals, "f_globals"},
    {&name_f_locals, "f_locals"},
    {&name_f_lasti, "f_lasti"},
    {&name_f_lineno, "f_lineno"},
    {&name_cause, "__cause__"},
    {&name_func, "__func__"},
    {&name_name, "__name__"},
    {&name_qualname, "__qualname__"},
    {&name_self, "__self__"},
};

static int
engine_exec(PyObject *module)
{
    if (log_prepare(module) < 0 || ask_prepare() < 0 || plans_prepare() < 0
        || internals_prepare(module) < 0 || buffers_prepare(module) < 0 || frames_prepare(module) < 0
        || secrets_prepare() < 0 || variables_prepare() < 0 || tasks_prepare() < 0
        || values_prepare() < 0 || items_prepare() < 0 || attributes_prepare() < 0
        || capture_prepare(module) < 0 || codes_prepare(module) < 0) {
        return -1;
    }
    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        *names[at].name = PyUnicode_InternFromString(names[at].text);
        if (*names[at].name == NULL) {
            return -1;
        }
    }
    PyObject *monitoring = PySys_GetObject("monitoring");
    disable = monitoring == NULL ? NULL : get_attribute(monitoring, "DISABLE");
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    int failed = disable == NULL || type == NULL
                 || PyModule_AddObjectRef(module, "Engine", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, engine_exec},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

static PyMethodDef module_functions[] = {
    {"watch_children", watch_children, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "codetracer_bindings._engine",
    .m_doc = "The recorder's engine in C.",
    .m_methods = module_functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__engine(void)
{
    return PyModuleDef_Init(&module_definition);
}
