/* The type Engine and its module. */
#include <Python.h>

#include "ask.h"
#include "attributes.h"
#include "budget.h"
#include "buffers.h"
#include "bytecode.h"
#include "capture.h"
#include "changes.h"
#include "children.h"
#include "codes.h"
#include "constants.h"
#include "described.h"
#include "effects.h"
#include "events.h"
#include "frameobjects.h"
#include "group.h"
#include "internals.h"
#include "keys.h"
#include "log.h"
#include "plans.h"
#include "restart.h"
#include "scopes.h"
#include "secrets.h"
#include "state.h"
#include "tables.h"
#include "tasks.h"
#include "turn.h"
#include "values.h"

/* ---- the type */

static PyObject *
engine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {
        "log",        "gate",      "plans",      "definitions", "thread_name", "builtins", "depth",
        "items",      "text",      "objects",    "active",      "clock",       "layout_of", "say",
        "parts",      "urls",      "containers", "iterators",   "formatters",  "budget",   NULL};
    PyObject *log, *gate, *plans, *definitions, *thread_name, *builtins, *clock;
    PyObject *layout, *say, *parts, *urls, *containers, *iterators, *budget;
    int depth, items, text, objects, active, formatters;
    const ModuleState *state = PyType_GetModuleState(type);
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "$O!OOOOOiiiipOOOOOOOpO:Engine", (char **)names,
                                     state->log_type, &log, &gate, &plans, &definitions,
                                     &thread_name, &builtins, &depth, &items, &text, &objects,
                                     &active, &clock, &layout, &say, &parts, &urls, &containers,
                                     &iterators, &formatters, &budget)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Engine *engine = (Engine *)allocate(type, 0);
    if (engine == NULL) {
        return NULL;
    }
    engine->state = state;
    engine->log = (Log *)Py_NewRef(log);
    engine->gate = Py_NewRef(gate);
    engine->plans = Py_NewRef(plans);
    engine->definitions = Py_NewRef(definitions);
    engine->thread_name = Py_NewRef(thread_name);
    engine->builtins = Py_NewRef(builtins);
    engine->clock = clock == Py_None ? NULL : Py_NewRef(clock);
    engine->has_formatters = formatters;
    engine->values.judge = changes_levels;
    engine->values.depth = depth;
    engine->values.items = items;
    engine->values.text = text;
    engine->values.objects = objects;
    engine->values.layout_of = Py_NewRef(layout);
    engine->values.say = Py_NewRef(say);
    engine->active = active;
    if (budget_init(engine, budget) < 0 || turn_prepare(&engine->turn) < 0 || changes_init(engine, containers, iterators) < 0
        || values_init(&engine->values) < 0
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
    Py_VISIT(engine->budget.look);
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
    /* Later calls of its methods do nothing, and find only the log. */
    engine->active = 0;
    engine->activation = engine;
    Py_CLEAR(engine->gate);
    Py_CLEAR(engine->plans);
    Py_CLEAR(engine->definitions);
    Py_CLEAR(engine->thread_name);
    Py_CLEAR(engine->builtins);
    Py_CLEAR(engine->restart);
    Py_CLEAR(engine->clock);
    Py_CLEAR(engine->budget.look);
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
    engine_forget(engine);
    values_clear(&engine->values);
    secrets_free(&engine->secrets);
    engine_clear(self);
    Py_XDECREF((PyObject *)engine->log);
    buffer_free(&engine->group);
    buffer_free(&engine->roots);
    buffer_free(&engine->late);
    PyMem_Free(engine->changed);
    PyMem_Free(engine->found);
    table_free(&engine->effects);
    table_free(&engine->texts);
    table_free(&engine->plain);
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
    {"output", (PyCFunction)(void (*)(void))events_output, METH_FASTCALL,
     "output($self, stream, data, frame, /)\n--\n\n"},
    {"exit", events_exit, METH_O, "exit($self, code, /)\n--\n\n"},
    {"note", events_note, METH_O, "note($self, record, /)\n--\n\n"},
    {"end", events_end, METH_NOARGS, "end($self)\n--\n\n"},
    {"counts", events_counts, METH_NOARGS, "counts($self)\n--\n\n"},
    {"cost", events_cost, METH_NOARGS, "cost($self)\n--\n\n"},
    {"raised_at", events_raised_at, METH_O, "raised_at($self, exception, /)\n--\n\n"},
    {"restart", events_restart, METH_O, "restart($self, log, /)\n--\n\n"},
    {"learn", events_learn, METH_O, "learn($self, value, /)\n--\n\n"},
    {"clean", events_clean, METH_O, "clean($self, data, /)\n--\n\n"},
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

static int
engine_exec(PyObject *module)
{
    ModuleState *state = PyModule_GetState(module);
    if (state_prepare(state) < 0 || log_prepare(module, state) < 0 || ask_prepare() < 0
        || plans_prepare() < 0 || internals_prepare(module) < 0 || buffers_prepare(module) < 0
        || frames_prepare(module) < 0 || scopes_prepare() < 0 || effects_prepare(state) < 0
        || keys_prepare(state) < 0 || changes_prepare(state) < 0 || events_prepare() < 0
        || values_prepare(state) < 0 || attributes_prepare() < 0
        || capture_prepare(module, state) < 0 || codes_prepare(module) < 0
        || bytecode_prepare(module, state) < 0) {
        return -1;
    }
    tasks_prepare();
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Engine", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static int
engine_module_traverse(PyObject *module, visitproc visit, void *arg)
{
    return state_traverse(PyModule_GetState(module), visit, arg);
}

static int
engine_module_clear(PyObject *module)
{
    state_clear(PyModule_GetState(module));
    return 0;
}

static void
engine_module_free(void *module)
{
    state_clear(PyModule_GetState(module));
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, engine_exec},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

static PyMethodDef module_functions[] = {
    {"described_lines", described_lines, METH_O, NULL},
    {"running_frames", running_frames, METH_NOARGS, NULL},
    {"watch_children", watch_children, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "codetracer_bindings._engine",
    .m_doc = "The recorder's engine in C.",
    .m_size = sizeof(ModuleState),
    .m_methods = module_functions,
    .m_slots = module_slots,
    .m_traverse = engine_module_traverse,
    .m_clear = engine_module_clear,
    .m_free = engine_module_free,
};

PyMODINIT_FUNC
PyInit__engine(void)
{
    return PyModuleDef_Init(&module_definition);
}
