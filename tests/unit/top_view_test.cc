#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "base.h"
#include "top_view.h"
}

namespace
{

constexpr uint64_t mib = WEIR_MIB;

top_row row(pid_t pid, const char *program, uint64_t live_mib, uint64_t retained_mib)
{
	top_row made = {};

	made.pid = pid;
	strncpy(made.program, program, sizeof made.program - 1);
	made.live_bytes = live_mib * mib;
	made.retained_bytes = retained_mib * mib;
	made.limit_bytes = 512 * mib;
	made.channel = "signal";
	return made;
}

struct Screen {
	explicit Screen(std::vector<top_row> with, unsigned lines = 10, unsigned columns = 100)
	    : rows(std::move(with))
	{
		view.lines = lines;
		view.columns = columns;
		view.order = top_orders;
		view.status = "keys";
		arrange();
	}

	void arrange()
	{
		view.rows = rows.data();
		view.count = rows.size();
		top_view_arrange(&view);
	}

	std::string text() const
	{
		char *printed = nullptr;
		size_t bytes = 0;
		FILE *to = open_memstream(&printed, &bytes);

		top_view_print(&view, to);
		fclose(to);
		std::string text(printed, bytes);
		free(printed);
		return text;
	}

	std::vector<std::string> lines() const
	{
		std::stringstream all(text());
		std::vector<std::string> lines;

		for (std::string line; std::getline(all, line);)
			lines.push_back(line);
		if (text().back() == '\n')
			lines.push_back("");
		return lines;
	}

	std::vector<pid_t> pids() const
	{
		std::vector<pid_t> pids;

		for (const top_row &r : rows)
			pids.push_back(r.pid);
		return pids;
	}

	std::vector<top_row> rows;
	top_view view = {};
};

std::vector<top_row> many(int count)
{
	std::vector<top_row> rows;

	for (int i = 1; i <= count; i++)
		rows.push_back(row(i, "worker", 1, 1));
	return rows;
}

size_t count_of(const std::string &text, char c)
{
	return (size_t)std::count(text.begin(), text.end(), c);
}

TEST(TopView, ShowsOneLineForEachProcessBetweenHeadAndStatus)
{
	top_row node = row(42, "node", 300, 100);

	node.requests = 1000;
	node.hits = 987;
	node.has_rate = true;
	node.rate = 250;
	Screen screen({ row(7, "redis-server", 0, 0), node }, 6);

	EXPECT_EQ(
		"2 processes, 300.0 MiB live, 100.0 MiB retained, by retained\n"
		"   PID PROGRAM           LIVE  RETAINED     LIMIT HITS %   REQ/S # LIVE + RETAINED  "
		"         CHANNEL\n"
		">   42 node         300.0 MiB 100.0 MiB 512.0 MiB   98.7     250 "
		"####################+++++++ signal\n"
		"     7 redis-server       0 B       0 B 512.0 MiB      -       - "
		"                            signal\n"
		"\n"
		"keys",
		screen.text());
}

TEST(TopView, CountsNoProcessWhenThereIsNone)
{
	Screen screen({});

	EXPECT_EQ("0 processes, 0 B live, 0 B retained, by retained", screen.lines()[0]);
	EXPECT_EQ(10U, screen.lines().size());
	EXPECT_EQ(0, screen.view.selected_pid);
}

TEST(TopView, OneTableHasEveryProcessAndNoSelection)
{
	Screen screen(many(50), 0, 120);

	EXPECT_EQ(52U, screen.lines().size());
	EXPECT_EQ(std::string::npos, screen.text().find('>'));
	EXPECT_EQ(std::string::npos, screen.text().find("keys"));
}

TEST(TopView, IsNeverWiderOrLongerThanTheScreen)
{
	std::vector<top_row> rows = many(20);

	rows.push_back(row(4194304, "a program with a name that has no end", 1 << 20, 3));
	for (unsigned lines = 1; lines <= 30; lines++) {
		for (unsigned columns = 2; columns <= 130; columns++) {
			Screen screen(rows, lines, columns);
			std::vector<std::string> shown = screen.lines();

			ASSERT_EQ(lines, shown.size()) << columns << " columns";
			for (const std::string &line : shown)
				ASSERT_LE(line.size(), columns) << line;
		}
	}
}

TEST(TopView, ANarrowScreenKeepsWhoHoldsWhat)
{
	Screen screen({ row(42, "node", 300, 100) }, 5, 36);

	EXPECT_EQ("   PID PROGRAM      LIVE  RETAINED", screen.lines()[1]);
	EXPECT_EQ(">   42 node    300.0 MiB 100.0 MiB", screen.lines()[2]);
}

TEST(TopView, FillsOutWideScreensWithTheBar)
{
	Screen screen({ row(42, "node", 300, 100) }, 5, 200);

	EXPECT_EQ(200U, screen.lines()[1].size());
	EXPECT_EQ(3 * count_of(screen.lines()[2], '+'), count_of(screen.lines()[2], '#'));
}

TEST(TopView, DrawsBarsAgainstTheLargestFootprint)
{
	Screen screen({ row(1, "a", 100, 100), row(2, "b", 50, 50), row(3, "c", 0, 0) });
	std::string a = screen.lines()[2], b = screen.lines()[3], c = screen.lines()[4];
	size_t whole = count_of(a, '#') + count_of(a, '+');

	EXPECT_NEAR((double)whole / 2, (double)(count_of(b, '#') + count_of(b, '+')), 0.5);
	EXPECT_NEAR((double)count_of(a, '#'), (double)count_of(a, '+'), 1);
	EXPECT_EQ(0U, count_of(c, '#') + count_of(c, '+'));
}

TEST(TopView, BearsFiguresThatMakeNoSense)
{
	top_row mad = row(1, "mad", 0, 0);

	mad.live_bytes = mad.retained_bytes = mad.limit_bytes = mad.rate = UINT64_MAX;
	mad.has_rate = true;
	mad.hits = UINT64_MAX;
	mad.requests = 1;
	Screen screen({ mad, row(2, "b", 1, 1) }, 10, 130);

	for (const std::string &line : screen.lines())
		EXPECT_LE(line.size(), 130U);
	EXPECT_NE(std::string::npos, screen.lines()[2].find(" 100.0 "));
}

TEST(TopView, CutsNamesToASixthOfTheScreen)
{
	Screen screen({ row(1, "abcdefghijklmnopqrstuvwxyz", 1, 1) }, 10, 96);

	EXPECT_NE(std::string::npos, screen.lines()[2].find(" abcdefghijklmnop "));
}

TEST(TopView, CountsColumnsNotBytesOfNames)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		GTEST_SKIP() << "no locale with UTF-8";
	Screen screen({ row(1, "caf\xc3\xa9", 1, 1), row(2, "\xe6\xbc\xa2\xe5\xad\x97", 1, 1),
			row(3, "a\tb\x1b[2J\xff", 1, 1) });
	std::vector<std::string> lines = screen.lines();

	setlocale(LC_CTYPE, "C");
	EXPECT_NE(std::string::npos, lines[2].find(" caf\xc3\xa9       1.0 MiB"));
	EXPECT_NE(std::string::npos, lines[3].find(" \xe6\xbc\xa2\xe5\xad\x97       1.0 MiB"));
	EXPECT_NE(std::string::npos, lines[4].find(" a?b?[2J?   1.0 MiB"));
}

TEST(TopView, ColoursOnlyWhenAsked)
{
	Screen screen({ row(1, "a", 100, 100) });

	EXPECT_EQ(std::string::npos, screen.text().find('\033'));
	std::string plain = screen.text();
	screen.view.has_colour = true;
	std::string coloured = screen.text(), stripped;
	for (size_t i = 0; i < coloured.size(); i++) {
		if (coloured[i] == '\033')
			i = coloured.find('m', i);
		else
			stripped += coloured[i];
	}
	EXPECT_NE(plain, coloured);
	EXPECT_EQ(plain, stripped);
}

TEST(TopOrder, SortsFiguresDownwardsAndNamesUpwards)
{
	std::vector<top_row> rows = { row(1, "c", 5, 1), row(2, "a", 6, 3), row(3, "b", 4, 2) };
	struct {
		const char *name;
		std::vector<pid_t> pids;
	} wanted[] = {
		{ "retained", { 2, 3, 1 } }, { "live", { 2, 1, 3 } }, { "hits", { 3, 1, 2 } },
		{ "pid", { 1, 2, 3 } },	     { "name", { 2, 3, 1 } },
	};

	rows[2].requests = rows[0].requests = 10;
	rows[2].hits = 9;
	rows[0].hits = 1;
	for (const auto &w : wanted) {
		Screen screen(rows);

		screen.view.order = top_order_find(w.name);
		ASSERT_NE(nullptr, screen.view.order);
		EXPECT_EQ(screen.view.order, top_order_of_key(screen.view.order->key));
		screen.arrange();
		EXPECT_EQ(w.pids, screen.pids()) << w.name;
	}
}

TEST(TopOrder, KeepsEqualRowsByProcess)
{
	Screen screen({ row(3, "a", 1, 1), row(1, "a", 1, 1), row(2, "a", 1, 1) });

	for (const top_order *order = top_orders; order->name; order++) {
		screen.view.order = order;
		screen.arrange();
		EXPECT_EQ((std::vector<pid_t>{ 1, 2, 3 }), screen.pids()) << order->name;
	}
}

TEST(TopOrder, KnowsNoOtherNamesAndKeys)
{
	EXPECT_EQ(nullptr, top_order_find("size"));
	EXPECT_EQ(nullptr, top_order_find(""));
	EXPECT_EQ(nullptr, top_order_of_key('x'));
	EXPECT_EQ(nullptr, top_order_of_key(0));
}

TEST(TopSelection, StaysWithItsProcessWhenTheOrderChanges)
{
	Screen screen({ row(1, "a", 1, 9), row(2, "b", 2, 5) });

	EXPECT_EQ(1, screen.view.selected_pid);
	screen.rows[0].retained_bytes = 0;
	screen.arrange();
	EXPECT_EQ(1, screen.view.selected_pid);
	EXPECT_EQ(1U, screen.view.selected);
	EXPECT_EQ('>', screen.lines()[3][0]);
}

TEST(TopSelection, GoesToTheNextWhenItsProcessIsGone)
{
	Screen screen(many(3));

	top_view_move(&screen.view, 1);
	screen.rows.erase(screen.rows.begin() + 1);
	screen.arrange();
	EXPECT_EQ(3, screen.view.selected_pid);
	screen.rows.pop_back();
	screen.arrange();
	EXPECT_EQ(1, screen.view.selected_pid);
	screen.rows.clear();
	screen.arrange();
	EXPECT_EQ(0, screen.view.selected_pid);
}

TEST(TopSelection, StopsAtBothEnds)
{
	Screen screen(many(5));

	top_view_move(&screen.view, -1);
	EXPECT_EQ(1, screen.view.selected_pid);
	top_view_move(&screen.view, 100);
	EXPECT_EQ(5, screen.view.selected_pid);
	top_view_move(&screen.view, -2);
	EXPECT_EQ(3, screen.view.selected_pid);
}

TEST(TopSelection, IsAlwaysOnTheScreen)
{
	Screen screen(many(30), 8);

	EXPECT_EQ(5U, top_view_room(&screen.view));
	EXPECT_NE(std::string::npos, screen.lines()[0].find("; 1 to 5"));
	for (long step : { 1, 1, 5, 10, -1, -7, 30, -2, -30 }) {
		top_view_move(&screen.view, step);
		EXPECT_LE(screen.view.first, screen.view.selected);
		EXPECT_LT(screen.view.selected, screen.view.first + 5);
		EXPECT_EQ(1U, count_of(screen.text(), '>'));
	}
}

TEST(TopSelection, AGrowingScreenLeavesNoLineEmpty)
{
	Screen screen(many(30), 8);

	top_view_move(&screen.view, 30);
	EXPECT_EQ(25U, screen.view.first);
	screen.view.lines = 23;
	screen.arrange();
	EXPECT_EQ(10U, screen.view.first);
	EXPECT_NE(std::string::npos, screen.lines()[0].find("; 11 to 30"));
}

} // namespace
