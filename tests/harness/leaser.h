/* The victim `leaser`, which makes numbered pools, leases numbered blocks and does as it is
 * told: linked with libweirpool alone, or with libweir preloaded, which does the work then. */
#ifndef WEIR_TESTS_HARNESS_LEASER_H
#define WEIR_TESTS_HARNESS_LEASER_H

#include "preloaded.h"
#include "weir.h"

namespace e2e
{

enum class Way { Alone, Preloaded };

inline Launch launch_by(Way way, const std::vector<std::string> &argv)
{
	return way == Way::Alone ? Launch(argv).plain() : Launch(argv);
}

inline std::string name_of_way(const testing::TestParamInfo<Way> &info)
{
	return info.param == Way::Alone ? "Alone" : "Preloaded";
}

inline Launch leaser_by(Way way)
{
	return launch_by(way, { victim("leaser") });
}

class Leaser : public Puppet
{
public:
	explicit Leaser(const Launch &launch) : Puppet(launch) {}

	/* Of the next pool. */
	void option(const std::string &name, const std::string &values)
	{
		ask("option " + name + " " + values);
	}

	void create(unsigned first, unsigned last)
	{
		for (unsigned i = first; i <= last; i++)
			ask("create " + std::to_string(i));
	}

	/* Blocks `first` to `last`, each written whole; or returned. */
	void lease(unsigned pool, unsigned first, unsigned last, uint64_t bytes,
		   const std::string &how = "lease")
	{
		for (unsigned i = first; i <= last; i++)
			ask(how + " " + std::to_string(pool) + " " + std::to_string(i) + " " +
			    std::to_string(bytes));
	}

	void give_back(unsigned pool, unsigned first, unsigned last)
	{
		for (unsigned i = first; i <= last; i++)
			ask("return " + std::to_string(pool) + " " + std::to_string(i));
	}

	uint64_t pool_figure(unsigned pool, const std::string &name)
	{
		return ask("figure " + std::to_string(pool) + " " + name);
	}

	uint64_t retained(unsigned pool) { return pool_figure(pool, "retained_bytes"); }
	uint64_t leased(unsigned pool) { return pool_figure(pool, "leased_blocks"); }
};

/* What every test of pools begins with. */

constexpr uint64_t slack = MiB;
constexpr uint64_t long_bytes = 4 * MiB;
constexpr uint64_t short_bytes = 300000;

/* What a pool retains after retain(). */
constexpr uint64_t each = 4 * counted(long_bytes) + 4 * counted(short_bytes);

/* Of the options `decay` and `flags`. */
const std::string never = std::to_string(WEIR_DECAY_OFF);
const std::string no_abort = std::to_string(WEIR_POOL_NO_ABORT);

class Pools : public testing::TestWithParam<Way>
{
protected:
	static Launch launch() { return leaser_by(GetParam()); }
};

inline void retain(Leaser &leaser, unsigned pool)
{
	leaser.lease(pool, 1, 4, long_bytes);
	leaser.lease(pool, 5, 8, short_bytes);
	leaser.give_back(pool, 1, 8);
	EXPECT_EQ(each, leaser.retained(pool));
}

inline void retain_in_two(Leaser &leaser)
{
	leaser.create(1, 2);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_EQ(2 * each, leaser.ask("retained"));
	EXPECT_GE(leaser.grown(), 2 * 4 * (long_bytes + short_bytes));
}

} // namespace e2e

#endif
