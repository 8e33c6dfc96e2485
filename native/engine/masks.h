/* Replaces secrets by asterisks in records that have been encoded already; see `masked` in secrets.py.

   This unit decodes the records and changes only texts, because numbers in a record may look like a
   secret: a list of six objects may have the bytes `123456`. No text changes its length in bytes. */
#ifndef CODETRACER_MASKS_H
#define CODETRACER_MASKS_H

#include "state.h"

#pragma GCC visibility push(hidden)

/* Replaces the secrets that became known after the group was begun by asterisks in the group's
   texts. */
void secrets_mask(Engine *engine);

#pragma GCC visibility pop

#endif
