#include "words.h"

#include "_trace_records.h"
#include "ask.h"
#include "plans.h"
#include "state.h"
#include "tables.h"
#include "values.h"

/* Returns a new reference to the name of an exception's class, or NULL with an exception. */
static PyObject *
name_of(PyObject *exception)
{
    PyObject *name = PyType_GetName(Py_TYPE(exception));
    if (name == NULL) {
        PyErr_Clear();
        return PyUnicode_FromString("");
    }
    return name;
}

int
words_ask(Engine *engine, Plan *plan, PyObject *formatter, PyObject *object, Words *words)
{
    /* Filters treat the words as an attribute whose name is empty. */
    PyObject *name = PyUnicode_FromStringAndSize(NULL, 0);
    int action = name == NULL ? -1 : plan_action(engine, plan, name);
    Py_XDECREF(name);
    if (action != ALLOW) {
        words->are_there = action != DROP;
        return action < 0 ? -1 : 0;
    }
    PyObject *args[] = {formatter, object};
    PyObject *interrupt = NULL;
    PyObject *told = ask_program(engine, engine->values.say, args, 2, &interrupt);
    if (told == NULL && interrupt == NULL) {
        return -1;
    }
    words->are_there = 1;
    if (interrupt != NULL) {
        words->failed = 1;
        words->text = name_of(interrupt);
        raise_later(engine, interrupt);
    }
    else {
        words->failed = PyLong_AsLong(PyTuple_GetItem(told, 0)) != 0;
        words->text = Py_XNewRef(PyTuple_GetItem(told, 1));
        Py_DECREF(told);
    }
    return words->text == NULL ? -1 : 0;
}

int
words_put(Engine *engine, Buffer *to, const Words *words)
{
    return words->text == NULL ? put_value_redacted(to)
                               : values_encode(engine, to, words->text, 0, 0);
}

void
words_end(Words *words)
{
    Py_CLEAR(words->text);
}
