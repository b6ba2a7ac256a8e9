/* How the next allocator is found. This program's dlsym stands for the C library's: it asks
 * for memory in the middle of the search, which happens once in a process. */
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <malloc.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "backend.h"
}

namespace
{

constexpr size_t arena_bytes = 64 * WEIR_KIB;

/* The backend, which notes what reaches it. */

std::vector<std::string> reached;
std::set<void *> handed_out;

void *note(const char *name, void *block)
{
	reached.push_back(name);
	handed_out.insert(block);
	return block;
}

void *next_malloc(size_t bytes)
{
	return note("malloc", malloc(bytes));
}

void next_free(void *block)
{
	reached.push_back("free");
	handed_out.erase(block);
	free(block);
}

void *next_calloc(size_t count, size_t bytes)
{
	return note("calloc", calloc(count, bytes));
}

void *next_realloc(void *block, size_t bytes)
{
	handed_out.erase(block);
	return note("realloc", realloc(block, bytes));
}

int next_posix_memalign(void **block, size_t align, size_t bytes)
{
	int error = posix_memalign(block, align, bytes);

	note("posix_memalign", *block);
	return error;
}

size_t next_usable_size(void *block)
{
	reached.push_back("malloc_usable_size");
	return malloc_usable_size(block);
}

int next_trim(size_t pad)
{
	reached.push_back("malloc_trim");
	return (int)pad;
}

/* What dlsym asked for, and got. */
struct Within {
	void *zeroed, *overflown, *large, *larger;
	int overflow_error, large_error, aligned_error, trimmed;
	char *block, *grown, *shrunk, *fresh;
	size_t grown_bytes;
	bool grown_same;
	std::vector<char *> rest;
	int rest_error;
} within;

std::vector<std::string> looked_up;

/* The table as callers may have read it before the search. */
const struct weir_backend first = weir_backend;

void ask_within()
{
	void *aligned = nullptr;

	within.zeroed = weir_backend.calloc(10, 10);
	errno = 0;
	within.overflown = weir_backend.calloc(SIZE_MAX / 2, 3);
	within.overflow_error = errno;
	errno = 0;
	within.large = weir_backend.malloc(arena_bytes);
	within.large_error = errno;
	within.larger = weir_backend.malloc(SIZE_MAX);
	within.aligned_error = weir_backend.posix_memalign(&aligned, 64, 100);
	within.trimmed = weir_backend.malloc_trim(7);
	within.block = (char *)weir_backend.malloc(100);
	memset(within.block, 'x', 100);
	within.grown = (char *)weir_backend.realloc(within.block, 200);
	within.grown_bytes = weir_backend.malloc_usable_size(within.grown);
	within.grown_same = std::string(within.grown, 100) == std::string(100, 'x');
	within.shrunk = (char *)weir_backend.realloc(within.grown, 10);
	within.fresh = (char *)weir_backend.realloc(nullptr, 50);
	weir_backend.free(nullptr);
	weir_backend.free(within.fresh);
	errno = 0;
	while (char *block = (char *)weir_backend.malloc(5000))
		within.rest.push_back(block);
	within.rest_error = errno;
}

const std::map<std::string, void *> functions = {
	{ "malloc", (void *)next_malloc },
	{ "free", (void *)next_free },
	{ "calloc", (void *)next_calloc },
	{ "realloc", (void *)next_realloc },
	{ "posix_memalign", (void *)next_posix_memalign },
	{ "malloc_usable_size", (void *)next_usable_size },
	{ "malloc_trim", (void *)next_trim },
};

struct Backend : testing::Test {
	static void SetUpTestSuite()
	{
		void *block = weir_backend.calloc(3, 5);

		asked_first = reached;
		weir_backend.free(block);
	}
	Backend() { reached.clear(); }
	~Backend() override { EXPECT_TRUE(handed_out.empty()) << "not given back"; }

	static std::vector<std::string> asked_first;
};

std::vector<std::string> Backend::asked_first;

using Names = std::vector<std::string>;

} // namespace

extern "C" void *dlsym(void *, const char *name)
{
	auto found = functions.find(name);

	if (looked_up.empty())
		ask_within();
	looked_up.push_back(name);
	return found != functions.end() ? found->second : nullptr;
}

namespace
{

TEST_F(Backend, IsLookedUpOnceByWhateverComesFirst)
{
	EXPECT_EQ(functions.size(), looked_up.size());
	EXPECT_EQ(Names{ "calloc" }, asked_first);
	EXPECT_EQ("backend_test", std::string(weir_backend_name()));
	EXPECT_EQ(functions.size(), looked_up.size());
}

TEST_F(Backend, ServesTheSearchFromAnArena)
{
	EXPECT_EQ(std::string(100, '\0'), std::string((char *)within.zeroed, 100));
	for (void *block : { within.zeroed, (void *)within.block, (void *)within.grown,
			     (void *)within.shrunk, (void *)within.fresh })
		EXPECT_EQ(0U, (uintptr_t)block % alignof(max_align_t));
	EXPECT_EQ(200U, within.grown_bytes);
	EXPECT_TRUE(within.grown_same);
	EXPECT_EQ(std::string(10, 'x'), std::string(within.shrunk, 10));
}

TEST_F(Backend, RefusesTheSearchWhatTheArenaHasNot)
{
	EXPECT_EQ(nullptr, within.overflown);
	EXPECT_EQ(ENOMEM, within.overflow_error);
	EXPECT_EQ(nullptr, within.large);
	EXPECT_EQ(ENOMEM, within.large_error);
	EXPECT_EQ(nullptr, within.larger);
	EXPECT_EQ(ENOMEM, within.aligned_error);
	EXPECT_EQ(0, within.trimmed);
	EXPECT_EQ(ENOMEM, within.rest_error);
	/* All of it but for the few blocks before, and no byte twice. */
	ASSERT_EQ(12U, within.rest.size());
	for (size_t i = 1; i < within.rest.size(); i++)
		EXPECT_EQ(within.rest[i - 1] + 5008 + 16, within.rest[i]);
	EXPECT_LT(within.rest.back() + 5000, (char *)within.zeroed + arena_bytes);
}

TEST_F(Backend, NeverSeesMemoryOfTheArena)
{
	weir_backend.free(within.block);
	EXPECT_EQ(10U, weir_backend.malloc_usable_size(within.shrunk));
	EXPECT_EQ(Names{}, reached);
}

TEST_F(Backend, GivesAnotherBlockForOneOfTheArenaThatIsResized)
{
	char *longer = (char *)weir_backend.realloc(within.grown, 1000);
	char *shorter = (char *)weir_backend.realloc(within.grown, 3);

	EXPECT_EQ((Names{ "malloc", "malloc" }), reached);
	EXPECT_EQ(1U, handed_out.count(longer));
	EXPECT_EQ(std::string(100, 'x'), std::string(longer, 100));
	EXPECT_EQ(std::string(3, 'x'), std::string(shorter, 3));
	weir_backend.free(longer);
	weir_backend.free(shorter);
}

TEST_F(Backend, LeavesTheOldBlockWhereThereIsNoOther)
{
	EXPECT_EQ(nullptr, weir_backend.realloc(within.grown, SIZE_MAX / 2));
	EXPECT_EQ(std::string(100, 'x'), std::string(within.grown, 100));
	handed_out.erase(nullptr);
}

/* Through the table as it is now, and as a thread may have read it before. */
TEST_F(Backend, GetsEveryCallAfterTheSearch)
{
	for (const struct weir_backend &table : { weir_backend, first }) {
		void *aligned = nullptr;
		void *zeroed = table.calloc(1, 10), *block = table.malloc(10);

		reached.clear();
		block = table.realloc(block, 100);
		EXPECT_LE(100U, table.malloc_usable_size(block));
		EXPECT_EQ(0, table.posix_memalign(&aligned, 64, 10));
		EXPECT_EQ(7, table.malloc_trim(7));
		for (void *each : { block, zeroed, aligned })
			table.free(each);
		EXPECT_EQ((Names{ "realloc", "malloc_usable_size", "posix_memalign", "malloc_trim",
				  "free", "free", "free" }),
			  reached);
	}
	first.free(nullptr);
}

} // namespace
