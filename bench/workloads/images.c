/* A thumbnailer whose pictures are never of one size: each operation takes a
 * random width and height, fills a source of 3 bytes a pixel, turns it into
 * three planes of floats, shrinks these by a random factor and stores the result
 * as bytes. Pictures of 2 to 24 million pixels would take long, so all are a
 * quarter as wide and high as those. */
#include "../bench.h"

#include <stdlib.h>
#include <string.h>

#define CHANNELS 3
#define WIDTH_MIN ((size_t)408)
#define WIDTH_MAX ((size_t)1500)
#define BATCHES 7

struct image {
	size_t width;
	size_t height;
	unsigned char *bytes; /* the channels of a pixel side by side */
	float *planes[CHANNELS];
};

static size_t pixels(const struct image *image)
{
	return image->width * image->height;
}

static struct image allocate_image(size_t width, size_t height)
{
	struct image image = { .width = width, .height = height };
	image.bytes = bench_malloc(pixels(&image) * CHANNELS);
	for (size_t channel = 0; channel < CHANNELS; channel++)
		image.planes[channel] = bench_malloc(pixels(&image) * sizeof(float));
	return image;
}

static void free_image(struct image *image)
{
	free(image->bytes);
	for (size_t channel = 0; channel < CHANNELS; channel++)
		free(image->planes[channel]);
}

static void bytes_to_planes(const struct image *image)
{
	for (size_t i = 0; i < pixels(image); i++)
		for (size_t channel = 0; channel < CHANNELS; channel++)
			image->planes[channel][i] = (float)image->bytes[i * CHANNELS + channel];
}

static void planes_to_bytes(const struct image *image)
{
	for (size_t i = 0; i < pixels(image); i++)
		for (size_t channel = 0; channel < CHANNELS; channel++)
			image->bytes[i * CHANNELS + channel] =
				(unsigned char)(image->planes[channel][i] + 0.5F);
}

/* The mean of the four pixels about the place that `x`, `y` had in `from`. */
static float sample(const struct image *from, const float *plane, size_t x, size_t y)
{
	const float *pixel = plane + y * from->width + x;
	return (pixel[0] + pixel[1] + pixel[from->width] + pixel[from->width + 1]) / 4;
}

static void shrink_plane(const struct image *from, const struct image *to, size_t channel)
{
	for (size_t y = 0; y < to->height; y++)
		for (size_t x = 0; x < to->width; x++)
			to->planes[channel][y * to->width + x] = sample(
				from, from->planes[channel], x * (from->width - 1) / to->width,
				y * (from->height - 1) / to->height);
}

static void make_thumbnail(struct bench_random *random, unsigned char shade)
{
	size_t width = bench_random_uniform(random, WIDTH_MIN, WIDTH_MAX);
	size_t height = bench_random_uniform(random, width / 2, width);
	size_t percent = bench_random_uniform(random, 25, 75);
	struct image source = allocate_image(width, height);
	memset(source.bytes, shade, pixels(&source) * CHANNELS);
	bytes_to_planes(&source);
	struct image result = allocate_image(width * percent / 100, height * percent / 100);
	for (size_t channel = 0; channel < CHANNELS; channel++)
		shrink_plane(&source, &result, channel);
	free_image(&source);
	planes_to_bytes(&result);
	if (result.bytes[pixels(&result) * CHANNELS - 1] != shade)
		bench_die("the thumbnail has another shade");
	free_image(&result);
}

static void run_images(const struct bench_options *options)
{
	static struct bench_meter meter;
	struct bench_random random = { BENCH_SEED };
	unsigned count = bench_scaled(options, 16, 1);

	for (unsigned batch = 0; batch <= BATCHES; batch++) {
		bench_meter_start(&meter);
		for (unsigned i = 0; i < count; i++)
			make_thumbnail(&random, (unsigned char)i);
		if (batch > 0) /* the first one warms up */
			bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "images", .variant = "block" };
	bench_print(&row, &meter);
}

const struct bench_workload bench_images = { "images", run_images,
					     "pictures of random sizes, shrunk" };
