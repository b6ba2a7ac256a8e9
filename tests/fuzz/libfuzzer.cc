/* The only target of this program under libFuzzer. With LIBWEIR_FUZZ_SEEDS=DIRECTORY its seeds
 * are written there first: name the directory among the corpora. */
#include "target.h"

#include <fstream>

extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv);
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *, char ***)
{
	const fuzz::Target &target = *fuzz::targets().front();
	const char *directory = getenv("LIBWEIR_FUZZ_SEEDS");

	for (size_t i = 0; directory && i < target.seeds.size(); i++)
		std::ofstream(std::string(directory) + "/seed-" + std::to_string(i))
			<< target.seeds[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz::targets().front()->run(data, size);
	return 0;
}
