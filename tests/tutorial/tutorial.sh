#!/bin/sh
# Each command of the tutorial does what the tutorial says, in its order.
exec "$LIBWEIR_SRCDIR/tests/tutorial/run" "$LIBWEIR_SRCDIR/docs/tutorial.md"
