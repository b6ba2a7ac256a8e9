/* weir: retained pools for the large memory requests of any program.
 *
 * The library is preloaded and has no functions to call yet; this header says
 * which version of it a program was built against. */
#ifndef WEIR_H
#define WEIR_H

#define WEIR_VERSION "0.1.0"

#endif
