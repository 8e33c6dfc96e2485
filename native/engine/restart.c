#include "restart.h"

#include "ask.h"
#include "frames.h"
#include "group.h"
#include "log.h"
#include "plans.h"
#include "stacks.h"
#include "state.h"
#include "tables.h"
#include "turn.h"
#include "values.h"

void
engine_forget(Engine *engine)
{
    for (size_t at = 0; at < engine->threads.size; at++) {
        Thread *thread = engine->threads.slots[at].value;
        if (thread != NULL) {
            while (thread->used > 0) {
                state_free(thread->stack[--thread->used]);
            }
            PyMem_Free(thread->stack);
            PyMem_Free(thread->steps);
            PyMem_Free(thread->matched);
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
        PyMem_Free(namespace->looked);
        PyMem_Free(namespace);
    }
    PyMem_Free(engine->numbered);
    engine->numbered = NULL;
    table_free(&engine->threads);
    keyed_free(&engine->suspended);
    table_free(&engine->code_plans);
    table_free(&engine->namespaces);
    engine->current = NULL;
    engine->next_thread = engine->next_frame = engine->next_namespace = engine->next_code = 0;
    engine->steps = 0;
    memset(engine->raised, 0, sizeof(engine->raised));
    engine->group.used = 0;
    engine->late.used = 0;
    engine->changed_used = 0;
    engine->budget.used = 0;
    engine->budget.unasked = 0;
    engine->busy = 0;
    values_forget(&engine->values);
}

void
engine_begin_child(Engine *engine)
{
    Log *before = engine->log;
    engine_forget(engine);
    engine->log = (Log *)engine->restart;
    engine->restart = NULL;
    engine->forks = fork_count;
    elapsed(engine);
    if (turn_prepare(&engine->turn) < 0) {
        /* The child has no other threads yet, so nothing needs it now. */
        PyErr_Clear();
    }
    engine->missed = 0;
    Py_DECREF((PyObject *)before);
}
