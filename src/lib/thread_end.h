/* The end of threads that have something to leave: what they have at hand of pools. Layer 7. */
#ifndef WEIR_THREAD_END_H
#define WEIR_THREAD_END_H

/* Once, at the start. */
void weir_thread_end_prepare(void);

#endif
