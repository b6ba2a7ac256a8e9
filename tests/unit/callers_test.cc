#include <gtest/gtest.h>

#include <regex>
#include <string>

extern "C" {
#include "callers.h"

/* Exported by this program, so that the dynamic linker knows them. */
__attribute__((noinline)) unsigned callers_test_lease(void **stack, unsigned most)
{
	unsigned count = weir_callers(stack, most, __builtin_return_address(0));

	__asm__ volatile("" ::: "memory");
	return count;
}

__attribute__((noinline)) unsigned callers_test_inner(void **stack, unsigned most)
{
	unsigned count = callers_test_lease(stack, most);

	__asm__ volatile("" ::: "memory");
	return count;
}

__attribute__((noinline)) unsigned callers_test_outer(void **stack, unsigned most)
{
	unsigned count = callers_test_inner(stack, most);

	__asm__ volatile("" ::: "memory");
	return count;
}
}

namespace
{

std::string name_of(const void *address)
{
	char data[2048];
	weir_text text;

	weir_text_init(&text, data, sizeof data);
	weir_callers_name(&text, address);
	return data;
}

bool is_in(const void *address, const void *function)
{
	return address > function && (const char *)address < (const char *)function + 256;
}

TEST(Callers, BeginBehindTheLibrarysOwnFrames)
{
	void *stack[16];
	unsigned count = callers_test_outer(stack, 16);

	ASSERT_GE(count, 3U);
	EXPECT_TRUE(is_in(stack[0], (void *)callers_test_inner));
	EXPECT_TRUE(is_in(stack[1], (void *)callers_test_outer));
}

TEST(Callers, AreNoMoreThanAsked)
{
	void *stack[16];

	for (unsigned most = 0; most <= 2; most++) {
		stack[most] = (void *)1;
		EXPECT_EQ(most, callers_test_outer(stack, most));
		EXPECT_EQ((void *)1, stack[most]);
	}
}

TEST(Callers, AreAtLeastTheOneThatIsGiven)
{
	void *stack[16];

	ASSERT_EQ(1U, weir_callers(stack, 16, (void *)0x1234));
	EXPECT_EQ((void *)0x1234, stack[0]);
}

TEST(Callers, HaveTheNamesOfModules)
{
	EXPECT_TRUE(std::regex_match(name_of((const char *)(uintptr_t)&strtoul + 1),
				     std::regex("libc.so.6\\+0x[0-9a-f]+ \\(\\w+\\+0x1\\)")))
		<< name_of((const char *)(uintptr_t)&strtoul + 1);
	EXPECT_EQ(0U,
		  name_of((const char *)(uintptr_t)callers_test_outer + 1).find("callers_test+0x"));
}

TEST(Callers, AreNumbersWhereNothingIsKnown)
{
	EXPECT_EQ("0x40", name_of((const void *)0x40));
}

/* The return address of a call that never returns is where the next function begins. */
TEST(Callers, AreNamedByTheCallBeforeTheReturnAddress)
{
	EXPECT_EQ(std::string::npos, name_of((const void *)(uintptr_t)&strtoul).find("(strtoul"));
}

} // namespace
