/* Programs run with and without weir, for the tests of tests/e2e.
 *
 * `Launch` says what to start, `Running` is a program that was started and
 * `Outcome` what became of it. A Launch preloads the library of LIBWEIR_PATH
 * and collects the reports of the program and of its children in a directory
 * of its own, unless plain() was called. */
#ifndef WEIR_TESTS_PRELOADED_H
#define WEIR_TESTS_PRELOADED_H

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "peer.h"
#include "proc.h"
#include "program.h"
}

namespace e2e
{

constexpr uint64_t KiB = 1024;
constexpr uint64_t MiB = 1024 * KiB;
constexpr uint64_t GiB = 1024 * MiB;

/* What a large block counts as, on 4 KiB pages: in whole pages, with room for any of the
 * places it may begin at. */
constexpr uint64_t counted(uint64_t bytes)
{
	return (bytes + 31 * 128 + 4095) / 4096 * 4096;
}

/* Looks again and again until it holds: false when it does not within two minutes. */
bool eventually(const std::function<bool()> &holds);

std::string read_file(const std::string &path);
void write_file(const std::string &path, const std::string &content);

/* A fresh directory, removed with all its content at the end. */
class Directory
{
public:
	Directory();
	~Directory();
	Directory(const Directory &) = delete;
	Directory &operator=(const Directory &) = delete;
	const std::string &path() const { return path_; }
	std::string file(const std::string &name) const { return path_ + "/" + name; }

private:
	std::string path_;
};

/* The object that WEIR_REPORT wrote for one process. Members of members are
 * named with slashes: "released/signal/bytes". */
class Report
{
public:
	explicit Report(const std::string &line);
	bool has(const std::string &name) const;
	uint64_t number(const std::string &name) const; /* a missing one fails the test */
	std::string text(const std::string &name) const;
	/* A figure over the classes of which the size lies in this range. */
	uint64_t of_classes(uint64_t from, uint64_t to, const std::string &name) const;
	/* The same for the one class that serves requests of `bytes`. */
	uint64_t of_class(uint64_t bytes, const std::string &name) const;
	size_t class_count() const;
	/* All members but those of classes, sorted. */
	std::vector<std::string> names() const;

private:
	std::map<std::string, uint64_t> numbers_;
	std::map<std::string, std::string> texts_;
};

struct Outcome {
	pid_t pid = -1;
	program_end end = {};
	std::string out;
	std::string err;
	std::vector<Report> reports;

	bool succeeded() const { return !end.timed_out && end.exit_status == 0; }
	/* The report of the program itself; fails the test when there is not exactly one. */
	const Report &report() const;
	/* Over the program and its children. */
	uint64_t total(const std::string &name) const;
	/* How it ended and what it printed, for the message of a failed test. */
	std::string describe() const;
};

class MemoryCgroup;

class Launch
{
public:
	explicit Launch(std::vector<std::string> argv) : argv_(std::move(argv)) {}

	Launch &plain();			    /* without weir */
	Launch &library(const std::string &path);   /* another build of weir */
	Launch &before(const std::string &library); /* preloaded too, before weir */
	Launch &behind(const std::string &library); /* and after it */
	Launch &env(const std::string &name, const std::string &value);
	std::string variable(const std::string &name) const; /* as env() has set it */
	Launch &in(const std::string &directory);
	Launch &in_cgroup(const MemoryCgroup &cgroup); /* from its start */
	Launch &input(const std::string &path);
	Launch &ignoring(int signal);
	Launch &address_limit(uint64_t bytes);
	Launch &seconds(unsigned limit); /* the time-out; 240 unless told */
	Outcome run() const;

private:
	friend class Running;
	std::vector<std::string> argv_;
	std::map<std::string, std::string> env_;
	std::string library_;
	std::string libraries_before_, libraries_;
	std::string directory_;
	std::string cgroup_procs_;
	std::string input_;
	int ignored_signal_ = 0;
	uint64_t address_limit_ = 0;
	unsigned seconds_ = 240;
	bool preloaded_ = true;
};

class Running
{
public:
	explicit Running(const Launch &launch);
	virtual ~Running();
	Running(const Running &) = delete;
	Running &operator=(const Running &) = delete;

	pid_t pid() const;
	void say(const std::string &line);
	std::string hear(); /* the next line it prints; empty at its end */
	void signal(int number);
	void signal_thread(pid_t thread, int number);
	proc_memory memory() const;
	std::string errors();	 /* its stderr so far */
	const Outcome &finish(); /* closes its stdin and waits */

private:
	Directory reports_;
	program *program_ = nullptr;
	std::unique_ptr<Outcome> outcome_;
};

/* The victim `puppet`, which holds numbered blocks and does as it is told. It
 * has started, and has asked for nothing large, once it is constructed. */
class Puppet : public Running
{
public:
	explicit Puppet(const Launch &launch);

	/* The number it answers; a complaint of the puppet fails the test. */
	uint64_t ask(const std::string &command);
	/* The errno of a command that is to fail. */
	uint64_t ask_error(const std::string &command);
	/* Blocks `first` to `last`: each of `bytes`, written whole; or freed. */
	void fill(unsigned first, unsigned last, uint64_t bytes);
	void free(unsigned first, unsigned last);
	/* Sends the signal to the process and returns when it was taken. */
	void release(int number = 10);
	/* Its anonymous memory above that at its start. */
	uint64_t grown() const;

private:
	uint64_t start_bytes_;
};

Launch puppet();

/* What the victim `spawner` prints when all of its children ended as they should. */
extern const char spawned[];

/* A peer of a control socket. One that cannot connect fails the test. */
class Peer
{
public:
	explicit Peer(const std::string &path);
	Peer(Peer &&other) noexcept : peer_(other.peer_) { other.peer_ = -1; }
	~Peer();
	Peer(const Peer &) = delete;
	Peer &operator=(const Peer &) = delete;

	/* Whether all of it was taken. */
	bool send(const std::string &bytes);
	void finish(); /* sends no more */
	/* Everything up to the end; a time-out fails the test. */
	std::string hear();
	bool is_closed() const;

private:
	int peer_;
};

/* The answer to one line, without its last newline. Tries again where there is no socket yet
 * or the connection is closed without an answer, and fails the test in the end. */
std::string ask_socket(const std::string &path, const std::string &line);

/* A figure of an answer of the form `ok NAME=NUMBER ...`; a missing one fails the test. */
uint64_t figure(const std::string &answer, const std::string &name);

/* A puppet that serves a control socket: it holds one block, its last. */
class Served : private Directory, public Puppet
{
public:
	explicit Served(Launch launch = puppet());
	const std::string &socket() const { return socket_; }
	std::string request(const std::string &line) const { return ask_socket(socket_, line); }
	static constexpr unsigned block = 4095;
	static constexpr uint64_t block_bytes = 64 * KiB;

private:
	std::string socket_;
};

/* A program or library of tests/victims, as built. */
std::string victim(const std::string &name);
std::string victim_library(const std::string &name);

/* The first of these names on PATH that is a program itself and no script;
 * empty when there is none. */
std::string find_program(const std::vector<std::string> &names);
/* The same for shared libraries of the system. */
std::string find_library(const std::string &name);

/* How many rounds a test makes: `usual`, or as many as the environment variable says. */
unsigned long rounds(const char *variable, unsigned long usual);

/* Without the thing the test fails under CI, and is skipped elsewhere. */
bool under_ci();
#define NEED_FOUND(path, what) \
	do { \
		if ((path).empty() && e2e::under_ci()) \
			FAIL() << what << " is not installed"; \
		if ((path).empty()) \
			GTEST_SKIP() << what << " is not installed"; \
	} while (0)

/* Both ended well, with the same output. */
void expect_same(const Outcome &plain, const Outcome &preloaded);

} // namespace e2e

#endif
