/* The log's clock, and its window, into which each group of records is written in one piece. */
#include "engine.h"

#include <time.h>

int64_t
elapsed(Engine *engine)
{
    int64_t now;
    if (engine->clock != NULL) {
        PyObject *told = PyObject_CallNoArgs(engine->clock);
        now = told == NULL ? engine->time : PyLong_AsLongLong(told);
        Py_XDECREF(told);
        PyErr_Clear();
    }
    else {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    }
    int64_t since = now - engine->time;
    engine->time = now;
    return since < 0 ? 0 : since;
}

static int
borrow_window(Engine *engine)
{
    PyObject *lent = PyObject_CallMethod(engine->log, "lend", NULL);
    if (lent == NULL) {
        return -1;
    }
    engine->position = PyLong_AsSize_t(PyTuple_GetItem(lent, 1));
    engine->limit = PyLong_AsSize_t(PyTuple_GetItem(lent, 2));
    int failed = PyErr_Occurred() != NULL
                 || PyObject_GetBuffer(PyTuple_GetItem(lent, 0), &engine->window, PyBUF_WRITABLE)
                        < 0;
    Py_DECREF(lent);
    engine->holds_window = !failed;
    return failed ? -1 : 0;
}

int
return_window(Engine *engine)
{
    if (!engine->holds_window) {
        return 0;
    }
    engine->holds_window = 0;
    PyBuffer_Release(&engine->window);
    PyObject *done = PyObject_CallMethod(engine->log, "take_back", "n",
                                         (Py_ssize_t)engine->position);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
make_room(Engine *engine, size_t needed)
{
    if (!engine->holds_window && borrow_window(engine) < 0) {
        return -1;
    }
    if (engine->limit - engine->position >= needed) {
        return 0;
    }
    if (return_window(engine) < 0) {
        return -1;
    }
    PyObject *done = PyObject_CallMethod(engine->log, "next_block", "n", (Py_ssize_t)needed);
    if (done == NULL) {
        return -1;
    }
    Py_DECREF(done);
    return borrow_window(engine);
}

/* Writes the group in one piece. */
int
commit(Engine *engine)
{
    Buffer *group = &engine->group;
    size_t count = group->used;
    if (count == 0) {
        return 0;
    }
    if ((!engine->holds_window || engine->limit - engine->position < count)
        && make_room(engine, count) < 0) {
        return -1;
    }
    unsigned char *to = (unsigned char *)engine->window.buf + engine->position;
    memcpy(to + 1, group->bytes + 1, count - 1);
    /* The first byte last: as long as it is 0, the block ends before it. */
    __atomic_store_n(to, group->bytes[0], __ATOMIC_RELEASE);
    engine->position += count;
    group->used = 0;
    return 0;
}
