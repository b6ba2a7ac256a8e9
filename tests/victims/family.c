/* family CHECK: runs one check of the malloc family; family list: names them. */
#include "family.h"

const size_t family_sizes[] = { 1,
				24,
				1000,
				4096,
				40000,
				64 * KIB - 1,
				64 * KIB,
				64 * KIB + 1,
				80 * KIB,
				100001,
				128 * KIB,
				128 * KIB + 1,
				300000,
				MIB - 1,
				MIB,
				MIB + 1,
				1300000,
				2 * MIB,
				2 * MIB + 4097,
				5 * MIB + 3,
				32 * MIB,
				40 * MIB + 77,
				0 };

static const struct check *const tables[] = { aligned_checks, basic_checks, error_checks,
					      realloc_checks, zero_checks };

size_t family_opaque(size_t number)
{
	volatile size_t hidden = number;

	return hidden;
}

/* The next check after the i-th of all, or NULL. */
static const struct check *check_at(size_t i)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct check *check = tables[t]; check->name != NULL; check++)
			if (i-- == 0)
				return check;
	return NULL;
}

static int list(void)
{
	const struct check *check;

	for (size_t i = 0; (check = check_at(i)) != NULL; i++)
		puts(check->name);
	return 0;
}

int main(int argc, char **argv)
{
	const struct check *check;

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "list") == 0)
		return list();
	for (size_t i = 0; (check = check_at(i)) != NULL; i++) {
		if (strcmp(check->name, argv[1]) == 0) {
			check->run();
			return 0;
		}
	}
	fprintf(stderr, "no check is named %s\n", argv[1]);
	return 2;
}
