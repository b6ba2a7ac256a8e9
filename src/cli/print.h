/* Output for people and for programs. */
#ifndef WEIR_CLI_PRINT_H
#define WEIR_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Whether stdout is a terminal that takes colours: NO_COLOR and TERM=dumb are honoured. */
bool print_has_colour(void);

/* Bold, dim and back, or nothing without colours. */
const char *print_bold(void);
const char *print_dim(void);
const char *print_plain(void);

/* 412.0 MiB, as the library says sizes, into a buffer of 32 bytes; returns it. */
#define PRINT_SIZE_BYTES 32
const char *print_size(char *buffer, uint64_t bytes);

/* 18 ms, below ten with one place behind the point; 93.2 %, or - of nothing. */
const char *print_time(char *buffer, uint64_t ns);
const char *print_share(char *buffer, uint64_t part, uint64_t whole);

/* In tenths of a percent, rounded down: 100.0 says that it is the whole. The figures may be
 * another process's, and anything. */
uint64_t print_tenths(uint64_t part, uint64_t whole);

/* ####...... of `width` characters, into a buffer of one more. */
void print_bar(char *buffer, unsigned width, uint64_t part, uint64_t whole);

/* Columns of a table: collects rows, then prints each column as wide as it must be. */
struct print_table;
struct print_table *print_table_new(const char *const *headings, const bool *right, size_t columns);
void print_table_row(struct print_table *table, const char *const *cells);
void print_table_end(struct print_table *table, FILE *to); /* prints and frees */

/* A JSON string with its quotes: control characters, quotes and all bytes that are not ASCII
 * are escaped. */
void print_json_string(FILE *to, const char *text);

#endif
