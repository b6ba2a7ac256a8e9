/* A fuzzer, one a file: NAME_fuzz.cc. Its function takes any bytes and aborts where something
 * does not hold; the sanitizers of the program it is linked into do the same.
 *
 * driver.cc runs every target that is linked into its program, with the seeds changed at
 * random; libfuzzer.cc has libFuzzer run the only one. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace fuzz
{

struct Target {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
	size_t longest;			 /* inputs that are made */
	unsigned long runs;		 /* of the driver: about two seconds, or less */
	std::vector<std::string> seeds;	 /* right inputs */
	std::vector<std::string> pieces; /* what random bytes seldom are */
};

inline std::vector<const Target *> &targets()
{
	static std::vector<const Target *> all;

	return all;
}

struct Registration {
	explicit Registration(const Target &target) { targets().push_back(&target); }
};

inline void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* A string in a block of its own size, so that a sanitizer sees what reads beyond it. */
inline std::vector<char> terminated(const uint8_t *data, size_t size)
{
	std::vector<char> text(data, data + size);

	text.push_back('\0');
	text.shrink_to_fit();
	return text;
}

} // namespace fuzz

#endif
