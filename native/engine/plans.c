#include "plans.h"

#include <stdlib.h>

#include "_trace_format.h"
#include "ask.h"
#include "bytecode.h"
#include "codes.h"
#include "constants.h"
#include "internals.h"
#include "lines.h"
#include "names.h"
#include "state.h"
#include "tables.h"

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
fill_variable(Plan *plan, PyObject *told)
{
    Variable *variable = variable_told(variables_of(plan), told);
    if (variable == NULL) {
        return -1;
    }
    variable->name = next_attribute(told, "name");
    variable->number = (uint32_t)(variable - plan->variables);
    variable->is_global = (int)number_attribute(told, "is_global");
    variable->is_around = (int)number_attribute(told, "is_around");
    variable->action = (int)number_attribute(told, "action");
    variable->slot = -1;
    plan->secrets |= variable->action == SECRET;
    return PyErr_Occurred() ? -1 : 0;
}

static int
compare_lines(const void *one, const void *other)
{
    int first = ((const Line *)one)->number;
    int second = ((const Line *)other)->number;
    return (first > second) - (first < second);
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

/* Makes room for the variables and parameters. The counts come last: plan_release goes by them. */
static int
make_variables(Plan *plan, PyObject *variables, PyObject *parameters)
{
    Py_ssize_t count = PyList_Size(variables);
    Py_ssize_t parameter_count = PyList_Size(parameters);
    if (count < 0 || parameter_count < 0) {
        return -1;
    }
    plan->variables = PyMem_Calloc((size_t)count + 1, sizeof(Variable));
    plan->parameter = PyMem_Calloc((size_t)parameter_count + 1, sizeof(Variable *));
    if (plan->variables == NULL || plan->parameter == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    plan->count = count;
    plan->parameters = parameter_count;
    return 0;
}

static int
fill_plan(const ModuleState *state, Plan *plan, PyObject *told)
{
    PyObject *variables = next_attribute(told, "variables");
    PyObject *parameters = next_attribute(told, "parameters");
    PyObject *everything = next_attribute(told, "everything");
    PyObject *lines = next_attribute(told, "lines");
    plan->attributes = next_attribute(told, "attributes");
    plan->name = next_attribute(told, "name");
    plan->numbers = PyDict_New();
    int failed = variables == NULL || parameters == NULL || everything == NULL || lines == NULL
                 || plan->attributes == NULL || plan->name == NULL || plan->numbers == NULL;
    if (!failed) {
        plan->number = (uint32_t)number_attribute(told, "number");
        plan->kind = (int)number_attribute(told, "kind");
        plan->detail = (int)number_attribute(told, "detail");
        plan->first_line = (int)number_attribute(told, "first_line");
        plan->beginning = (int)number_attribute(told, "beginning");
        plan->locals = (Py_ssize_t)number_attribute(told, "locals");
        plan->in_slots = (int)number_attribute(told, "in_slots");
        plan->gathers = (int)number_attribute(told, "gathers");
        plan->makes = (int)number_attribute(told, "makes");
        plan->return_action = (int)number_attribute(told, "return_action");
        failed = PyErr_Occurred() != NULL || make_variables(plan, variables, parameters) < 0;
    }
    for (Py_ssize_t at = 0; !failed && at < plan->count; at++) {
        failed = fill_variable(plan, PyList_GetItem(variables, at)) < 0;
    }
    for (Py_ssize_t at = 0; !failed && at < plan->parameters; at++) {
        plan->parameter[at] = variable_told(variables_of(plan), PyList_GetItem(parameters, at));
        failed = plan->parameter[at] == NULL;
    }
    failed = failed || looks_fill(&plan->everything, variables_of(plan), everything) < 0
             || fill_lines(state, plan, lines) < 0;
    Py_XDECREF(variables);
    Py_XDECREF(parameters);
    Py_XDECREF(everything);
    Py_XDECREF(lines);
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
    PyObject *told = ask_method(engine, engine->plans, "make", asked, 2);
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
    plan->skip = told == Py_None;
    int failed = (!plan->skip && fill_plan(engine->state, plan, told) < 0)
                 || take_definitions(engine) < 0;
    engine->plans_made++;
    Py_DECREF(told);
    PyObject *starts = failed ? NULL : ask_method(engine, engine->plans, "starts", &code, 1);
    plan->starts = starts == Py_True;
    failed |= starts == NULL;
    Py_XDECREF(starts);
    if (!failed) {
        plan_release(table_set(&engine->code_plans, code, plan, &failed));
    }
    if (failed) {
        plan_release(plan);
        return NULL;
    }
    return plan;
}
