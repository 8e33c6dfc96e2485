/* A group of records: the time in it, and how it gets into the log. */
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

int
commit(Engine *engine)
{
    Written written = log_write(engine->log, engine->group.bytes, engine->group.used);
    if (written == LOG_WRITTEN) {
        engine->group.used = 0;
    }
    return written == LOG_FAILED ? -1 : 0;
}
