/* Differential: any bytes as settings and calls of the malloc family, for the engine of the
 * process against the model (engine_machine.h). tests/unit/model_test.cc has the same with
 * choices at random. */
#include "engine_machine.h"
#include "target.h"

namespace
{

constexpr size_t steps_max = 400;
constexpr size_t blocks_max = 16; /* so that one input takes milliseconds */

void run_calls(const uint8_t *data, size_t size)
{
	calls::ByteChoices choices(data, size);
	EngineMachine machine(any_options(&choices));
	calls::Model model(&machine, &choices, blocks_max);
	std::string fault = model.run(steps_max) && model.free_all() ? machine.fault_at_end(model)
								     : model.fault;

	fuzz::must(fault.empty(), fault.c_str());
}

std::string random_bytes(unsigned seed, size_t size)
{
	std::mt19937 random(seed);
	std::string made;

	while (made.size() < size)
		made.push_back((char)random());
	return made;
}

const fuzz::Target target = {
	"calls",
	run_calls,
	700,
	200,
	{ random_bytes(1, 100), random_bytes(2, 200), random_bytes(3, 300), random_bytes(4, 400) },
	{},
};

const fuzz::Registration registration(target);

} // namespace
