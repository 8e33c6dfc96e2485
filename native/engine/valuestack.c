#include "valuestack.h"

#include <Python.h>

#include <string.h>

#include "entries.h"
#include "facts.h"

void
valuestack_end(ValueStack *stack)
{
    PyMem_Free(stack->values);
    PyMem_Free(stack->jumps);
    stack->values = NULL;
    stack->jumps = NULL;
}

int
valuestack_grow(ValueStack *stack)
{
    int room = stack->room == 0 ? 64 : stack->room * 2;
    const Entry **moved = PyMem_Realloc(stack->values, (size_t)room * sizeof(*moved));
    if (moved == NULL) {
        stack->arena->failed = 1;
        return -1;
    }
    stack->values = moved;
    stack->room = room;
    return 0;
}

void
valuestack_push_unknown(ValueStack *stack, int count)
{
    while (count-- > 0 && !stack->arena->failed) {
        valuestack_push(stack, NULL);
    }
}

void
valuestack_discard(ValueStack *stack, int count)
{
    stack->height = stack->height > count ? stack->height - count : 0;
    stack->lowest = stack->height < stack->lowest ? stack->height : stack->lowest;
    stack->foreign = stack->height < stack->foreign ? stack->height : stack->foreign;
}

void
valuestack_copy(ValueStack *stack, int depth)
{
    if (stack->height - depth < stack->foreign) {
        valuestack_tell(stack);
    }
    valuestack_push(stack, valuestack_top(stack, depth, 0));
}

static int
made_by(const LineFacts *line)
{
    return line->births + line->calls.count;
}

static int
have_stacks(const ValueStack *stack)
{
    for (int at = 0; at < stack->jump_count; at++) {
        if (stack->jumps[at].height > 0) {
            return 1;
        }
    }
    return 0;
}

void
valuestack_turn_to(ValueStack *stack, LineFacts *line, LineFacts *again)
{
    LineFacts *before = stack->line;
    stack->line = line;
    stack->again = again;
    if (before == line) {
        return;
    }
    if (stack->height == 0 && !have_stacks(stack)) {
        stack->made = 0;
        stack->hides = 0;
        stack->told_in++;
    }
    else if (before != NULL) {
        if (stack->height > stack->lowest) {
            stack->foreign = stack->height;
        }
        stack->made += made_by(before) - stack->earlier;
        stack->hides |= before->hides;
    }
    stack->lowest = stack->height;
    stack->earlier = made_by(line);
}

void
valuestack_tell(ValueStack *stack)
{
    int own = made_by(stack->line) - stack->earlier;
    EACH_LINE(stack, line) {
        if (line->told_in != stack->told_in) {
            line->told_in = stack->told_in;
            line->told = 0;
        }
        line->births += stack->made - line->told;
        line->told = stack->made;
        line->hides |= stack->hides;
    }
    stack->earlier = made_by(stack->line) - own;
}

void
valuestack_settle(ValueStack *stack, int change)
{
    valuestack_drop(stack, change < 0 ? -change : 0);
    /* Two more: an instruction may replace what it takes. */
    for (int at = stack->height > 2 ? stack->height - 2 : 0; at < stack->height; at++) {
        stack->values[at] = NULL;
    }
    valuestack_push_unknown(stack, change);
}

/* Sets `one` to what two stacks have in common, from the top. Returns its height. */
static int
common(const Entry **one, int height, const Entry **other, int other_height)
{
    int count = height < other_height ? height : other_height;
    for (int at = 0; at < count; at++) {
        const Entry *mine = one[height - count + at];
        one[at] = entry_equal(mine, other[other_height - count + at]) ? mine : NULL;
    }
    return count;
}

void
valuestack_arrive(ValueStack *stack, int offset)
{
    Jumped *jumped = NULL;
    for (int at = 0; at < stack->jump_count && jumped == NULL; at++) {
        jumped = stack->jumps[at].target == offset ? &stack->jumps[at] : NULL;
    }
    if (jumped == NULL) {
        if (stack->is_cut_off) {
            stack->height = 0;
        }
    }
    else {
        if (stack->is_cut_off) {
            stack->height = 0;
            for (int at = 0; at < jumped->height; at++) {
                valuestack_push(stack, jumped->values[at]);
            }
        }
        else {
            stack->height = common(stack->values, stack->height, jumped->values, jumped->height);
        }
        int foreign = jumped->line != stack->line ? jumped->height : jumped->foreign;
        if (foreign > stack->foreign) {
            stack->foreign = foreign;
        }
        *jumped = stack->jumps[--stack->jump_count];
    }
    stack->is_cut_off = 0;
}

void
valuestack_jump(ValueStack *stack, int target, int change)
{
    int kept = stack->height;
    if (change < 0) {
        /* As a slice of a list: from the end if the height is less than that. */
        kept += change;
        if (kept < 0) {
            kept = kept + stack->height > 0 ? kept + stack->height : 0;
        }
    }
    int height = kept + (change > 0 ? change : 0);
    const Entry **values = arena_get(stack->arena, (size_t)(height + 1) * sizeof(*values));
    if (values == NULL) {
        return;
    }
    if (kept > 0) {
        memcpy(values, stack->values, (size_t)kept * sizeof(*values));
    }
    for (int at = 0; at < stack->jump_count; at++) {
        Jumped *known = &stack->jumps[at];
        if (known->target == target) {
            known->height = common(known->values, known->height, values, height);
            known->line = known->line == stack->line ? known->line : NULL;
            known->foreign = known->foreign > stack->foreign ? known->foreign : stack->foreign;
            return;
        }
    }
    if (stack->jump_count == stack->jump_room) {
        int room = stack->jump_room == 0 ? 16 : stack->jump_room * 2;
        Jumped *moved = PyMem_Realloc(stack->jumps, (size_t)room * sizeof(*moved));
        if (moved == NULL) {
            stack->arena->failed = 1;
            return;
        }
        stack->jumps = moved;
        stack->jump_room = room;
    }
    stack->jumps[stack->jump_count++] =
        (Jumped){target, height, stack->foreign, stack->line, values};
}
