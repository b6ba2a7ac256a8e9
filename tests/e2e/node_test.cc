/* node with Buffers, of which most are freed on another thread. It uses SIGUSR1
 * itself, so weir is given another signal. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"(
const crypto = require('crypto'), zlib = require('zlib');
const hash = crypto.createHash('sha256');
for (let i = 0; i < 120; i++) {
	const a = Buffer.alloc(1500000 + i * 1000, i);
	const b = Buffer.allocUnsafe(900000).fill(255 - i % 255);
	hash.update(Buffer.concat([a, b]));
	if (i % 20 === 19) global.gc();
}
const packed = zlib.deflateSync(Buffer.alloc(8 << 20, 'weir '));
hash.update(zlib.inflateSync(packed));
console.log(packed.length, hash.digest('hex'));
)";

TEST(Node, HashesTheSame)
{
	std::string node = find_program({ "node", "nodejs" });

	NEED_FOUND(node, "node");
	auto run = Launch({ node, "--expose-gc", "-e", work }).env("WEIR_SIGNAL", "RTMIN+18");
	auto preloaded = run.run();
	auto plain = run.plain().run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.report().number("requests"), 300U);
	EXPECT_GT(preloaded.report().number("hits"), 50U);
}

} // namespace
