#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "terminal.h"
}

namespace
{

struct Key {
	int event;
	size_t used;
};

Key parse(const std::string &bytes)
{
	Key key = {};

	key.event = terminal_parse_key(bytes.data(), bytes.size(), &key.used);
	return key;
}

TEST(TerminalKeys, CharactersAreThemselves)
{
	EXPECT_EQ('q', parse("q").event);
	EXPECT_EQ(1U, parse("qr").used);
	EXPECT_EQ(0xff, parse("\xff").event);
}

TEST(TerminalKeys, CursorKeysHaveTwoForms)
{
	EXPECT_EQ(TERMINAL_UP, parse("\033[A").event);
	EXPECT_EQ(TERMINAL_UP, parse("\033OA").event);
	EXPECT_EQ(TERMINAL_DOWN, parse("\033[Bq").event);
	EXPECT_EQ(3U, parse("\033[Bq").used);
	EXPECT_EQ(TERMINAL_PAGE_DOWN, parse("\033[6~").event);
	EXPECT_EQ(4U, parse("\033[6~").used);
	EXPECT_EQ(TERMINAL_END, parse("\033[F").event);
}

TEST(TerminalKeys, OtherSequencesAreTakenWholeAndMeanNothing)
{
	EXPECT_EQ(TERMINAL_NOTHING, parse("\033[1;5Rq").event);
	EXPECT_EQ(6U, parse("\033[1;5Rq").used);
	EXPECT_EQ(TERMINAL_NOTHING, parse("\033qr").event);
	EXPECT_EQ(2U, parse("\033qr").used);
	EXPECT_EQ(TERMINAL_NOTHING, parse("\033OP").event);
	EXPECT_EQ(3U, parse("\033OP").used);
}

TEST(TerminalKeys, WaitsForTheRestOfACutSequence)
{
	for (const char *cut : { "", "\033", "\033[", "\033O", "\033[5", "\033[1;5" })
		EXPECT_EQ(0U, parse(cut).used) << cut;
}

} // namespace
