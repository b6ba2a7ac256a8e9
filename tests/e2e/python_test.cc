/* Python with numpy: array temporaries of megabytes. */
#include "command.h"

#include <csignal>

using namespace e2e;

namespace
{

constexpr char work[] = R"(
import hashlib
import numpy as np

a = (np.arange(1500 * 1000, dtype=np.float64) % 977).reshape(1500, 1000)
for step in range(30):
    b = a * 1.25 + step
    a = np.sqrt(b * b + a[::-1])
    a = np.concatenate((a[750:], a[:750])).copy()
print(hashlib.sha256(a.tobytes()).hexdigest())
z = np.zeros((2000, 2000))
print(z.any(), z.nbytes)
grown = bytearray()
for i in range(300):
    grown += bytes([i % 256]) * 50000
print(len(grown), hashlib.sha256(grown).hexdigest())
)";

TEST(Python, ComputesTheSameWithNumpy)
{
	std::string python = python_with_numpy();

	NEED_FOUND(python, "python3 with numpy");

	auto plain = Launch({ python, "-c", work }).plain().run();
	auto preloaded = Launch({ python, "-c", work }).run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.report().number("requests"), 100U);
	EXPECT_GT(preloaded.report().number("hits"), 80U);
}

TEST(Python, ComputesTheSameWhileEverythingIsReleasedAllTheTime)
{
	std::string python = python_with_numpy();
	std::string steps = "import numpy as np\n"
			    "a = np.arange(500000.0)\n"
			    "for i in range(200):\n"
			    "    a = np.sqrt(a * a + i)[::-1].copy()\n"
			    "    print(i, a.sum(), flush=True)\n";

	NEED_FOUND(python, "python3 with numpy");
	auto plain = Launch({ python, "-c", steps }).plain().run();
	Running running(Launch({ python, "-c", steps }));

	while (!running.hear().empty())
		running.signal(SIGUSR1);

	const Outcome &preloaded = running.finish();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.report().number("released/signal/bytes"), 100 * MiB);
}

} // namespace
