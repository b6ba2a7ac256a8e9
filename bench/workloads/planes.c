/* Image kernels over planes of 1 MiB, each a block of its own: red, green and
 * blue are weighed into a grey plane, and then blurred into it over 3 x 3 pixels
 * of all three. Beside it the same over blocks whose starts are coloured by
 * hand. One operation is both kernels. */
#include "../bench.h"
#include "../coloured.h"

#define WIDTH ((size_t)1024)
#define HEIGHT ((size_t)256)
#define PIXELS (WIDTH * HEIGHT)
#define PLANE_BYTES (PIXELS * sizeof(float))

enum { RED, GREEN, BLUE, GREY, PLANES };

static void fill_planes(const struct bench_blocks *planes)
{
	for (size_t plane = 0; plane < PLANES; plane++) {
		float *values = planes->start[plane];
		for (size_t i = 0; i < PIXELS; i++)
			values[i] = (float)(plane + 1);
	}
}

static void weigh(const float *restrict red, const float *restrict green,
		  const float *restrict blue, float *restrict grey)
{
	for (size_t i = 0; i < PIXELS; i++)
		grey[i] = 0.25F * red[i] + 0.5F * green[i] + 0.25F * blue[i];
}

static float sum_around(const float *plane, size_t i)
{
	return plane[i - WIDTH - 1] + plane[i - WIDTH] + plane[i - WIDTH + 1] + plane[i - 1] +
	       plane[i] + plane[i + 1] + plane[i + WIDTH - 1] + plane[i + WIDTH] +
	       plane[i + WIDTH + 1];
}

static void blur(const float *restrict red, const float *restrict green, const float *restrict blue,
		 float *restrict grey)
{
	for (size_t y = 1; y < HEIGHT - 1; y++)
		for (size_t i = y * WIDTH + 1; i < (y + 1) * WIDTH - 1; i++)
			grey[i] += sum_around(red, i) + sum_around(green, i) + sum_around(blue, i);
}

static void run_kernels(const struct bench_blocks *planes)
{
	const float *red = planes->start[RED];
	const float *green = planes->start[GREEN];
	const float *blue = planes->start[BLUE];
	float *grey = planes->start[GREY];

	weigh(red, green, blue, grey);
	blur(red, green, blue, grey);
	/* 2 is the weighed pixel, 6 the sum of the colours, 9 pixels each. */
	if (grey[0] != 2 || grey[PIXELS / 2 + WIDTH / 2] != 2 + 6 * 9)
		bench_die("the kernels gave another picture");
}

static void run_planes(const struct bench_options *options)
{
	bench_compare_colours("planes", PLANES, PLANE_BYTES, fill_planes, run_kernels,
			      bench_scaled(options, 16, 2));
}

const struct bench_workload bench_planes = { "planes", run_planes,
					     "image kernels over four planes of 1 MiB" };
