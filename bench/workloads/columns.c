/* A column walk: 64 blocks of 1 MiB are the rows of a matrix, and each column is
 * read from the first row to the last. Beside it the same over blocks whose
 * starts are coloured by hand. One operation is the whole matrix. */
#include "../bench.h"
#include "../coloured.h"

#define ROWS 64
#define ROW_BYTES (1 * MIB)
#define COLUMNS (ROW_BYTES / sizeof(double))

static void fill_rows(const struct bench_blocks *rows)
{
	for (size_t row = 0; row < ROWS; row++) {
		double *values = rows->start[row];
		for (size_t column = 0; column < COLUMNS; column++)
			values[column] = (double)row;
	}
}

static double sum_of_column(const struct bench_blocks *rows, size_t column)
{
	double sum = 0;
	for (size_t row = 0; row < ROWS; row++)
		sum += ((const double *)rows->start[row])[column];
	return sum;
}

static void walk_columns(const struct bench_blocks *rows)
{
	double sum = 0;
	for (size_t column = 0; column < COLUMNS; column++)
		sum += sum_of_column(rows, column);
	if (sum != (double)(COLUMNS * (ROWS * (ROWS - 1) / 2)))
		bench_die("the columns add up to something else");
}

static void run_columns(const struct bench_options *options)
{
	(void)options;
	bench_compare_colours("columns", ROWS, ROW_BYTES, fill_rows, walk_columns, 1);
}

const struct bench_workload bench_columns = { "columns", run_columns,
					      "column by column through 64 blocks of 1 MiB" };
