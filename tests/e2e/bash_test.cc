/* bash with large variables, substitutions and pipes, and forks between them. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"sh(
set -e
text=$(seq 1 60000)
for round in 1 2 3 4 5; do
	copy=$text$text
	echo "${#copy} $(printf %s "$copy" | cksum) $(echo "${copy:100000:50}" | tr '\n' ' ')"
	(inner=$copy$copy; echo "${#inner}")
done
)sh";

TEST(Bash, PrintsTheSame)
{
	std::string bash = find_program({ "bash" });

	NEED_FOUND(bash, "bash");
	auto plain = Launch({ bash, "-c", work }).plain().run();
	auto preloaded = Launch({ bash, "-c", work }).run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.total("requests"), 10U);
	EXPECT_GT(preloaded.total("hits"), 5U);
}

} // namespace
