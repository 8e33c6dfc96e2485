/* Puts asterisks over secrets in records that are put together already; see `masked` in secrets.py.

   The records are walked through, for numbers may look like a secret: `123456` are six objects in a
   list. Only texts are changed, each by as many bytes. */
#ifndef CODETRACER_MASKS_H
#define CODETRACER_MASKS_H

#include "state.h"

#pragma GCC visibility push(hidden)

/* Puts asterisks over secrets in the group that became known after it was begun: in its texts alone. */
void secrets_mask(Engine *engine);

#pragma GCC visibility pop

#endif
