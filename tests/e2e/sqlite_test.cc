/* sqlite3 with large blobs, a large page cache and a sort in memory. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"(
pragma cache_size = -65536;
pragma temp_store = memory;
create table blobs (id integer primary key, data blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20)
	insert into blobs select i, zeroblob(300000 + i * 50000) from n;
update blobs set data = replace(hex(data), '00', char(64 + id));
select id, length(data), substr(data, 1000, 5) from blobs;
create table numbers as
	with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
	select i, (i * 7919) % 200003 as k from n;
select sum(i * rank) from (select i, row_number() over (order by k) as rank from numbers);
select length(group_concat(k)) from numbers;
pragma integrity_check;
)";

TEST(Sqlite, AnswersTheSame)
{
	std::string sqlite = find_program({ "sqlite3" });
	Directory directory;

	NEED_FOUND(sqlite, "sqlite3");
	write_file(directory.file("work.sql"), work);

	auto query = [&](const std::string &database) {
		return Launch({ sqlite, "-batch", directory.file(database) })
			.input(directory.file("work.sql"));
	};
	auto plain = query("plain.db").plain().run();
	auto preloaded = query("preloaded.db").run();

	expect_same(plain, preloaded);
	EXPECT_TRUE(read_file(directory.file("plain.db")) ==
		    read_file(directory.file("preloaded.db")));
	EXPECT_GT(preloaded.report().number("requests"), 50U);
	EXPECT_GT(preloaded.report().number("hits"), 20U);
}

} // namespace
