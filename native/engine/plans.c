#include "plans.h"

#include <stdlib.h>

#include "_trace_format.h"
#include "_trace_records.h"
#include "ask.h"
#include "bytecode.h"
#include "codes.h"
#include "constants.h"
#include "internals.h"
#include "lines.h"
#include "names.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "utf8.h"

/* Code objects are identified by their addresses, and not kept alive. The program could see a weak
   reference (weakref.getweakrefcount), so CPython reports their end (PyCode_AddWatcher, since 3.12). */
typedef int (*Watcher)(int, PyCodeObject *);
typedef int (*AddWatcher)(Watcher);

#define CODE_DESTROYED 1 /* PY_CODE_EVENT_DESTROY */

static int is_watching;
static Engine *engines;

void
engines_add(Engine *engine)
{
    engine->next = engines;
    engines = engine;
}

void
engines_remove(Engine *engine)
{
    Engine **place = &engines;
    while (*place != NULL && *place != engine) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = engine->next;
    }
}

static int
watch_code(int event, PyCodeObject *code)
{
    for (Engine *engine = engines; event == CODE_DESTROYED && engine != NULL;
         engine = engine->next) {
        plan_release(table_take(&engine->code_plans, code));
    }
    if (event == CODE_DESTROYED) {
        codes_forget(code);
    }
    return 0;
}

int
plans_prepare(void)
{
    if (is_watching) {
        return 0;
    }
    AddWatcher add_watcher = (AddWatcher)find_function("PyCode_AddWatcher");
    if (add_watcher == NULL) {
        return -1;
    }
    if (add_watcher(watch_code) < 0) {
        PyErr_SetString(PyExc_ImportError, "all watchers of code objects are taken");
        return -1;
    }
    is_watching = 1;
    return 0;
}

void
plan_release(Plan *plan)
{
    if (plan == NULL || --plan->refs > 0) {
        return;
    }
    for (Py_ssize_t at = 0; at < plan->count; at++) {
        Py_XDECREF(plan->variables[at].name);
    }
    for (Py_ssize_t at = 0; at < plan->line_count; at++) {
        line_clear(&plan->lines[at]);
    }
    PyMem_Free(plan->lines);
    looks_free(&plan->everything);
    PyMem_Free(plan->variables);
    PyMem_Free(plan->parameter);
    Py_XDECREF(plan->name);
    Py_XDECREF(plan->attributes);
    Py_XDECREF(plan->numbers);
    PyMem_Free(plan);
}

int
plan_action(Engine *engine, Plan *plan, PyObject *name)
{
    PyObject *known = PyDict_GetItemWithError(plan->attributes, name);
    if (known != NULL) {
        return (int)PyLong_AsLong(known);
    }
    /* __missing__ adds the name to the dict, unless the name is too long. */
    PyObject *told =
        PyErr_Occurred() ? NULL : ask_method(engine, plan->attributes, "__missing__", &name, 1);
    if (told == NULL) {
        return -1;
    }
    int action = (int)PyLong_AsLong(told);
    Py_DECREF(told);
    return action;
}

static Variables
variables_of(const Plan *plan)
{
    return (Variables){plan->variables, plan->count, plan->locals};
}

static int
compare_lines(const void *one, const void *other)
{
    int first = ((const Line *)one)->number;
    int second = ((const Line *)other)->number;
    return (first > second) - (first < second);
}

/* What outline of plans.py says of a code object; the objects are its own. */
typedef struct {
    unsigned int source;
    PyObject *name;
    PyObject *qualified;
    PyObject *module;
    Py_ssize_t parameters;
    PyObject *names;
    PyObject *global_names;
    PyObject *actions; /* bytes: one for each name */
    PyObject *reading;
} Outline;

/* Reads an outline, whose numbers go into the plan. */
static int
read_outline(Outline *outline, Plan *plan, PyObject *told)
{
    static const char *const names[] = {
        "source", "detail", "kind",   "first_line",   "beginning", "in_slots", "gathers",
        "makes",  "name",   "qualified", "module",    "parameters", "names",   "global_names",
        "actions", "return_action", "attributes", "reading", NULL};
    PyObject *attributes;
    if (!PyDict_Check(told)) {
        PyErr_SetString(PyExc_TypeError, "the outline of a plan is no dict");
        return -1;
    }
    PyObject *none = PyTuple_New(0);
    int is_read = none != NULL
                  && PyArg_ParseTupleAndKeywords(
                      none, told, "$IiiiipppUUUnO!O!SiO!O:outline", (char **)names, &outline->source,
                      &plan->detail, &plan->kind, &plan->first_line, &plan->beginning, &plan->in_slots,
                      &plan->gathers, &plan->makes, &outline->name, &outline->qualified,
                      &outline->module, &outline->parameters, &PyList_Type, &outline->names,
                      &PyList_Type, &outline->global_names, &outline->actions, &plan->return_action,
                      &PyDict_Type, &attributes, &outline->reading);
    Py_XDECREF(none);
    if (!is_read) {
        return -1;
    }
    plan->name = Py_NewRef(outline->name);
    plan->attributes = Py_NewRef(attributes);
    plan->numbers = PyDict_New();
    return plan->numbers == NULL ? -1 : 0;
}

/* Makes the variables. Their count comes last: plan_release goes by it. */
static int
fill_variables(Plan *plan, const Outline *outline, PyObject *code)
{
    Py_ssize_t locals = PyList_Size(outline->names);
    Py_ssize_t count = locals + PyList_Size(outline->global_names);
    if (PyBytes_Size(outline->actions) != count || outline->parameters < 0
        || outline->parameters > locals) {
        PyErr_Format(PyExc_SystemError, "a plan has %zd actions for %zd variables, and %zd parameters",
                     PyBytes_Size(outline->actions), count, outline->parameters);
        return -1;
    }
    plan->variables = PyMem_Calloc((size_t)count + 1, sizeof(Variable));
    plan->everything.looks = PyMem_Calloc((size_t)count + 1, sizeof(Look));
    plan->parameter = PyMem_Calloc((size_t)outline->parameters + 1, sizeof(Variable *));
    if (plan->variables == NULL || plan->everything.looks == NULL || plan->parameter == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject *around = plan->in_slots ? NULL : get_attribute(code, "co_freevars");
    int failed = !plan->in_slots && around == NULL;
    const char *actions = PyBytes_AsString(outline->actions);
    for (Py_ssize_t at = 0; !failed && at < count; at++) {
        Variable *variable = &plan->variables[at];
        variable->number = (uint32_t)at;
        variable->is_global = at >= locals;
        variable->name = Py_NewRef(variable->is_global
                                       ? PyList_GetItem(outline->global_names, at - locals)
                                       : PyList_GetItem(outline->names, at));
        if (!PyUnicode_CheckExact(variable->name)) {
            PyErr_SetString(PyExc_TypeError, "the name of a variable is no str");
            failed = 1;
        }
        variable->action = (unsigned char)actions[at];
        variable->slot = -1;
        if (!failed && around != NULL && !variable->is_global) {
            variable->is_around = PySequence_Contains(around, variable->name);
            failed = variable->is_around < 0;
        }
        plan->secrets |= variable->action == SECRET;
        if (plan->detail == DETAIL_VALUES && variable->action != DROP) {
            plan->everything.looks[plan->everything.count++] = (Look){variable, 0};
        }
        plan->count++;
    }
    while (plan->parameters < outline->parameters) {
        plan->parameter[plan->parameters] = &plan->variables[plan->parameters];
        plan->parameters++;
    }
    plan->locals = locals;
    Py_XDECREF(around);
    return failed ? -1 : 0;
}

static int
fill_lines(const ModuleState *state, Plan *plan, PyObject *told)
{
    if (plan->detail != DETAIL_VALUES) {
        return 0;
    }
    CodeReading *reading = reading_of(state, told);
    if (reading == NULL) {
        return -1;
    }
    plan->lines = PyMem_Calloc((size_t)reading->line_count + 1, sizeof(Line));
    if (plan->lines == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    plan->line_count = reading->line_count;
    if (lines_fill(plan->lines, variables_of(plan), reading) < 0) {
        return -1;
    }
    qsort(plan->lines, (size_t)plan->line_count, sizeof(Line), compare_lines);
    return 0;
}

static int
put_name(Buffer *to, PyObject *name)
{
    Utf8 utf8 = {0};
    int failed = utf8_take(&utf8, name) < 0 || buffer_reserve(to, RECORD_ROOM) < 0;
    if (!failed) {
        to->used = (size_t)(store_uint(to->bytes + to->used, utf8.bytes.size) - to->bytes);
        failed = put_bytes(to, utf8.bytes.bytes, utf8.bytes.size) < 0;
    }
    utf8_end(&utf8);
    return failed ? -1 : 0;
}

/* Appends the record of a code object to the group, and gives it its number. */
static int
define_code(Engine *engine, Plan *plan, const Outline *outline)
{
    Buffer names = {0};
    Utf8 qualified = {0};
    Utf8 module = {0};
    size_t locals_end = 0;
    int failed = utf8_take(&qualified, outline->qualified) < 0 || utf8_take(&module, outline->module) < 0;
    for (Py_ssize_t at = 0; !failed && at < plan->count; at++) {
        failed = put_name(&names, plan->variables[at].name) < 0;
        locals_end = at < plan->locals ? names.used : locals_end;
    }
    Several locals = {(uint64_t)plan->locals, (char *)names.bytes, locals_end};
    Several globals = {(uint64_t)(plan->count - plan->locals), (char *)names.bytes + locals_end,
                       names.used - locals_end};
    failed = failed
             || put_code(&engine->group, outline->source, (uint64_t)plan->first_line,
                         (uint64_t)plan->kind, qualified.bytes, module.bytes,
                         (uint64_t)plan->parameters, locals, globals)
                    < 0;
    if (!failed) {
        plan->number = engine->next_code++;
        failed = plan->detail != DETAIL_VALUES
                 && put_detail(&engine->group, plan->number, (uint64_t)plan->detail) < 0;
    }
    utf8_end(&qualified);
    utf8_end(&module);
    PyMem_Free(names.bytes);
    return failed ? -1 : 0;
}

/* Moves the records that Python code put into definitions.out to the group. */
static int
take_definitions(Engine *engine)
{
    PyObject *out = get_attribute(engine->definitions, "out");
    if (out == NULL) {
        return -1;
    }
    Py_ssize_t count = PyList_Size(out);
    int failed = 0;
    for (Py_ssize_t at = 0; !failed && at < count; at++) {
        char *bytes;
        Py_ssize_t length;
        failed = PyBytes_AsStringAndSize(PyList_GetItem(out, at), &bytes, &length) < 0
                 || put_bytes(&engine->group, bytes, (size_t)length) < 0;
    }
    failed = failed || PyList_SetSlice(out, 0, count, NULL) < 0;
    Py_DECREF(out);
    return failed ? -1 : 0;
}

/* Fills the plan of a code object that is recorded from what outline said of it, and defines that. */
static int
fill_plan(Engine *engine, Plan *plan, PyObject *told)
{
    Outline outline = {0};
    if (plan->skip) {
        return take_definitions(engine);
    }
    return read_outline(&outline, plan, told) < 0
                   || fill_variables(plan, &outline, (PyObject *)plan->code) < 0
                   || fill_lines(engine->state, plan, outline.reading) < 0
                   || take_definitions(engine) < 0 || define_code(engine, plan, &outline) < 0
               ? -1
               : 0;
}

int
plan_start(Engine *engine, PyObject *code)
{
    PyObject *told = ask_method(engine, engine->plans, "tell_start", &code, 1);
    Py_XDECREF(told);
    return told == NULL ? -1 : take_definitions(engine);
}

Plan *
plan_new(Engine *engine, PyObject *code, PyObject *frame)
{
    PyObject *globals = PyObject_GetAttr(frame, engine->state->name_f_globals);
    if (globals == NULL) {
        return NULL;
    }
    PyObject *module = plain_get(globals, engine->state->name_name);
    PyObject *asked[] = {code, module == NULL ? Py_None : module};
    PyObject *told = ask_method(engine, engine->plans, "outline", asked, 2);
    Py_DECREF(globals);
    if (told == NULL) {
        return NULL;
    }
    Plan *plan = PyMem_Calloc(1, sizeof(Plan));
    if (plan == NULL) {
        Py_DECREF(told);
        PyErr_NoMemory();
        return NULL;
    }
    plan->refs = 1;
    plan->code = code;
    PyObject *starts = PyTuple_GetItem(told, 0);
    PyObject *outlined = starts == NULL ? NULL : PyTuple_GetItem(told, 1);
    plan->starts = starts == Py_True;
    plan->skip = outlined == Py_None;
    int failed = outlined == NULL || fill_plan(engine, plan, outlined) < 0;
    engine->plans_made++;
    Py_DECREF(told);
    if (!failed) {
        plan_release(table_set(&engine->code_plans, code, plan, &failed));
    }
    if (failed) {
        plan_release(plan);
        return NULL;
    }
    return plan;
}
