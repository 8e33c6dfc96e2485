/* The stack of values, with what other lines have left there and what jumps take along, as valuestack.py
   has it. */
#ifndef CODETRACER_VALUESTACK_H
#define CODETRACER_VALUESTACK_H

#include "entries.h"
#include "facts.h"

#pragma GCC visibility push(hidden)

/* What jumps take to one target. */
typedef struct {
    int target;
    int height;
    int foreign;     /* the height of what other lines had left on the stack */
    LineFacts *line; /* NULL: several jump there */
    const Entry **values;
} Jumped;

typedef struct {
    Arena *arena; /* borrowed */
    const Entry **values;
    int height;
    int room;
    Jumped *jumps;
    int jump_count;
    int jump_room;
    LineFacts *line;      /* the line that is followed */
    LineFacts *again;     /* the part of the line that a loop runs again, or NULL */
    int lowest;           /* the lowest height since the line began */
    int foreign;          /* the height of what other lines have left */
    int made;             /* how many objects they may have made */
    int hides;            /* whether they may have made others that nobody counts */
    int earlier;          /* how many the line had made before it was followed on */
    unsigned int told_in; /* another one each time lines no longer take what others have left */
    int is_cut_off;       /* whether jumps alone lead to the next instruction */
} ValueStack;

/* Does something with the line, and with its part that a loop runs again. */
#define EACH_LINE(stack, each) \
    for (LineFacts *each = (stack)->line; each != NULL; \
         each = each == (stack)->line ? (stack)->again : NULL)

void valuestack_end(ValueStack *stack);

/* Makes room for one more. Returns -1 if memory is short, and the arena has failed. */
int valuestack_grow(ValueStack *stack);

/* Adds what other lines may have made to what the line may have made. */
void valuestack_tell(ValueStack *stack);

/* Notes that a line takes values from the stack, which another one may have made. */
static inline void
valuestack_lower(ValueStack *stack)
{
    if (stack->height < stack->lowest) {
        stack->lowest = stack->height;
    }
    if (stack->height < stack->foreign) {
        stack->foreign = stack->height;
        valuestack_tell(stack);
    }
}

static inline const Entry *
valuestack_pop(ValueStack *stack)
{
    const Entry *found = stack->height > 0 ? stack->values[--stack->height] : NULL;
    valuestack_lower(stack);
    return found;
}

/* Removes the top values, as far as there are any. */
static inline void
valuestack_drop(ValueStack *stack, int count)
{
    stack->height = stack->height > count ? stack->height - count : 0;
    if (count > 0) {
        valuestack_lower(stack);
    }
}

/* Returns one of the top `count` values, of which 0 is the lowest; NULL also where the stack does not
   reach. */
static inline const Entry *
valuestack_top(const ValueStack *stack, int count, int at)
{
    int place = stack->height - count + at;
    return place < 0 ? NULL : stack->values[place];
}

static inline void
valuestack_push(ValueStack *stack, const Entry *entry)
{
    if (stack->height < stack->room || valuestack_grow(stack) == 0) {
        stack->values[stack->height++] = entry;
    }
}

void valuestack_push_unknown(ValueStack *stack, int count);

/* Removes the top values, which nobody uses. */
void valuestack_discard(ValueStack *stack, int count);

/* Pushes one of the values again: 1 is the top. */
void valuestack_copy(ValueStack *stack, int depth);

/* Turns to another line, which may take what the one before leaves on the stack. */
void valuestack_turn_to(ValueStack *stack, LineFacts *line, LineFacts *again);

/* Follows an instruction of which only the effect on the stack's height is known. */
void valuestack_settle(ValueStack *stack, int change);

/* Keeps what is known on all ways to the instruction at an offset, in bytes. */
void valuestack_arrive(ValueStack *stack, int offset);

/* Keeps what is known for the target of a jump, at which the stack is higher by `change`. */
void valuestack_jump(ValueStack *stack, int target, int change);

#pragma GCC visibility pop

#endif
