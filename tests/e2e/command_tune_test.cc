/* weir tune: what it runs, and how it says what it found. */
#include "command.h"

#include <filesystem>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

Launch tuning(std::vector<std::string> words)
{
	words.insert(words.begin(), "tune");
	return command(words);
}

void expect_status(int status, const Outcome &outcome)
{
	EXPECT_EQ(status, outcome.end.exit_status) << outcome.describe();
}

/* A program that is as slow and as large as its settings say, whatever the machine does
 * meanwhile. It reports to have retained 64 MiB, of which blocks of 1 MiB were asked for more
 * often than those of 8. */
class Tune : public testing::Test
{
protected:
	/* Cases of a shell over PRESET/LIMIT/DECAY/CLASSES, in which `be SECONDS MIB` takes so
	 * much of both. */
	Outcome tune(std::vector<std::string> options, const std::string &cases) const
	{
		write_file(directory_.file("program"), start + cases + "esac\n");
		fs::permissions(directory_.file("program"), fs::perms(0755));
		options.insert(options.end(), { "--", directory_.file("program") });
		return tuning(options).env("TMPDIR", directory_.path()).run();
	}
	nlohmann::json tune_json(const std::string &within, const std::string &cases) const
	{
		Outcome outcome = tune({ "-n", "1", "--within", within, "--json" }, cases);

		expect_status(0, outcome);
		EXPECT_EQ("", outcome.err);
		return parse_json(outcome.out);
	}

	Directory directory_;

private:
	static constexpr const char *start = R"(#!/bin/sh
report=${WEIR_REPORT:-/dev/null}
cat >>${report#exit:} <<END
{"peak_retained_bytes":67108864,"requests":100,"hits":92,"classes":[\
{"size_bytes":1048576,"hits":90,"retained_bytes":9000000},\
{"size_bytes":8388608,"hits":2,"retained_bytes":9000000}]}
END
be() { dd if=/dev/zero of=/dev/null bs=$2M count=1; sleep $1; }
case $WEIR_PRESET/$WEIR_LIMIT/$WEIR_DECAY/$WEIR_CLASS_LIMITS in
)";
};

/* However slow the machine is, sizes alone count here; tests/unit/tuning_test.cc has the rest. */
const char needs_32M[] = "moderate/32M//) be .05 10 ;;\n"
			 "moderate///) be .05 16 ;;\n"
			 "*) be .05 30 ;;\n";

TEST_F(Tune, FindsWhatAProgramNeeds)
{
	nlohmann::json object = tune_json("1000", needs_32M);
	const nlohmann::json &environment = object["environment"];

	EXPECT_EQ("moderate", object["best_preset"]) << object;
	EXPECT_EQ(false, object["fell_back"]);
	EXPECT_EQ("libweir.so.0", environment.value("LD_PRELOAD", ""));
	EXPECT_EQ("moderate", environment.value("WEIR_PRESET", ""));
	EXPECT_EQ("32M", environment.value("WEIR_LIMIT", "")) << object;
	EXPECT_EQ(3U, environment.size()) << environment;
	EXPECT_LT(object["resident_ratio"], .95);
	EXPECT_EQ(1, std::distance(fs::directory_iterator(directory_.path()), {}))
		<< "nothing is left but the program";
}

TEST_F(Tune, PrintsWhatItTriedAndTheEnvironment)
{
	Outcome outcome = tune({ "-n", "1", "-w", "1000" }, needs_32M);

	expect_status(0, outcome);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.out.find("STEP ")) << outcome.out;
	for (const char *part :
	     { "preset=off ", "preset=moderate,limit=32M ", "class-limits=4M-7680K:0 ",
	       "\nRecommended:\n", "\n  WEIR_LIMIT=32M\n      64.0 MiB were retained without it;",
	       "\n# Containerfile\nENV LD_PRELOAD=\"libweir.so.0\" \\\n",
	       "\nenv:\n- { name: LD_PRELOAD, value: \"libweir.so.0\" }\n",
	       "\n[Service]\nEnvironment=\"LD_PRELOAD=libweir.so.0\"\n" })
		EXPECT_TRUE(contains(outcome.out, part)) << part << "\n" << outcome.out;
	std::string unit = tune({ "-n", "1", "-w", "1000", "-f", "systemd" }, needs_32M).out;

	EXPECT_TRUE(contains(unit, "\n[Service]\n")) << unit;
	EXPECT_FALSE(contains(unit, "ENV ") || contains(unit, "env:"));
}

TEST_F(Tune, SaysThatWeirCannotHelp)
{
	Outcome outcome = tuning({ "-n", "1", "true" }).run();

	expect_status(0, outcome);
	EXPECT_TRUE(contains(outcome.out, "weir cannot help: the program makes no large request"))
		<< outcome.out;
	EXPECT_FALSE(contains(outcome.out, "limit=")) << "no more is tried";
}

TEST_F(Tune, LeavesWhatItSearchesOutOfTheEnvironment)
{
	std::string log = directory_.file("log");
	Outcome outcome =
		tuning({ "-n", "1", "--", "sh", "-c",
			 "echo \"$WEIR_PRESET $WEIR_LIMIT $WEIR_DECAY $WEIR_MIN\" >>" + log })
			.env("WEIR_LIMIT", "1M")
			.env("WEIR_DECAY", "2s")
			.env("WEIR_MIN", "128K")
			.run();

	expect_status(0, outcome);
	EXPECT_TRUE(contains(read_file(log), "moderate   128K\n")) << read_file(log);
	EXPECT_FALSE(contains(read_file(log), "1M") || contains(read_file(log), "2s"));
}

TEST_F(Tune, EndsAsCompareDoes)
{
	auto run = [&](const std::vector<std::string> &words) {
		return tuning(words).env("TMPDIR", directory_.path()).run();
	};
	Outcome outcome = run({ "--", "sh", "-c", "echo why >&2; exit 3" });

	expect_status(1, outcome);
	EXPECT_TRUE(contains(outcome.err, "sh ended with exit status 3, not 0; its stderr is in "))
		<< outcome.err;
	expect_status(127, run({ "weir-has-no-such-program" }));
	for (const auto &words :
	     std::vector<std::vector<std::string>>{ {},
						    { "-n", "0", "true" },
						    { "-n", "1.5", "true" },
						    { "-w", "-1", "true" },
						    { "-w", "x", "true" },
						    { "-f", "compose", "true" } })
		expect_status(2, run(words));
}

} // namespace
