/* git on a repository with large files: commit, clone, repack, check. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"(
set -e
export GIT_CONFIG_NOSYSTEM=1 HOME=. GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.invalid GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.invalid
git init -q -b main source
cd source
i=0
while [ $i -lt 3 ]; do
	seq $i 3 900000 >numbers
	seq 1 $((100000 + i * 1000)) >more-$i
	git add .
	git commit -q -m "step $i"
	i=$((i + 1))
done
git repack -q -a -d -f --threads=1
git rev-list --objects --all
git fsck --full --no-progress
cd ..
git clone -q --no-local source copy
cd copy
git log --stat
git cat-file blob HEAD:numbers | cksum
git fsck --full --no-progress
)";

TEST(Git, KeepsTheSameHistory)
{
	std::string git = find_program({ "git" });
	Directory plain_directory, preloaded_directory;

	NEED_FOUND(git, "git");
	auto plain = Launch({ "sh", "-c", work }).plain().in(plain_directory.path()).run();
	auto preloaded = Launch({ "sh", "-c", work }).in(preloaded_directory.path()).run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.total("requests"), 10U);
}

} // namespace
