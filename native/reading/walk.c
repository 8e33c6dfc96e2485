/* Processes each record as index_builder.py does, which gives the reasons. */
#include "walk.h"

#include <string.h>

#include "_index_format.h"
#include "_trace_fields.h"
#include "_trace_format.h"
#include "_trace_reader.h"
#include "fields.h"
#include "segment.h"
#include "spans.h"
#include "tables.h"

/* ---- keyframes */

static int
define(Walk *self)
{
    if (!self->segment.noting) {
        return 0;
    }
    unsigned char *row = segment_row(&self->segment.rows_definitions, DEFINITION_ROW_SIZE);
    if (row == NULL) {
        return -1;
    }
    write_definition_row(row, self->offset + self->at);
    return 0;
}

static void
frame_row(unsigned char *to, const Frame *frame)
{
    write_frame_row(to, frame->number, frame->began, frame->step, frame->task, frame->code,
                    (uint32_t)frame->line);
}

/* Writes a thread's stack, if it is another one than the segment has. */
static int
write_stack(Walk *self, uint32_t number)
{
    Thread *thread = &self->threads[number];
    if (thread->depth > thread->written_room) {
        void *found = PyMem_Realloc(thread->written, thread->depth * FRAME_ROW_SIZE);
        if (found == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        thread->written = found;
        thread->written_room = thread->depth;
    }
    size_t kept = 0;
    int same = 1;
    for (size_t at = 0; at < thread->depth; at++) {
        unsigned char row[FRAME_ROW_SIZE];
        unsigned char *written = thread->written + at * FRAME_ROW_SIZE;
        frame_row(row, thread->stack[at]);
        same = same && at < thread->written_depth && memcmp(row, written, FRAME_ROW_SIZE) == 0;
        if (same) {
            kept++;
        }
        else {
            memcpy(written, row, FRAME_ROW_SIZE);
        }
    }
    if (kept == thread->depth && kept == thread->written_depth
        && thread->task == thread->written_task) {
        return 0;
    }
    size_t above = thread->depth - kept;
    Buffer *frames = &self->segment.rows_frames;
    unsigned char *row = segment_row(&self->segment.rows_threads, THREAD_ROW_SIZE);
    if (row == NULL) {
        return -1;
    }
    write_thread_row(row, thread->task, number, (uint32_t)kept, (uint32_t)above,
                     (uint32_t)(frames->used / FRAME_ROW_SIZE));
    thread->written_depth = thread->depth;
    thread->written_task = thread->task;
    return above ? put_bytes(frames, thread->written + kept * FRAME_ROW_SIZE, above * FRAME_ROW_SIZE)
                 : 0;
}

/* The state before a block, but for its offset. */
typedef struct {
    uint64_t steps, calls, objects, time;
    uint32_t thread, threads;
} Before;

static int
write_state(Walk *self, Before *before)
{
    *before = (Before){self->steps, self->calls, self->objects, self->time,
                       self->thread == NONE ? 0 : self->thread + 1,
                       (uint32_t)(self->segment.rows_threads.used / THREAD_ROW_SIZE)};
    for (uint32_t number = 0; self->segment.noting && number < self->thread_count; number++) {
        if (write_stack(self, number) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
put_block_row(Walk *self, uint64_t offset, const Before *before, uint32_t used, uint32_t crc)
{
    unsigned char *row = segment_row(&self->segment.rows_blocks, BLOCK_ROW_SIZE);
    if (row == NULL) {
        return -1;
    }
    write_block_row(row, offset, before->steps, before->calls, before->objects, before->time, used,
                    crc, before->thread, before->threads, self->raises, self->outputs);
    return 0;
}

/* ---- frames */

static int
touch(Walk *self, Frame *frame)
{
    if (frame->touched == self->segment.block + 1) {
        return 0;
    }
    if (make_room((void **)&self->touched, self->touched_count, &self->touched_room,
                  sizeof(Frame *))
        < 0) {
        return -1;
    }
    frame->touched = self->segment.block + 1;
    self->touched[self->touched_count++] = frame;
    return 0;
}

static Thread *
running(Walk *self)
{
    if (self->thread == NONE) {
        impossible("no thread was named");
        return NULL;
    }
    return &self->threads[self->thread];
}

/* Returns the innermost frame of the running thread, which is touched; NULL with an exception. */
static Frame *
innermost(Walk *self)
{
    Thread *thread = running(self);
    if (thread == NULL) {
        return NULL;
    }
    if (thread->depth == 0) {
        impossible("the thread has no frame");
        return NULL;
    }
    Frame *frame = thread->stack[thread->depth - 1];
    return touch(self, frame) < 0 ? NULL : frame;
}

/* Touches the frame in which something of the whole process happens, if there is one. */
static int
touch_top(Walk *self)
{
    const Thread *thread = self->thread == NONE ? NULL : &self->threads[self->thread];
    return thread == NULL || thread->depth == 0 ? 0 : touch(self, thread->stack[thread->depth - 1]);
}

static const void *
frame_key(uint64_t number)
{
    return (const void *)(uintptr_t)(number + 2);
}

static int
keep_resumable(Walk *self, Frame *frame)
{
    if (frame->resumable) {
        return 0;
    }
    int failed;
    table_set(&self->resumable, frame_key(frame->number), frame, &failed);
    frame->resumable = !failed;
    return failed ? -1 : 0;
}

static int
pass_time(Walk *self, uint64_t later)
{
    if (later > UINT64_MAX - self->time) {
        return impossible("the time is larger than an index has room for");
    }
    self->time += later;
    return 0;
}

static int
push(Walk *self, Frame *frame)
{
    Thread *thread = running(self);
    if (thread == NULL
        || make_room((void **)&thread->stack, thread->depth, &thread->room, sizeof(Frame *)) < 0) {
        return -1;
    }
    if (self->codes[frame->code].in_task) {
        frame->task = thread->task;
    }
    else {
        frame->task = thread->depth ? thread->stack[thread->depth - 1]->task : 0;
    }
    frame->thread = self->thread;
    thread->stack[thread->depth++] = frame;
    return touch(self, frame);
}

/* Notes whether a frame has left its stack unseen and did not go on. */
static int
set_lost(Walk *self, Frame *frame, int lost)
{
    if (frame->lost == lost) {
        return 0;
    }
    frame->lost = lost;
    return segment_note(&self->segment, KEY_LOST, frame->number, 0, self->at, (uint32_t)lost, 1);
}

static int
begin(Walk *self, uint64_t code, int64_t line, uint64_t later)
{
    if (running(self) == NULL || pass_time(self, later) < 0) {
        return -1;
    }
    if (self->segment.noting) {
        unsigned char *row = segment_row(&self->segment.rows_calls, CALL_ROW_SIZE);
        if (row == NULL) {
            return -1;
        }
        write_call_row(row, self->at);
    }
    if (segment_note(&self->segment, KEY_CALL, code, 0, self->at, 1, 0) < 0) {
        return -1;
    }
    Frame *frame = PyMem_Calloc(1, sizeof(Frame));
    if (frame == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    frame->number = self->calls++;
    frame->code = (uint32_t)code;
    frame->line = line;
    frame->began = self->time;
    frame->born = self->segment.block;
    frame->thread = NONE;
    /* On a stack or among the touched ones, it is freed with the builder. */
    if (push(self, frame) < 0) {
        if (frame->thread == NONE) {
            PyMem_Free(frame);
        }
        return -1;
    }
    return self->codes[code].suspends ? keep_resumable(self, frame) : 0;
}

static Frame *
pop(Walk *self, uint64_t later)
{
    Frame *frame = innermost(self);
    if (frame == NULL || pass_time(self, later) < 0) {
        return NULL;
    }
    self->threads[self->thread].depth--;
    frame->thread = NONE;
    return frame;
}

static int
end_frame(Walk *self, uint64_t later)
{
    Frame *frame = pop(self, later);
    if (frame == NULL) {
        return -1;
    }
    frame->ended = 1;
    if (frame->resumable) {
        table_take(&self->resumable, frame_key(frame->number));
        frame->resumable = 0;
    }
    return 0;
}

static int
suspend(Walk *self, uint64_t later, int lost)
{
    Frame *frame = pop(self, later);
    return frame == NULL || set_lost(self, frame, lost) < 0 ? -1 : keep_resumable(self, frame);
}

static int
revive(Walk *self, uint64_t number)
{
    Frame *frame = number < self->calls ? table_get(&self->resumable, frame_key(number)) : NULL;
    if (frame == NULL) {
        return impossible("a frame goes on that has ended or never began");
    }
    while (frame->thread != NONE) {
        /* It has left that stack unseen, with all frames above it. */
        Thread *thread = &self->threads[frame->thread];
        Frame *gone = thread->stack[--thread->depth];
        gone->thread = NONE;
        if (touch(self, gone) < 0 || set_lost(self, gone, 1) < 0) {
            return -1;
        }
    }
    return set_lost(self, frame, 0) < 0 ? -1 : push(self, frame);
}

static void
free_frames(Walk *self)
{
    /* Whatever has no place on a stack and cannot go on was touched when it lost that. */
    for (size_t index = 0; index < self->touched_count; index++) {
        Frame *frame = self->touched[index];
        if (frame->thread == NONE && !frame->resumable) {
            PyMem_Free(frame);
        }
    }
    self->touched_count = 0;
}

/* ---- records */

static int
add_code(Walk *self, const CodeRecord *record)
{
    if (record->source >= self->sources || record->line > UINT32_MAX) {
        return impossible("a code record names no source or no line");
    }
    if (define(self) < 0
        || make_room((void **)&self->codes, self->code_count, &self->code_room, sizeof(Code)) < 0) {
        return -1;
    }
    if (self->code_count >= NONE) {
        return impossible("a number is larger than an index has room for");
    }
    Code *code = &self->codes[self->code_count];
    *code = (Code){(int64_t)record->line, 0, record->variables.count, record->global_names.count,
                   NULL, record->kind < 32 && (KINDS_IN_TASKS >> record->kind & 1),
                   record->kind < 32 && (KINDS_THAT_SUSPEND >> record->kind & 1)};
    self->code_count++;
    if (code->names_count == 0) {
        return 0;
    }
    code->names = PyMem_Malloc(code->names_count * sizeof(uint32_t));
    if (code->names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    const unsigned char *from = record->global_names.bytes;
    Unread names = {from, from + record->global_names.size, NULL};
    for (uint64_t index = 0; index < code->names_count; index++) {
        Bytes text;
        take_text(&names, &text);
        PyObject *name = PyBytes_FromStringAndSize(text.bytes, (Py_ssize_t)text.size);
        PyObject *number = name == NULL ? NULL : PyDict_GetItemWithError(self->names, name);
        if (number == NULL && name != NULL && !PyErr_Occurred()) {
            PyObject *next = PyLong_FromSsize_t(PyDict_Size(self->names));
            if (next != NULL && PyDict_SetItem(self->names, name, next) == 0) {
                number = PyDict_GetItemWithError(self->names, name);
            }
            Py_XDECREF(next);
        }
        Py_XDECREF(name);
        if (number == NULL) {
            return -1;
        }
        code->names[index] = (uint32_t)PyLong_AsUnsignedLong(number);
    }
    return 0;
}

static int
add_thread(Walk *self)
{
    if (define(self) < 0
        || make_room((void **)&self->threads, self->thread_count, &self->thread_room,
                     sizeof(Thread))
            < 0) {
        return -1;
    }
    if (self->thread_count >= NONE - 1) {
        return impossible("an index has no room for so many threads");
    }
    self->threads[self->thread_count] = (Thread){0};
    self->thread = (uint32_t)self->thread_count++;
    return 0;
}

static int
step(Walk *self, int64_t delta)
{
    Frame *frame = innermost(self);
    if (frame == NULL) {
        return -1;
    }
    if (delta < -(int64_t)UINT32_MAX || delta > UINT32_MAX || frame->line + delta < 0
        || frame->line + delta > UINT32_MAX) {
        return impossible("there is no such line");
    }
    frame->line += delta;
    frame->step = ++self->steps;
    if (segment_note(&self->segment, KEY_THREAD, self->thread, 0, self->at, 1, 0) < 0) {
        return -1;
    }
    return segment_note(&self->segment, KEY_LINE, frame->code, (uint32_t)frame->line, self->at, 1, 0);
}

static inline uint32_t *
pending_slot(const Walk *self, const Frame *frame, uint32_t variable)
{
    size_t mask = self->pending_places.size - 1;
    for (size_t at = mixed(frame->number, variable) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &self->pending_places.slots[at];
        if (*slot == 0) {
            return slot;
        }
        const Pending *found = &self->pending[*slot - 1];
        if (found->frame == frame && found->variable == variable) {
            return slot;
        }
    }
}

static int
set_variable(Walk *self, uint64_t variable)
{
    Frame *frame = innermost(self);
    if (frame == NULL) {
        return -1;
    }
    const Code *code = &self->codes[frame->code];
    if (variable >= code->variables) {
        uint64_t index = variable - code->variables;
        return index < code->names_count
            ? segment_note(&self->segment, KEY_GLOBAL, code->namespace, code->names[index], self->at, 1, 0)
            : impossible("a code has no such variable");
    }
    uint32_t *slot = pending_slot(self, frame, (uint32_t)variable);
    if (*slot == 0) {
        if (make_room((void **)&self->pending, self->pending_count, &self->pending_room,
                      sizeof(Pending))
            < 0) {
            return -1;
        }
        self->pending[self->pending_count++] = (Pending){frame, (uint32_t)variable, 0, 0};
        *slot = (uint32_t)self->pending_count;
        if (self->pending_count * 2 > self->pending_places.size) {
            if (places_reset(&self->pending_places, self->pending_count * 2) < 0) {
                return -1;
            }
            for (size_t index = 0; index < self->pending_count; index++) {
                const Pending *one = &self->pending[index];
                *pending_slot(self, one->frame, one->variable) = (uint32_t)index + 1;
            }
            slot = pending_slot(self, frame, (uint32_t)variable);
        }
    }
    Pending *found = &self->pending[*slot - 1];
    found->last = self->at;
    found->records++;
    return 0;
}

static int
set_object(Walk *self, uint64_t number)
{
    if (number < self->old_objects) {
        return segment_note(&self->segment, KEY_OBJECT, number, 0, self->at, 1, 0);
    }
    uint64_t index = number - self->old_objects;
    if (number > self->offset + self->at) {
        /* Each number before it has been in the log, and took a byte or more. */
        return impossible("an object has a number that none can have yet");
    }
    Buffer *to = &self->new_objects;
    size_t needed = (size_t)(index + 1) * OBJECT_ROW_SIZE;
    if (needed > to->used) {
        if (buffer_reserve(to, needed - to->used) < 0) {
            return -1;
        }
        memset(to->bytes + to->used, 0, needed - to->used);
        to->used = needed;
    }
    write_object_row(to->bytes + index * OBJECT_ROW_SIZE, self->at + 1);
    if (number >= self->objects) {
        self->objects = number + 1;
    }
    return 0;
}

/* The kinds of records that are counted: those of events. */
static const uint32_t COUNTED = 1u << RECORD_CALL | 1u << RECORD_ENTER | 1u << RECORD_RETURN
    | 1u << RECORD_YIELD | 1u << RECORD_RESUME | 1u << RECORD_THROW | 1u << RECORD_UNWIND
    | 1u << RECORD_RAISE | 1u << RECORD_HANDLED | 1u << RECORD_OUTPUT | 1u << RECORD_EXIT
    | 1u << RECORD_EXEC | 1u << RECORD_CHILD | 1u << RECORD_JOINED;

static int
count_record(Walk *self, uint32_t kind)
{
    if (kind >= 32 || !(COUNTED >> kind & 1)) {
        return 0;
    }
    uint64_t thread = self->thread == NONE ? 0 : (uint64_t)self->thread + 1;
    return segment_note(&self->segment, KEY_RECORD, thread, kind, self->at, 1, 0);
}

static int
add_record(Walk *self, const Record *record)
{
    if (count_record(self, (uint32_t)record->kind) < 0) {
        return -1;
    }
    switch (record->kind) {
    case RECORD_STEP_SHORT:
    case RECORD_VARIABLE_SHORT:
        break;
    case RECORD_SOURCE:
        self->sources++;
        return define(self);
    case RECORD_TYPE:
    case RECORD_ATTRIBUTE:
        return define(self);
    case RECORD_EXEC:
    case RECORD_CHILD:
    case RECORD_JOINED:
        return 0;
    case RECORD_CODE:
        return add_code(self, &record->as_code);
    case RECORD_NAMESPACE:
        if (record->as_namespace.code >= self->code_count) {
            return impossible("there is no such code");
        }
        self->codes[record->as_namespace.code].namespace = record->as_namespace.number;
        return define(self);
    case RECORD_DETAIL:
        if (record->as_detail.code >= self->code_count) {
            return impossible("there is no such code");
        }
        return define(self);
    case RECORD_THREAD:
        return add_thread(self);
    case RECORD_SWITCH:
        if (record->as_switch.thread >= self->thread_count) {
            return impossible("there is no such thread");
        }
        self->thread = (uint32_t)record->as_switch.thread;
        return 0;
    case RECORD_TASK: {
        Thread *thread = running(self);
        if (thread == NULL) {
            return -1;
        }
        thread->task = record->as_task.name.size ? self->offset + self->at : 0;
        return 0;
    }
    case RECORD_CALL:
        if (record->as_call.code >= self->code_count) {
            return impossible("there is no such code");
        }
        if (record->as_call.arguments.count > self->codes[record->as_call.code].variables) {
            return impossible("a call has more arguments than its code has variables");
        }
        return begin(self, record->as_call.code, self->codes[record->as_call.code].line,
                     record->as_call.elapsed);
    case RECORD_ENTER:
        if (record->as_enter.code >= self->code_count || record->as_enter.line > UINT32_MAX) {
            return impossible("there is no such code or line");
        }
        return begin(self, record->as_enter.code, (int64_t)record->as_enter.line,
                     record->as_enter.elapsed);
    case RECORD_STEP:
        return step(self, record->as_step.delta);
    case RECORD_VARIABLE:
        return set_variable(self, record->as_variable.variable);
    case RECORD_OBJECT:
        return set_object(self, record->as_object.number);
    case RECORD_ATTRIBUTES_SET:
        return set_object(self, record->as_attributes_set.number);
    case RECORD_ITEMS_SET:
        return set_object(self, record->as_items_set.number);
    case RECORD_ITEMS_REPLACED:
        return set_object(self, record->as_items_replaced.number);
    case RECORD_WORDED:
        return set_object(self, record->as_worded.number);
    case RECORD_RETURN:
        return end_frame(self, record->as_return.elapsed);
    case RECORD_UNWIND:
        return end_frame(self, record->as_unwind.elapsed);
    case RECORD_YIELD:
        return suspend(self, record->as_yield.elapsed, 0);
    case RECORD_LOST:
        return suspend(self, 0, 1);
    case RECORD_RESUME:
        return pass_time(self, record->as_resume.elapsed) < 0
            ? -1
            : revive(self, record->as_resume.frame);
    case RECORD_THROW: {
        Thread *thread = running(self);
        if (thread == NULL || pass_time(self, record->as_throw.elapsed) < 0) {
            return -1;
        }
        if (thread->depth && thread->stack[thread->depth - 1]->number == record->as_throw.frame) {
            return touch(self, thread->stack[thread->depth - 1]);
        }
        return revive(self, record->as_throw.frame);
    }
    case RECORD_RAISE:
        self->raises++;
        return innermost(self) == NULL ? -1 : 0;
    case RECORD_HANDLED:
        return innermost(self) == NULL ? -1 : 0;
    case RECORD_OUTPUT:
        self->outputs++;
        return touch_top(self);
    case RECORD_TIME:
        return pass_time(self, record->as_time.elapsed);
    case RECORD_EXIT:
        return pass_time(self, record->as_exit.elapsed) < 0 ? -1 : touch_top(self);
    }
    return impossible("there is no such record");
}

/* ---- blocks */

static int
outlives(const Walk *self, const Frame *frame)
{
    return !frame->ended || frame->born != self->segment.block;
}

static int
finish_block(Walk *self, uint64_t steps)
{
    for (size_t index = 0; index < self->touched_count; index++) {
        const Frame *frame = self->touched[index];
        uint32_t last = frame->step > steps ? (uint32_t)(frame->step - steps) : 0;
        if (outlives(self, frame)
            && segment_note(&self->segment, KEY_FRAME, frame->number, 0, (uint32_t)frame->line, last, 1) < 0) {
            return -1;
        }
    }
    for (size_t index = 0; index < self->pending_count; index++) {
        const Pending *found = &self->pending[index];
        if (outlives(self, found->frame)
            && segment_note(&self->segment, KEY_VARIABLE, found->frame->number, found->variable, found->last,
                    found->records, 1)
                < 0) {
            return -1;
        }
    }
    return 0;
}

int
walk_block(Walk *self, const unsigned char *bytes, size_t size, uint64_t offset, uint32_t crc)
{
    Before before;
    uint64_t steps = self->steps;
    self->offset = offset;
    if (write_state(self, &before) < 0 || places_reset(&self->pending_places, 0) < 0) {
        return -1;
    }
    self->raises = self->outputs = 0;
    self->old_objects = self->objects;
    self->new_objects.used = 0;
    self->pending_count = 0;
    Unread from = {bytes, bytes + size, bytes};
    while (from.at < from.end) {
        Record record;
        self->at = (uint32_t)(from.at - bytes);
        if (read_record(&from, &record) != READ) {
            return impossible("a record cannot be read");
        }
        if (add_record(self, &record) < 0) {
            return -1;
        }
    }
    if (finish_block(self, steps) < 0) {
        return -1;
    }
    free_frames(self);
    if (self->segment.noting) {
        if (put_bytes(&self->segment.rows_objects, self->new_objects.bytes, self->new_objects.used) < 0
            || put_block_row(self, self->offset, &before, (uint32_t)size, crc) < 0) {
            return -1;
        }
        self->segment.blocks++;
    }
    self->segment.block++;
    return 0;
}

PyObject *
walk_segment(Walk *self, uint64_t next_offset)
{
    Before before;
    self->raises = self->outputs = 0;
    if (write_state(self, &before) < 0 || put_block_row(self, next_offset, &before, 0, 0) < 0) {
        return NULL;
    }
    PyObject *made = segment_bytes(&self->segment);
    for (size_t number = 0; number < self->thread_count; number++) {
        self->threads[number].written_depth = 0;
        self->threads[number].written_task = 0;
    }
    if (made != NULL && segment_begin(&self->segment) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}

int
walk_begin(Walk *self)
{
    self->thread = NONE;
    self->segment.noting = 1;
    self->names = PyDict_New();
    return self->names == NULL ? -1 : segment_begin(&self->segment);
}

void
walk_free(Walk *self)
{
    free_frames(self);
    for (size_t number = 0; number < self->thread_count; number++) {
        Thread *thread = &self->threads[number];
        for (size_t at = 0; at < thread->depth; at++) {
            Frame *frame = thread->stack[at];
            frame->thread = NONE;
            if (!frame->resumable) {
                PyMem_Free(frame);
            }
        }
        PyMem_Free(thread->stack);
        PyMem_Free(thread->written);
    }
    for (size_t at = 0; at < self->resumable.size; at++) {
        PyMem_Free(self->resumable.slots[at].value);
    }
    for (size_t index = 0; index < self->code_count; index++) {
        PyMem_Free(self->codes[index].names);
    }
    table_free(&self->resumable);
    PyMem_Free(self->threads);
    PyMem_Free(self->codes);
    PyMem_Free(self->touched);
    PyMem_Free(self->pending);
    PyMem_Free(self->pending_places.slots);
    buffer_free(&self->new_objects);
    segment_free(&self->segment);
    Py_XDECREF(self->names);
}
