#include "preloaded.h"

#include "memory_cgroup.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

namespace e2e
{

namespace fs = std::filesystem;

namespace
{

std::string setting(const char *name)
{
	const char *value = std::getenv(name);

	if (value == nullptr || *value == '\0')
		throw std::runtime_error(std::string(name) + " is not set; run through make check");
	return value;
}

std::vector<const char *> pointers(const std::vector<std::string> &strings)
{
	std::vector<const char *> list;

	for (const std::string &s : strings)
		list.push_back(s.c_str());
	list.push_back(nullptr);
	return list;
}

std::vector<Report> read_reports(const std::string &path)
{
	std::ifstream file(path);
	std::vector<Report> reports;

	for (std::string line; std::getline(file, line);)
		reports.emplace_back(line);
	return reports;
}

bool is_elf_program(const fs::path &path)
{
	std::ifstream file(path, std::ios::binary);
	char magic[4] = {};

	return access(path.c_str(), X_OK) == 0 && file.read(magic, 4) &&
	       std::string(magic, 4) == "\177ELF";
}

} // namespace

bool eventually(const std::function<bool()> &holds)
{
	auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);

	while (!holds()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		poll(nullptr, 0, 1);
	}
	return true;
}

std::string read_file(const std::string &path)
{
	std::ifstream file(path, std::ios::binary);
	std::ostringstream content;

	if (!file)
		ADD_FAILURE() << "cannot read " << path;
	content << file.rdbuf();
	return content.str();
}

void write_file(const std::string &path, const std::string &content)
{
	std::ofstream file(path, std::ios::binary);

	file << content;
	if (!file.flush())
		throw std::runtime_error("cannot write " + path);
}

Directory::Directory()
{
	std::string name = fs::temp_directory_path() / "weir-e2e-XXXXXX";

	if (mkdtemp(name.data()) == nullptr)
		throw std::runtime_error("no temporary directory");
	path_ = name;
}

Directory::~Directory()
{
	std::error_code ignored;

	fs::remove_all(path_, ignored);
}

Report::Report(const std::string &line)
{
	nlohmann::json object = nlohmann::json::parse(line, nullptr, false);

	if (!object.is_object()) {
		ADD_FAILURE() << "not a JSON object on one line: " << line;
		return;
	}
	nlohmann::json flat = object.flatten();

	for (const auto &member : flat.items()) {
		std::string name = member.key().empty() ? "" : member.key().substr(1);

		if (member.value().is_number_unsigned())
			numbers_[name] = member.value().get<uint64_t>();
		else if (member.value().is_string())
			texts_[name] = member.value().get<std::string>();
	}
}

bool Report::has(const std::string &name) const
{
	return numbers_.count(name) != 0 || texts_.count(name) != 0;
}

uint64_t Report::number(const std::string &name) const
{
	auto found = numbers_.find(name);

	if (found != numbers_.end())
		return found->second;
	ADD_FAILURE() << "the report has no number " << name;
	return 0;
}

std::string Report::text(const std::string &name) const
{
	auto found = texts_.find(name);

	if (found != texts_.end())
		return found->second;
	ADD_FAILURE() << "the report has no text " << name;
	return "";
}

std::vector<std::string> Report::names() const
{
	std::vector<std::string> names;

	for (const auto &member : numbers_)
		names.push_back(member.first);
	for (const auto &member : texts_)
		names.push_back(member.first);
	names.erase(std::remove_if(
			    names.begin(), names.end(),
			    [](const std::string &name) { return name.rfind("classes/", 0) == 0; }),
		    names.end());
	std::sort(names.begin(), names.end());
	return names;
}

size_t Report::class_count() const
{
	size_t count = 0;

	while (has("classes/" + std::to_string(count) + "/size_bytes"))
		count++;
	return count;
}

uint64_t Report::of_classes(uint64_t from, uint64_t to, const std::string &name) const
{
	uint64_t sum = 0;

	for (size_t i = 0, count = class_count(); i < count; i++) {
		std::string prefix = "classes/" + std::to_string(i) + "/";
		uint64_t size = number(prefix + "size_bytes");

		if (from <= size && size <= to)
			sum += number(prefix + name);
	}
	return sum;
}

/* Four classes a doubling. */
uint64_t Report::of_class(uint64_t bytes, const std::string &name) const
{
	uint64_t doubling = 1;

	while (doubling * 2 < bytes)
		doubling *= 2;

	uint64_t step = doubling / 4;
	uint64_t size = (bytes + step - 1) / step * step;

	return of_classes(size, size, name);
}

const Report &Outcome::report() const
{
	const Report *own = nullptr;
	static const Report none("{}");

	for (const Report &report : reports) {
		if (report.number("pid") != static_cast<uint64_t>(pid))
			continue;
		if (own != nullptr)
			ADD_FAILURE() << "two reports of process " << pid;
		own = &report;
	}
	if (own == nullptr)
		ADD_FAILURE() << "no report of process " << pid << ": " << describe();
	return own != nullptr ? *own : none;
}

uint64_t Outcome::total(const std::string &name) const
{
	uint64_t sum = 0;

	for (const Report &report : reports)
		sum += report.number(name);
	return sum;
}

std::string Outcome::describe() const
{
	std::ostringstream text;

	text << "process " << pid;
	if (end.timed_out)
		text << " ran past its time-out";
	else if (end.signal != 0)
		text << " was ended by signal " << end.signal;
	else
		text << " exited with status " << end.exit_status;
	text << "\nstdout (its end): " << out.substr(out.size() > 2000 ? out.size() - 2000 : 0)
	     << "\nstderr (its end): " << err.substr(err.size() > 2000 ? err.size() - 2000 : 0);
	return text.str();
}

Launch &Launch::plain()
{
	preloaded_ = false;
	return *this;
}

Launch &Launch::library(const std::string &path)
{
	library_ = path;
	return *this;
}

Launch &Launch::before(const std::string &library)
{
	libraries_before_ += library + " ";
	return *this;
}

Launch &Launch::behind(const std::string &library)
{
	libraries_ += " " + library;
	return *this;
}

Launch &Launch::env(const std::string &name, const std::string &value)
{
	env_[name] = value;
	return *this;
}

std::string Launch::variable(const std::string &name) const
{
	auto found = env_.find(name);

	return found != env_.end() ? found->second : "";
}

Launch &Launch::in(const std::string &directory)
{
	directory_ = directory;
	return *this;
}

Launch &Launch::in_cgroup(const MemoryCgroup &cgroup)
{
	cgroup_procs_ = cgroup.procs();
	return *this;
}

Launch &Launch::input(const std::string &path)
{
	input_ = path;
	return *this;
}

Launch &Launch::ignoring(int signal)
{
	ignored_signal_ = signal;
	return *this;
}

Launch &Launch::address_limit(uint64_t bytes)
{
	address_limit_ = bytes;
	return *this;
}

Launch &Launch::seconds(unsigned limit)
{
	seconds_ = limit;
	return *this;
}

Outcome Launch::run() const
{
	return Running(*this).finish();
}

Running::Running(const Launch &launch)
{
	std::vector<std::string> variables;
	std::string preload;
	program_setup setup = {};

	if (launch.preloaded_)
		preload = launch.library_.empty() ? setting("LIBWEIR_PATH") : launch.library_;
	if (launch.preloaded_ && launch.env_.count("WEIR_REPORT") == 0)
		variables.push_back("WEIR_REPORT=exit:" + reports_.file("reports"));
	for (const auto &variable : launch.env_)
		variables.push_back(variable.first + "=" + variable.second);
	preload = launch.libraries_before_ + preload + launch.libraries_;

	std::vector<const char *> argv = pointers(launch.argv_);
	std::vector<const char *> env = pointers(variables);

	setup.argv = argv.data();
	setup.env = env.data();
	setup.preload = preload.empty() ? nullptr : preload.c_str();
	setup.directory = launch.directory_.empty() ? nullptr : launch.directory_.c_str();
	setup.cgroup_procs = launch.cgroup_procs_.empty() ? nullptr : launch.cgroup_procs_.c_str();
	setup.input_path = launch.input_.empty() ? nullptr : launch.input_.c_str();
	setup.ignored_signal = launch.ignored_signal_;
	setup.address_limit_bytes = launch.address_limit_;
	setup.timeout_ms = launch.seconds_ * 1000;
	program_ = program_start(&setup);
	if (program_ == nullptr)
		throw std::runtime_error("cannot start " + launch.argv_[0]);
}

Running::~Running()
{
	program_close(program_);
}

pid_t Running::pid() const
{
	return program_pid(program_);
}

void Running::say(const std::string &line)
{
	std::string whole = line + "\n";

	if (!program_write(program_, whole.data(), whole.size()))
		ADD_FAILURE() << "it does not listen to \"" << line
			      << "\": " << finish().describe();
}

std::string Running::hear()
{
	const char *line = program_read_line(program_);

	return line != nullptr ? line : "";
}

void Running::signal(int number)
{
	EXPECT_EQ(0, program_signal(program_, number));
}

void Running::signal_thread(pid_t thread, int number)
{
	EXPECT_EQ(0, program_signal_thread(program_, thread, number));
}

proc_memory Running::memory() const
{
	proc_memory memory = {};

	EXPECT_TRUE(proc_read_memory(pid(), &memory)) << "the program is gone";
	return memory;
}

std::string Running::errors()
{
	size_t count = 0;
	const char *data = program_stderr(program_, &count);

	return std::string(data, count);
}

const Outcome &Running::finish()
{
	if (outcome_)
		return *outcome_;
	outcome_ = std::make_unique<Outcome>();
	outcome_->pid = pid();
	outcome_->end = program_wait(program_);

	size_t count = 0;
	const char *out = program_stdout(program_, &count);

	outcome_->out.assign(out, count);
	outcome_->err = errors();
	outcome_->reports = read_reports(reports_.file("reports"));
	if (outcome_->end.timed_out)
		ADD_FAILURE() << outcome_->describe();
	return *outcome_;
}

const char spawned[] = "fork 7\nfork and exec 7\nvfork 7\nposix_spawn 7\nsystem 7\n"
		       "daemon 7\n_Fork 7\nclone 7\n";

Launch puppet()
{
	return Launch({ victim("puppet") });
}

Puppet::Puppet(const Launch &launch) : Running(launch)
{
	ask("check");
	start_bytes_ = memory().anonymous_bytes;
}

uint64_t Puppet::grown() const
{
	uint64_t now = memory().anonymous_bytes;

	return now > start_bytes_ ? now - start_bytes_ : 0;
}

uint64_t Puppet::ask(const std::string &command)
{
	say(command);
	std::string answer = hear();

	if (answer.rfind("ok ", 0) == 0)
		return std::stoull(answer.substr(3), nullptr, 0);
	ADD_FAILURE() << command << ": \"" << answer << "\""
		      << (answer.empty() ? finish().describe() : "");
	return 0;
}

uint64_t Puppet::ask_error(const std::string &command)
{
	say(command);
	std::string answer = hear();

	if (answer.rfind("errno ", 0) == 0)
		return std::stoull(answer.substr(6));
	ADD_FAILURE() << command << " was to fail: \"" << answer << "\"";
	return 0;
}

void Puppet::fill(unsigned first, unsigned last, uint64_t bytes)
{
	for (unsigned i = first; i <= last; i++)
		ask("malloc " + std::to_string(i) + " " + std::to_string(bytes));
}

void Puppet::free(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		ask("free " + std::to_string(i));
}

/* The signal goes to the only thread, which takes it before it reads on. */
void Puppet::release(int number)
{
	signal(number);
	ask("check");
}

Peer::Peer(const std::string &path) : peer_(peer_connect(path.c_str()))
{
	if (peer_ < 0)
		ADD_FAILURE() << "cannot connect to " << path << ": errno " << -peer_;
}

Peer::~Peer()
{
	if (peer_ >= 0)
		peer_close(peer_);
}

bool Peer::send(const std::string &bytes)
{
	return peer_send(peer_, bytes.data(), bytes.size()) == 0;
}

void Peer::finish()
{
	peer_finish(peer_);
}

std::string Peer::hear()
{
	std::string answer(256 * KiB, '\0');

	if (peer_receive(peer_, answer.data(), answer.size()) == -ETIMEDOUT)
		ADD_FAILURE() << "the peer is neither answered nor dropped";
	answer.resize(strlen(answer.c_str()));
	return answer;
}

bool Peer::is_closed() const
{
	return peer_is_closed(peer_);
}

std::string ask_socket(const std::string &path, const std::string &line)
{
	std::string answer(256 * KiB, '\0');

	if (!eventually([&] {
		    int peer = peer_connect(path.c_str());
		    bool sent = peer >= 0 &&
				peer_send(peer, (line + "\n").c_str(), line.size() + 1) == 0;

		    if (sent)
			    peer_receive(peer, answer.data(), answer.size());
		    if (peer >= 0)
			    peer_close(peer);
		    return sent && answer[0] != '\0';
	    }))
		ADD_FAILURE() << "no answer to \"" << line << "\"";
	answer.resize(strlen(answer.c_str()));
	if (!answer.empty() && answer.back() == '\n')
		answer.pop_back();
	return answer;
}

uint64_t figure(const std::string &answer, const std::string &name)
{
	size_t at = answer.find(" " + name + "=");

	if (answer.rfind("ok ", 0) == 0 && at != std::string::npos)
		return std::stoull(answer.substr(at + name.size() + 2));
	ADD_FAILURE() << "no " << name << " in \"" << answer << "\"";
	return 0;
}

/* The first large request begins to serve. */
Served::Served(Launch launch)
    : Puppet(launch.env("WEIR_SOCKET", file("socket"))), socket_(file("socket"))
{
	fill(block, block, block_bytes);
	request("ping");
}

std::string victim(const std::string &name)
{
	return setting("LIBWEIR_BUILDDIR") + "/tests/victims/" + name;
}

std::string victim_library(const std::string &name)
{
	return setting("LIBWEIR_BUILDDIR") + "/tests/victims/.libs/" + name;
}

std::string find_program(const std::vector<std::string> &names)
{
	for (const std::string &name : names) {
		std::istringstream path(setting("PATH"));

		for (std::string directory; std::getline(path, directory, ':');) {
			fs::path candidate = fs::path(directory) / name;

			if (is_elf_program(candidate))
				return candidate;
		}
	}
	return "";
}

std::string find_library(const std::string &name)
{
	for (const char *root : { "/usr/lib", "/usr/lib64", "/usr/local/lib" }) {
		std::error_code error;

		for (const auto &entry : fs::directory_iterator(root, error)) {
			fs::path inner = entry.path() / name;

			if (entry.path().filename() == name)
				return entry.path();
			if (entry.is_directory(error) && fs::exists(inner, error))
				return inner;
		}
	}
	return "";
}

unsigned long rounds(const char *variable, unsigned long usual)
{
	const char *text = std::getenv(variable);

	return text != nullptr ? std::stoul(text) : usual;
}

bool under_ci()
{
	const char *ci = std::getenv("CI");

	return ci != nullptr && *ci != '\0' && std::string(ci) != "false";
}

void expect_same(const Outcome &plain, const Outcome &preloaded)
{
	ASSERT_TRUE(plain.succeeded()) << plain.describe();
	ASSERT_TRUE(preloaded.succeeded()) << preloaded.describe();
	EXPECT_EQ(plain.out.size(), preloaded.out.size());
	EXPECT_TRUE(plain.out == preloaded.out) << preloaded.describe();
	EXPECT_EQ(plain.err, preloaded.err);
}

} // namespace e2e
