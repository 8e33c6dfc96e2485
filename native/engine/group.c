#include "group.h"

#include <time.h>

#include "_trace_records.h"
#include "ask.h"
#include "contents.h"
#include "cost.h"
#include "log.h"
#include "masks.h"
#include "state.h"

#define MILLISECOND 1000000

static int64_t
clock_now(Engine *engine)
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
    return now;
}

uint64_t
elapsed(Engine *engine)
{
    int64_t now = clock_now(engine);
    int64_t since = now - engine->time;
    engine->time = now;
    return since < 0 ? 0 : (uint64_t)since;
}

int
pass_time(Engine *engine)
{
    int64_t now = clock_now(engine);
    int64_t since = now - engine->time;
    if (since < MILLISECOND) {
        return 0;
    }
    if (put_time(&engine->group, (uint64_t)since) < 0) {
        return -1;
    }
    engine->time = now;
    return 0;
}

int
commit(Engine *engine)
{
    if (engine->let_go || engine->forks != fork_count) {
        /* Code of the program ran during the event, and forked or ended the recording. */
        engine->let_go = 1;
        engine->group.used = 0;
        return -1;
    }
    if (engine->secrets.count != engine->secrets.masked) {
        secrets_mask(engine);
    }
    int64_t began = engine->cost.is_sampled ? cost_now() : 0;
    Written written = log_write(engine->log, engine->group.bytes, engine->group.used);
    if (began != 0) {
        cost_of_writing(&engine->cost, began);
    }
    if (written == LOG_WRITTEN) {
        contents_passed(&engine->values.contents, engine->group.used);
        engine->group.used = 0;
    }
    return written == LOG_FAILED ? -1 : 0;
}
