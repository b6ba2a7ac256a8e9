/* weir top on a terminal: tmux's, of which the screen is read as a person sees it. */
#include "command.h"

#include <algorithm>
#include <csignal>
#include <regex>
#include <sstream>

using namespace e2e;

namespace
{

/* A tmux server of its own, ended with the test, and one screen of it. */
class Terminal : private Directory, private Running
{
public:
	Terminal(const std::string &tmux, const std::string &script)
	    : Running(Launch({ tmux, "-f", "/dev/null", "-S", "terminal", "-D" })
			      .plain()
			      .in(path())),
	      tmux_(tmux)
	{
		EXPECT_TRUE(eventually([&] {
			return tell({ "new-session", "-d", "-x", "150", "-y", "100", script })
				.succeeded();
		})) << errors();
	}
	~Terminal() override { tell({ "kill-server" }); }

	std::string screen() const { return tell({ "capture-pane", "-p" }).out; }
	void press(const std::string &key) { tell({ "send-keys", key }); }
	void resize(unsigned columns, unsigned lines)
	{
		tell({ "resize-window", "-x", std::to_string(columns), "-y",
		       std::to_string(lines) });
	}
	/* Waits until the screen shows a line like this, and returns the line. */
	std::string line(const std::string &form)
	{
		std::regex line("(^|\n)(" + form + ")(?=\n|$)");
		std::string seen;
		std::smatch found;

		EXPECT_TRUE(eventually([&] {
			seen = screen();
			return std::regex_search(seen, found, line);
		})) << form
		    << "\n"
		    << seen;
		return found.size() > 2 ? found[2].str() : "";
	}

private:
	Outcome tell(std::vector<std::string> words) const
	{
		std::vector<std::string> argv = { tmux_, "-S", "terminal" };

		argv.insert(argv.end(), words.begin(), words.end());
		return Launch(argv).plain().in(path()).env("TERM", "xterm").run();
	}
	std::string tmux_;
};

/* Three puppets that hold and retain what nobody else does. */
class Top : public testing::Test
{
protected:
	void SetUp() override
	{
		const unsigned live[] = { 30, 10, 20 }, retained[] = { 10, 30, 20 };

		tmux_ = find_program({ "tmux" });
		NEED_FOUND(tmux_, "tmux");
		for (unsigned i = 0; i < 3; i++) {
			puppets_.push_back(std::make_unique<Puppet>(
				puppet().env("WEIR_LIMIT", "100M").env("WEIR_DECAY", "off")));
			puppets_[i]->fill(1, live[i] + retained[i], MiB);
			puppets_[i]->free(1, retained[i]);
		}
	}
	void start(const std::string &options = "")
	{
		terminal_ = std::make_unique<Terminal>(
			tmux_, "echo before; " + command_path() + " top --delay 0.1 " + options +
				       "; echo status $?; cat");
	}
	/* How the row of a puppet begins, from its mark on. */
	std::string row(unsigned i, const std::string &mark = "[ >]") const
	{
		return mark + " *" + std::to_string(puppets_[i]->pid()) + " ";
	}
	/* The puppets in the order of their rows. */
	std::vector<unsigned> order() const
	{
		std::istringstream lines(terminal_->screen());
		std::vector<unsigned> order;

		for (std::string line; std::getline(lines, line);)
			for (unsigned i = 0; i < puppets_.size(); i++)
				if (std::regex_search(line, std::regex("^" + row(i))))
					order.push_back(i);
		return order;
	}
	/* Ids begin anew when there are no larger ones. */
	std::vector<unsigned> by_pid() const
	{
		std::vector<unsigned> order = { 0, 1, 2 };

		std::sort(order.begin(), order.end(), [this](unsigned a, unsigned b) {
			return puppets_[a]->pid() < puppets_[b]->pid();
		});
		return order;
	}
	void expect_order(const std::vector<unsigned> &wanted)
	{
		EXPECT_TRUE(eventually([&] { return order() == wanted; })) << terminal_->screen();
	}
	/* Others may be between: goes on until it is there. */
	void select(unsigned i)
	{
		terminal_->press("Home");
		EXPECT_TRUE(eventually([&] {
			std::string screen = terminal_->screen();

			if (std::regex_search(screen, std::regex("\n" + row(i, ">"))))
				return true;
			terminal_->press("Down");
			return false;
		}));
	}
	std::string figures(unsigned i, unsigned live, unsigned retained) const
	{
		return row(i) + "puppet +" + printed_size(live * counted(MiB)) + " +" +
		       printed_size(retained * counted(MiB)) +
		       " +100.0 MiB +0.0 +[0-9-]+ #*[+]* *signal *";
	}

	std::string tmux_;
	std::vector<std::unique_ptr<Puppet>> puppets_;
	std::unique_ptr<Terminal> terminal_;
};

TEST_F(Top, ShowsARowForEachProcess)
{
	start();
	terminal_->line(R"([0-9]+ processes, [0-9.]+ .iB live, [0-9.]+ .iB retained, by retained)");
	terminal_->line(" *PID PROGRAM +LIVE +RETAINED +LIMIT +HITS % +REQ/S # LIVE [+] RETAINED "
			"+CHANNEL *");
	terminal_->line(figures(0, 30, 10));
	terminal_->line(figures(1, 10, 30));
	terminal_->line(figures(2, 20, 20));
}

TEST_F(Top, DrawsLiveAndRetainedAsBars)
{
	start();
	std::string bar = terminal_->line(figures(1, 10, 30));
	auto live = std::count(bar.begin(), bar.end(), '#');
	auto retained = std::count(bar.begin(), bar.end(), '+');

	EXPECT_GE(live, 1);
	EXPECT_NEAR(3.0 * static_cast<double>(live), static_cast<double>(retained), 3);
}

TEST_F(Top, FollowsWhatChanges)
{
	start();
	terminal_->line(figures(0, 30, 10));
	puppets_[0]->free(11, 20);
	terminal_->line(figures(0, 20, 20));
	puppets_[2]->finish();
	expect_order({ 1, 0 });
}

TEST_F(Top, SortsByWhatAKeySays)
{
	start();
	expect_order({ 1, 2, 0 });
	terminal_->press("l");
	expect_order({ 0, 2, 1 });
	terminal_->line("[0-9]+ processes, .* by live");
	terminal_->press("p");
	expect_order(by_pid());
	terminal_->press("t");
	expect_order({ 1, 2, 0 });
}

TEST_F(Top, SortsAsItIsTold)
{
	start("--sort live");
	expect_order({ 0, 2, 1 });
}

TEST_F(Top, ReleasesWhatTheSelectedProcessRetains)
{
	start();
	terminal_->line(figures(2, 20, 20));
	select(2);
	terminal_->press("r");
	terminal_->line(R"(puppet\[)" + std::to_string(puppets_[2]->pid()) +
			R"(\]: released 20\.[0-9] MiB in 20 blocks)");
	terminal_->line(figures(2, 20, 0));
	terminal_->line(figures(1, 10, 30));
	terminal_->line(row(2, ">") + ".*"); /* it stays selected where it goes */
	EXPECT_EQ(1U, puppets_[2]->finish().report().number("released/signal/releases"));
	EXPECT_EQ(0U, puppets_[1]->finish().report().number("released/signal/releases"));
}

TEST_F(Top, LeavesTheScreenAsItWas)
{
	start();
	terminal_->line(figures(0, 30, 10));
	EXPECT_EQ(std::string::npos, terminal_->screen().find("before"));
	terminal_->press("q");
	terminal_->line("status 0");
	EXPECT_EQ("before\nstatus 0\n\n", terminal_->screen().substr(0, 17));
	terminal_->press("typed");
	terminal_->line("typed");
}

TEST_F(Top, EndsByTheInterruptKey)
{
	start();
	terminal_->line(figures(0, 30, 10));
	terminal_->press("C-c");
	terminal_->line("before");
}

/* The least important columns go first. */
TEST_F(Top, FitsANarrowScreen)
{
	start();
	terminal_->line(figures(0, 30, 10));
	terminal_->resize(50, 100);
	/* The wide line may be there for a moment longer. */
	std::string narrow = terminal_->line("(?=.{1,50}(?:\n|$))" + row(0) +
					     "puppet +30.1 MiB +10.0 MiB( [^ ]+)?.*");

	EXPECT_EQ(std::string::npos, narrow.find("signal")) << narrow;
}

TEST_F(Top, PrintsOneTableWithoutATerminal)
{
	for (const auto &arguments : { std::vector<std::string>{ "top" }, { "top", "--once" } }) {
		std::string table = command_output(arguments);

		for (unsigned i = 0; i < 3; i++)
			EXPECT_TRUE(
				std::regex_search(table, std::regex("\n" + figures(i,
										   i == 0   ? 30
										   : i == 1 ? 10
											    : 20,
										   i == 0   ? 10
										   : i == 1 ? 30
											    : 20))))
				<< table;
		EXPECT_EQ(std::string::npos, table.find('\033'));
	}
}

} // namespace
