/* `make coverage` includes this in each file of the library: a program that abort or
 * _exit ends writes no counts by itself, because no destructor runs. */
#ifndef WEIR_TESTS_COVERAGE_H
#define WEIR_TESTS_COVERAGE_H

#include <stdlib.h>
#include <unistd.h>

void __gcov_dump(void);

#define abort() (__gcov_dump(), abort())
#define _exit(status) (__gcov_dump(), _exit(status))

#endif
