#include "oci.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace e2e
{

namespace fs = std::filesystem;

namespace
{

/* Seconds after which a container ends, whatever has become of the test. */
constexpr unsigned lifetime = 120;

/* Hybrid hierarchies of cgroups are too much for crun, and limits beyond the machine's own for
 * runc. Locks in files: those in shared memory are one set for all stores. */
constexpr char containers_conf[] = "[containers]\n"
				   "default_ulimits = [\"nofile=1024:1024\", \"nproc=1000:1000\"]\n"
				   "netns = \"none\"\n"
				   "log_driver = \"k8s-file\"\n"
				   "[engine]\n"
				   "runtime = \"runc\"\n"
				   "cgroup_manager = \"cgroupfs\"\n"
				   "events_logger = \"none\"\n"
				   "lock_type = \"file\"\n"
				   "tmp_dir = \"%/tmp\"\n"
				   "[network]\n"
				   "network_backend = \"cni\"\n"
				   "network_config_dir = \"%/network\"\n";

constexpr char storage_conf[] = "[storage]\n"
				"driver = \"vfs\"\n"
				"graphroot = \"%/store\"\n"
				"runroot = \"%/run\"\n";

std::string with_directory(const char *text, const std::string &directory)
{
	return std::regex_replace(text, std::regex("%"), directory);
}

std::string output_of(const Launch &launch)
{
	Outcome outcome = launch.run();
	std::string out = outcome.out;

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	if (!out.empty() && out.back() == '\n')
		out.pop_back();
	return out;
}

std::string output_of(const std::vector<std::string> &argv)
{
	return output_of(Launch(argv).plain());
}

/* Whether a process has the directory in its command line, as podman's helpers do that clean up
 * after a container. */
bool is_in_use(const std::string &directory)
{
	for (const fs::directory_entry &entry : fs::directory_iterator("/proc")) {
		std::ifstream file(entry.path() / "cmdline", std::ios::binary);
		std::ostringstream line;

		line << file.rdbuf(); /* nothing, where the process has ended meanwhile */
		if (line.str().find(directory) != std::string::npos)
			return true;
	}
	return false;
}

} // namespace

std::string container_engine()
{
	std::string podman = find_program({ "podman" });
	bool is_there = geteuid() == 0 && !find_program({ "runc" }).empty() &&
			!find_program({ "catatonit" }).empty();

	return is_there ? podman : "";
}

nlohmann::json parse_yaml(const std::string &path)
{
	return parse_json(output_of({ "/usr/bin/python3", "-c",
				      "import json, sys, yaml\n"
				      "json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)",
				      path }));
}

void install_into(const std::string &directory)
{
	std::string build = fs::path(command_path()).parent_path();

	output_of({ "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "-s", "-C", build,
		    "install", "prefix=/usr/local", "DESTDIR=" + directory });
}

/* Images. */

ImageTree::ImageTree()
{
	for (const char *name : { "tmp", "run", "proc", "sys", "dev", "etc" })
		fs::create_directory(file(name));
	fs::permissions(path(), static_cast<fs::perms>(0755));
	fs::permissions(file("tmp"), static_cast<fs::perms>(01777));
}

void ImageTree::put(const std::string &from, const std::string &to)
{
	fs::path target = path() + to;

	fs::create_directories(target.parent_path());
	fs::copy_file(from, target, fs::copy_options::skip_existing);
}

ImageTree &ImageTree::add(const std::string &from, const std::string &as)
{
	put(from, as.empty() ? from : as);
	return add_libraries_of(from);
}

/* A static one has none. */
ImageTree &ImageTree::add_libraries_of(const std::string &program)
{
	static const std::regex library("(/[^ ]+) \\(0x");
	Outcome needed = Launch({ "ldd", program }).plain().run();

	for (std::sregex_iterator at(needed.out.begin(), needed.out.end(), library), end; at != end;
	     ++at)
		put((*at)[1], (*at)[1]);
	return *this;
}

ImageTree &ImageTree::add_directory(const std::string &from,
				    const std::vector<std::string> &without)
{
	std::vector<std::string> copy = { "tar", "-C", "/", "-cf", file("tar") };

	for (const std::string &name : without)
		copy.push_back("--exclude=" + name);
	copy.push_back(from.substr(1));
	output_of(copy);
	output_of({ "tar", "-C", path(), "-xf", file("tar") });
	fs::remove(file("tar"));
	return *this;
}

ImageTree &ImageTree::write(const std::string &name, const std::string &content, bool runs)
{
	fs::create_directories(fs::path(path() + name).parent_path());
	write_file(path() + name, content);
	fs::permissions(path() + name, static_cast<fs::perms>(runs ? 0755 : 0644));
	return *this;
}

/* Podman. */

Podman::Podman()
{
	write_file(file("containers.conf"), with_directory(containers_conf, path()));
	write_file(file("storage.conf"), with_directory(storage_conf, path()));
}

Podman::~Podman()
{
	remove_all();
	run({ "volume", "rm", "-fa" });
	run({ "rmi", "-fa" });
	EXPECT_TRUE(eventually([this] { return !is_in_use(path() + "/"); }));
}

/* Removing a pod that runs takes seconds. */
void Podman::remove_all() const
{
	launch({ "kill", "-s", "KILL", "-a" }).run();
	run({ "pod", "rm", "-fa", "-t", "0" });
	run({ "rm", "-fa", "-t", "0" });
}

/* Not here: a file or directory that is named as an image is would be built. */
Launch Podman::launch(std::vector<std::string> arguments) const
{
	arguments.insert(arguments.begin(), "podman");
	return with_its_store(arguments);
}

Launch Podman::with_its_store(const std::vector<std::string> &argv) const
{
	return Launch(argv)
		.plain()
		.in(path())
		.env("CONTAINERS_CONF", file("containers.conf"))
		.env("CONTAINERS_STORAGE_CONF", file("storage.conf"));
}

std::string Podman::run(const std::vector<std::string> &arguments) const
{
	return output_of(launch(arguments));
}

std::string Podman::run_script(const std::string &script, const std::string &container) const
{
	return output_of(with_its_store({ "sh", "-e", "-c", script }).env("NAME", container));
}

void Podman::import(const ImageTree &tree, const std::string &image,
		    const std::vector<std::string> &changes) const
{
	std::vector<std::string> arguments = { "import", "-q" };

	output_of({ "tar", "-C", tree.path(), "-cf", file("tar"), "." });
	for (const std::string &change : changes)
		arguments.insert(arguments.end(), { "-c", change });
	arguments.insert(arguments.end(), { file("tar"), "localhost/" + image });
	run(arguments);
	fs::remove(file("tar"));
}

void Podman::build(const std::string &containerfile, const Directory &context,
		   const std::string &base, const std::string &image) const
{
	run({ "build", "-q", "--layers=false", "--network=none", "--pull-never",
	      "--build-arg=BASE=" + base, "-t", image, "-f", containerfile, context.path() });
}

/* Podman 4.3 starts init containers again and again where all are to be restarted. */
void Podman::play(nlohmann::json pod) const
{
	pod["spec"]["restartPolicy"] = "Never";
	write_file(file("pod.yaml"), pod.dump());
	run({ "kube", "play", "--network=none", file("pod.yaml") });
}

pid_t Podman::pid(const std::string &container) const
{
	return atoi(run({ "inspect", "-f", "{{.State.Pid}}", container }).c_str());
}

std::string Podman::exec(const std::string &container, std::vector<std::string> arguments) const
{
	arguments.insert(arguments.begin(), { "exec", container });
	return run(arguments);
}

void Podman::remove(const std::string &container) const
{
	run({ "rm", "-f", "-i", "-t", "0", container });
}

Container::Container(const Podman &podman, const std::string &name,
		     const std::vector<std::string> &arguments)
    : podman_(podman), name_(name)
{
	std::vector<std::string> all = { "run",	   "-d", "--timeout", std::to_string(lifetime),
					 "--name", name };

	all.insert(all.end(), arguments.begin(), arguments.end());
	podman.run(all);
}

static Launch contained(const Podman &podman, const std::string &image, const std::string &name,
			const std::vector<std::string> &options)
{
	std::vector<std::string> all = {
		"run", "-i", "--rm", "--timeout", std::to_string(lifetime), "--name", name
	};

	all.insert(all.end(), options.begin(), options.end());
	all.insert(all.end(), { image, "puppet" });
	return podman.launch(all).seconds(lifetime);
}

ContainedPuppet::ContainedPuppet(const Podman &podman, const std::string &image,
				 const std::string &name, const std::vector<std::string> &options)
    : Puppet(contained(podman, image, name, options)), podman_(podman), name_(name)
{
}

} // namespace e2e
