#include "objects.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "attributes.h"
#include "contents.h"
#include "items.h"
#include "known.h"
#include "layouts.h"
#include "plans.h"
#include "references.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "values.h"
#include "words.h"

/* The bit of a remembered hash that differs if the objects in the contents were not looked at. */
#define SHALLOW 1

static int
put_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout, int depth)
{
    if (layout->reading != NULL && layout->reading->way) {
        return known_items(engine, items, object, layout->reading, depth);
    }
    return object_items(engine, plan, items, object, layout, depth);
}

static int
put_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    /* The only attribute of a method is the object that it belongs to. */
    if (layout->reading != NULL && layout->form != FORM_METHOD
        && known_attributes(engine, fields, object, layout->reading) < 0) {
        return -1;
    }
    return object_attributes(engine, fields, object, layout);
}

static int
put_held(Engine *engine, Plan *plan, PyObject *object, Layout *layout, uint32_t number, int depth,
         const Words *words)
{
    Values *values = &engine->values;
    Buffer *to = &values->content;
    to->used = values->items_held.used = values->fields.used = 0;
    Items items = {&values->items_held, 0, 0};
    Fields fields = {plan, depth, 0, 0};
    if (put_items(engine, plan, &items, object, layout, depth) < 0
        || put_attributes(engine, &fields, object, layout) < 0) {
        return -1;
    }
    if (items.total > items.count || fields.cut) {
        values->was_cut = 1;
    }
    Several held = {(uint64_t)items.count, items.to->bytes, items.to->used};
    Several named = {(uint64_t)fields.count, values->fields.bytes, values->fields.used};
    if (!words->are_there) {
        return put_object(to, number, (uint64_t)layout->form, layout->number, (uint64_t)items.total,
                          held, (uint64_t)fields.cut, named);
    }
    /* Encode the words last, because an attribute may be a secret that they contain. */
    Buffer said = {0};
    int outcome = words_put(engine, &said, words);
    if (outcome == 0) {
        outcome = put_worded(to, number, (uint64_t)layout->form, layout->number,
                             (uint64_t)items.total, held, (uint64_t)fields.cut, named,
                             (uint64_t)words->failed, (Bytes){said.bytes, said.used});
    }
    buffer_free(&said);
    return outcome;
}

static int
put_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth, int again)
{
    Words words = {0};
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL) {
        return -1;
    }
    if (layout->formatter != NULL && !again
        && words_ask(engine, plan, layout->formatter, object, &words) < 0) {
        return -1;
    }
    engine->values.within = 1;
    engine->values.spare = NESTED * (Py_ssize_t)engine->values.items;
    int outcome = put_held(engine, plan, object, layout, number, depth, &words);
    engine->values.within = 0;
    words_end(&words);
    return outcome;
}

/* Puts the record of an object's contents into `values->content`. If `again`, the object has just been
   written, and the record has no words. */
static int
object_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth, int again)
{
    /* A layout exists as long as its type. While Python code is called, another thread may give the
       object another type, so keep this one. */
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(object));
    int outcome = put_content(engine, plan, object, number, depth, again);
    Py_DECREF(type);
    return outcome;
}

static int
write_object(Engine *engine, Plan *plan, Queued queued)
{
    Values *values = &engine->values;
    Known *known = known_find(values, queued.object);
    int is_known = known->object == queued.object && known->number == queued.number;
    if (is_known) {
        if (in_doubt(values, known->event) || known->depth < queued.depth) {
            known->depth = queued.depth;
        }
        if (known->event != values->event || known->levels < queued.levels) {
            known->levels = queued.levels;
        }
        known->event = values->event;
    }
    size_t waiting = values->queue_used;
    values->refers = 0;
    values->room = queued.room - 1;
    values->levels = queued.levels > 0 ? queued.levels - 1 : 0;
    if (object_content(engine, plan, queued.object, queued.number, queued.depth - 1, 0) < 0) {
        return -1;
    }
    Buffer *content = &values->content;
    uint64_t hash = hash_bytes(content->bytes, content->used);
    known = known_find(values, queued.object);
    is_known = known->object == queued.object && known->number == queued.number;
    if (is_known && known->content == hash) {
        return 0;
    }
    int is_written = is_known && known->content == (hash ^ SHALLOW);
    if (!is_written && contents_put(&values->contents, &engine->group, queued.number, content) < 0) {
        return -1;
    }
    if (is_known) {
        /* The next event that may look deeper has to, as if the contents were new. */
        known->content = values->is_shallow && values->refers ? hash ^ SHALLOW : hash;
    }
    if (!values->refers || queued.depth >= queued.room) {
        return 0;
    }
    /* Its contents may be new even if an object with that number is known, because another object may
       have had this address. */
    while (values->queue_used > waiting) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
    if (is_known) {
        known->depth = queued.room;
    }
    values->room = queued.room - 1;
    return object_content(engine, plan, queued.object, queued.number, queued.room - 1, 1);
}

int
write_objects(Engine *engine, Plan *plan)
{
    Values *values = &engine->values;
    int outcome = 0;
    for (size_t at = 0; outcome == 0 && at < values->queue_used; at++) {
        const Queued *queued = &values->queue[at];
        const Known *known = known_find(values, queued->object);
        if (known->object == queued->object && known->number == queued->number
            && is_done(values, known, queued->depth, queued->levels)) {
            continue;
        }
        if (at < (size_t)values->objects) {
            outcome = write_object(engine, plan, values->queue[at]);
        }
        else {
            values->was_cut = 1;
            outcome = write_unseen(engine, values->queue[at].object);
        }
    }
    if (outcome < 0) {
        values->doubted = values->event + 1;
    }
    values_end_event(values);
    return outcome;
}

