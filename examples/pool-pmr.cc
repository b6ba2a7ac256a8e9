// Containers whose memory comes from a pool, and a block that returns itself.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <vector>
#include <weir.hpp>

namespace
{

// Grown ones leave blocks behind, which serve the next one.
std::size_t fill_vectors(weir::memory_resource &memory)
{
	std::size_t elements = 0;

	for (int round = 0; round < 10; round++) {
		std::pmr::vector<int> vector(&memory);

		for (int i = 0; i < 1000000; i++)
			vector.push_back(i);
		elements += vector.size();
	}
	return elements;
}

// However it ends, the block goes back.
std::size_t copy(weir::pool &pool, const std::vector<char> &text)
{
	weir::lease block = pool.lease(text.size());

	std::memcpy(block.data(), text.data(), text.size());
	return text.size();
}

} // namespace

int main()
{
	weir::pool pool(WEIR_PRESET_MODERATE, "vectors");
	weir::memory_resource memory(pool);

	std::cout << fill_vectors(memory) << " elements\n";
	std::cout << copy(pool, std::vector<char>(100000, 'x')) << " bytes\n";

	weir_pool_figures figures = pool.figures();
	std::cout << figures.leased_blocks << " blocks are out, " << figures.hits << " of "
		  << figures.leases << " leases were served by what was kept\n";
}
