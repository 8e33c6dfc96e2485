#include "budget.h"

#include "_trace_records.h"
#include "ask.h"
#include "cost.h"
#include "group.h"
#include "names.h"
#include "plans.h"
#include "references.h"
#include "state.h"
#include "tables.h"

#define LEAST_SAMPLES 16 /* as in budget.py */

int
budget_init(Engine *engine, PyObject *budget)
{
    if (budget == Py_None) {
        return 0;
    }
    engine->budget.least = number_attribute(budget, "least");
    engine->budget.look = get_attribute(budget, "look");
    return engine->budget.look == NULL || PyErr_Occurred() ? -1 : 0;
}

/* Returns a new reference to a list of the samples, as `look` takes them; NULL with an exception. */
static PyObject *
samples_told(const Budget *budget)
{
    PyObject *told = PyList_New(0);
    for (size_t at = 0; told != NULL && at < budget->used; at++) {
        const Sample *sample = &budget->samples[at];
        PyObject *one =
            Py_BuildValue("(IiL)", sample->code, sample->detail, (long long)sample->taken);
        if (one == NULL || PyList_Append(told, one) < 0) {
            Py_CLEAR(told);
        }
        Py_XDECREF(one);
    }
    return told;
}

/* Returns a new reference to what `look` answers; NULL with an exception or because the engine must give up
   the event. */
static PyObject *
look(Engine *engine)
{
    const Cost *cost = &engine->cost;
    PyObject *spent = PyLong_FromLongLong(cost->events + cost->code);
    PyObject *samples = samples_told(&engine->budget);
    engine->budget.used = 0;
    engine->budget.unasked = 0;
    PyObject *asked[] = {spent, samples};
    PyObject *told = spent == NULL || samples == NULL ? NULL
                                                      : ask(engine, engine->budget.look, asked, 2);
    Py_XDECREF(spent);
    Py_XDECREF(samples);
    return told;
}

/* Returns the plan of the code with a number; NULL if that exists no more. */
static Plan *
plan_numbered(const Engine *engine, uint32_t number)
{
    const Table *plans = &engine->code_plans;
    for (size_t at = 0; at < plans->size; at++) {
        Plan *plan = plans->slots[at].value;
        if (plan != NULL && !plan->skip && plan->number == number) {
            return plan;
        }
    }
    return NULL;
}

/* Sets the detail of the code with a number, if it still exists. Returns -1 with an exception, or because
   the engine must give up the event. */
static int
set_detail(Engine *engine, uint32_t number, int detail)
{
    Plan *plan = plan_numbered(engine, number);
    if (plan == NULL) {
        return 0;
    }
    PyObject *code = Py_NewRef((PyObject *)plan->code);
    PyObject *asked[] = {code, PyLong_FromLong(detail)};
    PyObject *told = asked[1] == NULL ? NULL : ask_method(engine, engine->plans, "lower", asked, 2);
    if (told != NULL) {
        plan->detail = detail;
        /* Its lines stay: they say where its open frames are according to the log. */
        plan->everything.count = 0;
    }
    Py_XDECREF(told);
    Py_XDECREF(asked[1]);
    Py_DECREF(code);
    return told == NULL ? -1 : 0;
}

static int
lower(Engine *engine, PyObject *told)
{
    Py_ssize_t count = PyList_Size(told);
    if (count <= 0) {
        return count < 0 ? -1 : 0;
    }
    if (put_time(&engine->group, elapsed(engine)) < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        unsigned int number;
        int detail;
        if (!PyArg_ParseTuple(PyList_GetItem(told, at), "Ii", &number, &detail)
            /* Readers drop the values of code that has less detail, so the record comes first. */
            || put_detail(&engine->group, number, (uint64_t)detail) < 0
            || set_detail(engine, number, detail) < 0) {
            return -1;
        }
    }
    values_doubt(&engine->values);
    return commit(engine);
}

int
budget_pass(Engine *engine, const Plan *plan, int64_t began)
{
    Budget *budget = &engine->budget;
    /* What follows is no part of the event. */
    int64_t taken = cost_end(&engine->cost, began);
    budget->samples[budget->used++] = (Sample){plan->number, plan->detail, taken};
    budget->unasked += taken;
    if (budget->used < LEAST_SAMPLES
        || (budget->unasked < budget->least && budget->used < MOST_SAMPLES)) {
        return 0;
    }
    began = cost_now();
    PyObject *told = look(engine);
    int outcome = told == NULL ? -1 : lower(engine, told);
    Py_XDECREF(told);
    cost_of_asking(&engine->cost, began);
    return outcome;
}
