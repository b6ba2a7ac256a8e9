/* weir install: what it puts into a directory, how it replaces what is there, and that both
 * files work from there, the command also where there is nothing else. */
#include "command.h"

#include <elf.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

const std::string library_name = "/libweir.so.0";
const std::string command_name = "/weir";

/* As built; empty where configure found no static C library. */
std::string static_command()
{
	std::string path = fs::path(command_path()).parent_path() / "static/weir";

	return fs::exists(path) ? path : "";
}

#define NEED_STATIC() NEED_FOUND(static_command(), "a static C library")
#define NEED_ROOT() \
	do { \
		if (geteuid() != 0) \
			GTEST_SKIP() << "only root may mount, change root or become another user"; \
	} while (0)

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

struct stat about(const std::string &path)
{
	struct stat found = {};

	EXPECT_EQ(0, stat(path.c_str(), &found)) << path << ": " << strerror(errno);
	return found;
}

unsigned mode_of(const std::string &path)
{
	return about(path).st_mode & 07777U;
}

std::vector<std::string> names_in(const std::string &directory)
{
	std::vector<std::string> names;

	for (const auto &entry : fs::directory_iterator(directory))
		names.push_back(entry.path().filename());
	std::sort(names.begin(), names.end());
	return names;
}

/* Both files, whole, and nothing beside them. */
void expect_installed(const std::string &directory)
{
	EXPECT_EQ((std::vector<std::string>{ "libweir.so.0", "weir" }), names_in(directory));
	EXPECT_TRUE(read_file(directory + library_name) == read_file(std::getenv("LIBWEIR_PATH")));
	EXPECT_TRUE(read_file(directory + command_name) == read_file(static_command()));
}

void expect_failure(const Outcome &outcome, const std::string &complaint)
{
	EXPECT_EQ(1, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ("weir install: " + complaint + "\n", outcome.err);
	EXPECT_EQ("", outcome.out);
}

Outcome shell(const std::string &script, const std::vector<std::string> &arguments)
{
	std::vector<std::string> argv = { "sh", "-c", script, "sh" };

	argv.insert(argv.end(), arguments.begin(), arguments.end());
	return Launch(argv).plain().run();
}

/* A directory that weir was installed into, which everybody may enter. */
class Installed : private Directory
{
public:
	Installed()
	{
		fs::permissions(Directory::path(), static_cast<fs::perms>(0755));
		command_output({ "install", path() });
	}
	std::string path() const { return file("weir"); }
	std::string library() const { return path() + library_name; }
	std::string command() const { return path() + command_name; }
};

/* What is installed */

/* As DESTDIR and a prefix that configure did not know leave them. */
TEST(Install, FindsWhatIsInstalledBesideItWhereverThatIs)
{
	NEED_STATIC();
	Directory tree;
	const std::pair<std::string, std::string> files[] = {
		{ fs::path(command_path()), "bin/weir" },
		{ std::getenv("LIBWEIR_PATH"), "lib/libweir.so.0" },
		{ static_command(), "libexec/weir/weir" },
	};

	for (const auto &file : files) {
		fs::create_directories(fs::path(tree.file(file.second)).parent_path());
		fs::copy_file(file.first, tree.file(file.second));
	}
	Outcome outcome =
		Launch({ tree.file("bin/weir"), "install", tree.file("to") }).plain().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	expect_installed(tree.file("to"));
}

TEST(Install, FillsADirectoryThatItMakes)
{
	Directory directory;
	std::string made = directory.file("made");

	NEED_STATIC();
	std::string said = command_output({ "install", made });

	expect_installed(made);
	EXPECT_TRUE(contains(said, made + ": libweir.so.0 and weir, ")) << said;
	EXPECT_TRUE(contains(said, "LD_PRELOAD=" + made + library_name)) << said;
}

TEST(Install, SaysTheSameAsJson)
{
	Directory directory;

	NEED_STATIC();
	auto said = command_json({ "install", "--json", directory.path() });

	EXPECT_EQ(directory.path() + library_name, said["library"]);
	EXPECT_EQ(directory.path() + command_name, said["command"]);
	EXPECT_EQ(3U, said.size());
	EXPECT_TRUE(contains(command_output({ "--version" }), said["version"]));
}

TEST(Install, LetsEverybodyReadItWhateverTheUmaskIs)
{
	Directory directory;
	std::string made = directory.file("made");

	NEED_STATIC();
	EXPECT_TRUE(
		shell("umask 077; exec \"$@\"", { command_path(), "install", made }).succeeded());
	EXPECT_EQ(0755U, mode_of(made));
	EXPECT_EQ(0644U, mode_of(made + library_name));
	EXPECT_EQ(0755U, mode_of(made + command_name));
}

TEST(Install, LeavesADirectoryThatIsThereAsItIs)
{
	Directory directory;

	fs::permissions(directory.path(), static_cast<fs::perms>(0710));
	write_file(directory.file("other"), "kept");
	command_output({ "install", directory.path() });
	EXPECT_EQ(0710U, mode_of(directory.path()));
	EXPECT_EQ("kept", read_file(directory.file("other")));
}

TEST(Install, InstallsFromWhatItInstalled)
{
	Directory directory;
	std::string copy = directory.file("copy");

	NEED_STATIC();
	Installed first;

	EXPECT_TRUE(Launch({ first.command(), "install", copy }).plain().run().succeeded());
	expect_installed(copy);
	EXPECT_TRUE(Launch({ first.command(), "install", first.path() }).plain().run().succeeded());
	expect_installed(first.path());
}

/* Upgrades */

TEST(Install, LeavesARunningProgramTheLibraryThatItHas)
{
	NEED_STATIC();
	Installed weir;
	Puppet puppet(Launch({ weir.command(), "run", "--", victim("puppet") }).plain());
	std::string maps = "/proc/" + std::to_string(puppet.pid()) + "/maps";
	ino_t before = about(weir.library()).st_ino;

	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	EXPECT_TRUE(contains(read_file(maps), weir.library() + "\n"));
	command_output({ "install", weir.path() });

	EXPECT_NE(before, about(weir.library()).st_ino);
	EXPECT_TRUE(contains(read_file(maps), std::to_string(before) + " "));
	expect_installed(weir.path());
	EXPECT_GE(status_of(puppet.pid()).number("retained_bytes"), 16 * MiB);
	command_output({ "release", std::to_string(puppet.pid()) });
	EXPECT_EQ(0U, status_of(puppet.pid()).number("retained_bytes"));
	puppet.fill(1, 4, 4 * MiB);
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(Install, NeverShowsHalfAFile)
{
	NEED_STATIC();
	Installed weir;
	uint64_t library = fs::file_size(weir.library()), command = fs::file_size(weir.command());
	std::atomic<bool> over{ false };
	uint64_t looks = 0, halves = 0;
	std::thread watch([&] {
		for (; !over; looks++)
			halves += fs::file_size(weir.library()) != library ||
				  fs::file_size(weir.command()) != command;
	});

	for (int i = 0; i < 10; i++)
		command_output({ "install", weir.path() });
	over = true;
	watch.join();
	EXPECT_GT(looks, 10U);
	EXPECT_EQ(0U, halves);
	expect_installed(weir.path());
}

/* What cannot be */

TEST(Install, TakesOneDirectory)
{
	Directory directory;

	command_output({ "install" }, 2);
	command_output({ "install", directory.file("one"), directory.file("two") }, 2);
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(Install, MakesNoParents)
{
	Directory directory;
	std::string below = directory.file("missing/below");

	expect_failure(run_command({ "install", below }), below + ": No such file or directory");
	EXPECT_FALSE(fs::exists(directory.file("missing")));
}

TEST(Install, SaysThatTheDirectoryIsAFile)
{
	Directory directory;

	write_file(directory.file("file"), "kept");
	expect_failure(run_command({ "install", directory.file("file") }),
		       directory.file("file") + ": Not a directory");
	EXPECT_EQ("kept", read_file(directory.file("file")));
}

TEST(Install, ReplacesNoDirectory)
{
	Directory directory;

	fs::create_directory(directory.file("libweir.so.0"));
	expect_failure(run_command({ "install", directory.path() }),
		       directory.path() + library_name + ": Is a directory");
	EXPECT_EQ(std::vector<std::string>{ "libweir.so.0" }, names_in(directory.path()));
}

TEST(Install, ReplacesNeitherFileWhereOneIsADirectory)
{
	Directory directory;

	write_file(directory.file("libweir.so.0"), "kept");
	fs::create_directory(directory.file("weir"));
	expect_failure(run_command({ "install", directory.path() }),
		       directory.path() + command_name + ": Is a directory");
	EXPECT_TRUE(read_file(directory.file("libweir.so.0")) == "kept");
	EXPECT_EQ((std::vector<std::string>{ "libweir.so.0", "weir" }), names_in(directory.path()));
}

/* Names of files as they are made in a directory. */
class Watch
{
public:
	explicit Watch(const std::string &directory) : fd_(inotify_init1(IN_CLOEXEC))
	{
		EXPECT_LE(0, inotify_add_watch(fd_, directory.c_str(), IN_CREATE));
	}
	~Watch() { close(fd_); }
	Watch(const Watch &) = delete;
	Watch &operator=(const Watch &) = delete;

	/* Whether one is made within the time of a test. */
	bool sees_one() const
	{
		char events[4096];
		pollfd made = { fd_, POLLIN, 0 };

		return poll(&made, 1, 30000) == 1 && read(fd_, events, sizeof events) > 0;
	}

private:
	int fd_;
};

TEST(Install, LeavesNothingHalfDoneWhenItIsEnded)
{
	NEED_STATIC();
	for (int signal : { SIGTERM, SIGINT, SIGHUP }) {
		Directory directory;
		Watch watch(directory.path());
		Running install(command({ "install", directory.path() }));

		ASSERT_TRUE(watch.sees_one());
		install.signal(signal);
		install.finish();
		expect_installed(directory.path());
	}
}

TEST(Install, LeavesNothingWhereFilesMayNotBeSoLong)
{
	Directory directory;

	expect_failure(
		shell("ulimit -f 64; exec \"$@\"", { command_path(), "install", directory.path() }),
		directory.path() + library_name + ": File too large");
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(Install, SaysThatItMayNotWrite)
{
	Directory directory;

	NEED_STATIC();
	NEED_ROOT();
	Installed weir;

	fs::permissions(directory.path(), static_cast<fs::perms>(0755));
	expect_failure(Launch({ "setpriv", "--reuid=65534", "--clear-groups", weir.command(),
				"install", directory.path() })
			       .plain()
			       .in("/")
			       .run(),
		       directory.path() + library_name + ": Permission denied");
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

/* Mounts that are gone with the shell. $1 is the directory, $2 the command. */
Outcome in_own_mounts(const std::string &script, const std::string &directory)
{
	return Launch({ "unshare", "--mount", "sh", "-c", script, "sh", directory, command_path() })
		.plain()
		.run();
}

TEST(Install, SaysThatTheDirectoryIsReadOnly)
{
	Directory directory;

	NEED_ROOT();
	expect_failure(in_own_mounts("mount -t tmpfs -o ro none \"$1\"; exec \"$2\" install \"$1\"",
				     directory.path()),
		       directory.path() + library_name + ": Read-only file system");
}

TEST(Install, LeavesNothingOnADiskThatIsTooSmall)
{
	Directory directory;
	Outcome outcome;

	NEED_ROOT();
	outcome = in_own_mounts("mount -t tmpfs -o size=64k none \"$1\"; \"$2\" install \"$1\"; "
				"echo $?; ls -A \"$1\"",
				directory.path());
	EXPECT_EQ("1\n", outcome.out);
	EXPECT_EQ("weir install: " + directory.path() + library_name +
			  ": No space left on device\n",
		  outcome.err);
}

TEST(Install, LeavesWhatIsThereWhereTheDiskIsFull)
{
	Directory directory;
	Outcome outcome;

	NEED_STATIC();
	NEED_ROOT();
	outcome = in_own_mounts("mount -t tmpfs -o size=64m none \"$1\"; \"$2\" install \"$1\";"
				"stat -c %i \"$1\"/*; cat /dev/zero >\"$1\"/full 2>/dev/null; "
				"truncate -s -1536k \"$1\"/full; " /* room for the library alone */
				"\"$2\" install \"$1\"; stat -c %i \"$1\"/[lw]*; ls -A \"$1\"",
				directory.path());
	std::string rest = outcome.out.substr(outcome.out.find("there\n") + strlen("there\n"));
	std::string before = rest.substr(0, rest.find('\n', rest.find('\n') + 1) + 1);

	EXPECT_EQ(before + before + "full\nlibweir.so.0\nweir\n", rest);
	EXPECT_EQ("weir install: " + directory.path() + command_name +
			  ": No space left on device\n",
		  outcome.err);
}

TEST(Install, SaysThatAPathCannotStandInAList)
{
	Directory directory;
	Outcome outcome = run_command({ "install", directory.file("a b") });

	EXPECT_TRUE(outcome.succeeded());
	EXPECT_TRUE(contains(outcome.err, "a path with a space or a colon")) << outcome.err;
	EXPECT_FALSE(contains(outcome.out, "LD_PRELOAD")) << outcome.out;
}

/* What it installs works */

TEST(Installed, LibraryIsPreloadedByOtherUsers)
{
	NEED_STATIC();
	NEED_ROOT();
	Installed weir;
	Outcome outcome = Launch({ "setpriv", "--reuid=65534", "--clear-groups", "env",
				   "LD_PRELOAD=" + weir.library(), "WEIR_VERBOSE=1", "true" })
				  .plain()
				  .in("/")
				  .run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(0U, outcome.err.find("weir[")) << outcome.err;
}

TEST(Installed, CommandRunsProgramsUnderTheLibraryBesideIt)
{
	NEED_STATIC();
	Installed weir;
	Outcome outcome = Launch({ weir.command(), "run", "--", "sh", "-c", "echo $LD_PRELOAD" })
				  .plain()
				  .run();

	EXPECT_EQ(weir.library() + "\n", outcome.out);
	EXPECT_EQ("", outcome.err);
}

TEST(Installed, CommandFindsBackends)
{
	std::string jemalloc = find_library("libjemalloc.so.2");

	NEED_STATIC();
	NEED_FOUND(jemalloc, "libjemalloc");
	Installed weir;
	Outcome outcome = Launch({ weir.command(), "run", "--backend", "jemalloc", "--", "sh", "-c",
				   "echo $LD_PRELOAD" })
				  .plain()
				  .run();

	EXPECT_TRUE(contains(outcome.out, weir.library() + ":/")) << outcome.describe();
	EXPECT_TRUE(contains(outcome.out, "/libjemalloc.so.2\n")) << outcome.describe();
}

TEST(Installed, CommandSaysThatItCannotListen)
{
	NEED_STATIC();
	Installed weir;
	Outcome outcome =
		Launch({ weir.command(), "metrics", "--listen", "nowhere" }).plain().run();

	if (outcome.end.exit_status == 1)
		EXPECT_EQ("weir metrics: --listen: this command was built without libmicrohttpd, "
			  "which serves HTTP\n",
			  outcome.err);
	else
		EXPECT_EQ(2, outcome.end.exit_status) << outcome.describe();
}

template <typename Type> Type at(const std::string &bytes, uint64_t offset)
{
	Type value = {};

	EXPECT_LE(offset + sizeof value, bytes.size());
	if (offset + sizeof value <= bytes.size())
		memcpy(&value, bytes.data() + offset, sizeof value);
	return value;
}

TEST(Installed, CommandNeedsNoOtherFile)
{
	NEED_STATIC();
	Installed weir;
	std::string bytes = read_file(weir.command());
	auto header = at<Elf64_Ehdr>(bytes, 0);

	ASSERT_EQ(0, memcmp(header.e_ident, ELFMAG, SELFMAG));
	ASSERT_GT(header.e_phnum, 0);
	for (unsigned i = 0; i < header.e_phnum; i++) {
		auto part = at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));

		EXPECT_NE(static_cast<uint32_t>(PT_INTERP), part.p_type);
		if (part.p_type != PT_DYNAMIC)
			continue;
		for (uint64_t done = 0; done < part.p_filesz; done += sizeof(Elf64_Dyn))
			EXPECT_NE(DT_NEEDED, at<Elf64_Dyn>(bytes, part.p_offset + done).d_tag);
	}
}

/* The installed directory as the root, where there is nothing but /proc. */
class EmptyRoot
{
public:
	Outcome run(const std::vector<std::string> &arguments) const
	{
		std::vector<std::string> argv = {
			"unshare",
			"--mount",
			"sh",
			"-c",
			"root=$1; shift; mkdir -p \"$root/proc\"; mount -t proc proc \"$root/proc\"; "
			"exec chroot \"$root\" /weir \"$@\"",
			"sh",
			weir_.path()
		};

		argv.insert(argv.end(), arguments.begin(), arguments.end());
		return Launch(argv).plain().env("LANG", "de_DE.ISO-8859-1").run();
	}
	std::string output(const std::vector<std::string> &arguments) const
	{
		Outcome outcome = run(arguments);

		EXPECT_TRUE(outcome.succeeded()) << arguments[0] << ": " << outcome.describe();
		return outcome.out;
	}

private:
	Installed weir_;
};

TEST(Installed, CommandWorksWhereThereIsNothingElse)
{
	NEED_STATIC();
	NEED_ROOT();
	EmptyRoot root;
	Puppet puppet(e2e::puppet());
	std::string pid = std::to_string(puppet.pid());

	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	EXPECT_EQ(command_output({ "--version" }), root.output({ "--version" }));
	EXPECT_EQ(command_output({ "help", "run" }), root.output({ "help", "run" }));
	EXPECT_TRUE(contains(root.output({ "ps" }), pid + "  puppet"));
	EXPECT_TRUE(contains(root.output({ "top", "--once" }), pid + " puppet"));
	EXPECT_TRUE(contains(root.output({ "check", pid }), "is loaded and serves"));
	EXPECT_TRUE(contains(root.output({ "metrics", pid }), "pid=\"" + pid + "\""));
	EXPECT_EQ(puppet.pid(), parse_json(root.output({ "status", "--json", pid }))["pid"]);
	EXPECT_EQ(command_output({ "config", pid }), root.output({ "config", pid }));
	EXPECT_TRUE(contains(root.output({ "release", pid }), "puppet[" + pid + "]: released 16."));
	EXPECT_EQ(0U, status_of(puppet.pid()).number("retained_bytes"));
	EXPECT_TRUE(contains(root.output({ "install", "/copy" }), "LD_PRELOAD=/copy/libweir.so.0"));
}

TEST(Installed, CommandSaysWhatIsMissingWhereThereIsNothingElse)
{
	NEED_STATIC();
	NEED_ROOT();
	EmptyRoot root;
	Outcome outcome = root.run({ "run", "--", "python3" });

	EXPECT_EQ(127, outcome.end.exit_status) << outcome.describe();
	EXPECT_TRUE(contains(outcome.err, "weir run: python3: No such file")) << outcome.err;
}

} // namespace
