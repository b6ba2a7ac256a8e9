/* examples/containers, each started with podman: images, a pod, a DaemonSet's pod, a compose file.
 * The application is a Python service whose image knows nothing of weir. */
#include "oci.h"

#include <filesystem>
#include <regex>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

constexpr char containerfile[] = "examples/containers/Containerfile";
constexpr char weir_containerfile[] = "examples/containers/Containerfile.weir";
constexpr char pod_manifest[] = "examples/containers/pod.yaml";
constexpr char daemonset_manifest[] = "examples/containers/daemonset.yaml";
constexpr char compose_file[] = "examples/containers/compose.yaml";

constexpr char service_source[] =
	"import http.server\n"
	"class Thumbnails(http.server.BaseHTTPRequestHandler):\n"
	"    def do_GET(self):\n"
	"        scaled = [bytes([7]) * 5000000 for i in range(10)]\n"
	"        self.send_response(200)\n"
	"        self.end_headers()\n"
	"        self.wfile.write(b'%d' % len(scaled))\n"
	"http.server.HTTPServer(('127.0.0.1', 8080), Thumbnails).serve_forever()\n";

/* Waits for the server, too. */
constexpr char get_work[] = "import sys, time, urllib.request\n"
			    "end = time.monotonic() + 30\n"
			    "while True:\n"
			    "    try:\n"
			    "        print(urllib.request.urlopen(sys.argv[1]).read().decode())\n"
			    "        break\n"
			    "    except OSError:\n"
			    "        if time.monotonic() > end: raise\n"
			    "        time.sleep(0.01)\n";

/* What a request of the service leaves. */
constexpr uint64_t served_bytes = 10 * 5000000;

/* A Python with its library, what weir:1 needs of Debian, and an apt-get that has it all. */
void fill(ImageTree &tree)
{
	std::string library =
		Launch({ "/usr/bin/python3", "-c",
			 "import sysconfig; print(sysconfig.get_path('stdlib'), end='')" })
			.plain()
			.run()
			.out;

	for (const char *program :
	     { "/bin/sh", "/usr/bin/env", "/bin/rm", "/sbin/ldconfig", "/usr/bin/python3" })
		tree.add(program);
	tree.add_directory(library, { "__pycache__", "config-3*", "idlelib", "lib2to3", "test",
				      "pydoc_data", "ensurepip" });
	tree.add_libraries_of(command_path());
	tree.write("/etc/ld.so.conf", "/usr/local/lib\n");
	tree.write("/usr/bin/apt-get", "#!/bin/sh\nexit 0\n", true);
	tree.write("/srv/serve.py", service_source);
}

class ContainerExamples : public testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		if (container_engine().empty())
			return;
		ImageTree tree;

		fill(tree);
		podman = std::make_unique<Podman>();
		podman->import(tree, "thumbnails:1",
			       { "ENV PATH=/usr/local/bin:/usr/bin:/bin:/sbin",
				 "CMD [\"python3\", \"/srv/serve.py\"]" });
		built = std::make_unique<Directory>();
		install_into(built->file("stage"));
		podman->build(source_file(weir_containerfile), *built, "thumbnails:1", "weir:1");
	}
	static void TearDownTestSuite()
	{
		podman.reset();
		built.reset();
	}
	void SetUp() override { NEED_FOUND(container_engine(), "podman, runc or catatonit"); }

	static std::string get(const std::string &container, const std::string &url)
	{
		return podman->exec(container, { "env", "-u", "LD_PRELOAD", "python3", "-c",
						 get_work, "http://127.0.0.1:" + url });
	}
	static void serve(const std::string &container)
	{
		EXPECT_EQ("10", get(container, "8080/"));
		EXPECT_LE(served_bytes, status_of(podman->pid(container)).number("retained_bytes"));
	}
	/* What the exporter in one container says of the service in another. */
	static uint64_t exported(const std::string &container, const std::string &metric)
	{
		std::string text = get(container, "9187/metrics");
		std::smatch found;

		if (std::regex_search(
			    text, found,
			    std::regex("\n" + metric +
				       "\\{pid=\"[0-9]+\",program=\"python3\"\\} (.*)\n")))
			return std::stoull(found[1]);
		ADD_FAILURE() << "no " << metric << " in " << text;
		return 0;
	}
	static void expect_released(const std::string &container)
	{
		Report status = status_of(podman->pid(container));

		EXPECT_EQ(0U, status.number("retained_bytes"));
		EXPECT_EQ(1U, status.number("released/socket/releases"));
	}

	static std::unique_ptr<Podman> podman;
	static std::unique_ptr<Directory> built;
};

std::unique_ptr<Podman> ContainerExamples::podman;
std::unique_ptr<Directory> ContainerExamples::built;

TEST_F(ContainerExamples, AnImageThatHasWeirRunsItsProgramUnderIt)
{
	podman->build(source_file(containerfile), *built, "thumbnails:1", "with-weir:1");
	Container container(*podman, "image", { "--memory=256m", "with-weir:1" });

	serve("image");
	Report status = status_of(container.pid());
	EXPECT_EQ(1U, status.number("pid"));
	EXPECT_EQ(64 * MiB, status.number("limit_bytes"));
}

/* Pods. */

class Pod
{
public:
	Pod(const Podman &podman, const nlohmann::json &manifest) : podman_(podman)
	{
		podman.play(manifest);
	}
	~Pod() { podman_.remove_all(); }

private:
	const Podman &podman_;
};

TEST_F(ContainerExamples, APodServesUnderWeirAndIsSteeredByItsSideCar)
{
	Pod pod(*podman, parse_yaml(source_file(pod_manifest)));

	serve("thumbnails-thumbnails");
	Report status = status_of(podman->pid("thumbnails-thumbnails"));
	EXPECT_EQ(128 * MiB, status.number("limit_bytes"));
	EXPECT_EQ(0U, status.text("socket").find("/run/weir/"));

	EXPECT_EQ(128 * MiB, exported("thumbnails-weir", "weir_limit_bytes"));
	EXPECT_LE(served_bytes, exported("thumbnails-weir", "weir_retained_bytes"));
	std::string pid = podman->exec("thumbnails-weir", { "weir", "ps", "--pids" });
	podman->exec("thumbnails-weir", { "weir", "set", pid, "limit=80M" });
	EXPECT_EQ(80 * MiB, exported("thumbnails-weir", "weir_limit_bytes"));
	podman->exec("thumbnails-weir", { "weir", "release", "--all" });
	expect_released("thumbnails-thumbnails");
}

/* The pod of a DaemonSet, with another directory of the node. */
nlohmann::json pod_of_daemonset(const nlohmann::json &set, const std::string &directory)
{
	nlohmann::json pod = set["spec"]["template"];

	EXPECT_EQ(set["spec"]["selector"]["matchLabels"]["app"], pod["metadata"]["labels"]["app"]);
	pod["apiVersion"] = "v1";
	pod["kind"] = "Pod";
	pod["metadata"]["name"] = "node";
	EXPECT_EQ("/opt/weir", pod["spec"]["volumes"][0]["hostPath"]["path"]);
	pod["spec"]["volumes"][0]["hostPath"]["path"] = directory;
	return pod;
}

void append(std::vector<std::string> &options, const std::string &option, const std::string &value)
{
	options.insert(options.end(), { option, value });
}

/* How podman is told what a securityContext says. */
std::vector<std::string> security_options(const nlohmann::json &context)
{
	std::vector<std::string> options = { "--user=" + context["runAsUser"].dump() };

	if (context["readOnlyRootFilesystem"])
		options.push_back("--read-only");
	if (!context["allowPrivilegeEscalation"])
		options.push_back("--security-opt=no-new-privileges");
	for (const char *change : { "drop", "add" })
		for (const std::string capability :
		     context["capabilities"].value(change, nlohmann::json::array()))
			append(options, std::string("--cap-") + change, capability);
	return options;
}

/* Podman 4.3 knows no hostPID in a manifest; so once as a pod for the rest of it, and once by
 * hand for what its container then sees. */
TEST_F(ContainerExamples, ADaemonSetInstallsWeirAndExportsWhatItsNodeRuns)
{
	nlohmann::json set = parse_yaml(source_file(daemonset_manifest));
	nlohmann::json metrics = set["spec"]["template"]["spec"]["containers"][0];
	std::vector<std::string> options = security_options(metrics["securityContext"]);
	Directory node;
	Pod pod(*podman, pod_of_daemonset(set, node.file("weir")));
	Container service(*podman, "service",
			  { "--memory=512m", "--user=4711", "-v",
			    node.file("weir") + ":/opt/weir:ro", "-e",
			    "LD_PRELOAD=/opt/weir/libweir.so.0", "thumbnails:1" });

	serve("service");
	EXPECT_EQ(std::string::npos, get("node-metrics", "9187/metrics").find("weir_limit_bytes{"));
	EXPECT_EQ(true, set["spec"]["template"]["spec"]["hostPID"]);
	options.insert(options.end(), { "--pid=host", "weir:1" });
	for (const std::string argument : metrics["args"])
		options.push_back(argument);
	Container exporter(*podman, "exporter", options);
	std::string sample = "\nweir_limit_bytes{pid=\"" + std::to_string(service.pid()) +
			     "\",program=\"python3\"} " + std::to_string(64 * MiB) + "\n";

	EXPECT_NE(std::string::npos, get("exporter", "9187/metrics").find(sample));
}

/* Compose. */

/* How podman is told what a service of a compose file says; what is not known here fails. */
std::vector<std::string> service_options(const nlohmann::json &service)
{
	std::vector<std::string> options;

	for (const auto &[key, value] : service.items()) {
		if (key == "mem_limit")
			append(options, "--memory", value);
		else if (key == "pid")
			append(options, "--pid",
			       std::regex_replace(value.get<std::string>(), std::regex("^service:"),
						  "container:"));
		else if (key == "volumes")
			for (const std::string volume : value)
				append(options, "-v", volume);
		else if (key == "environment") {
			/* What was retained is there, however long a machine takes to look. */
			append(options, "-e", "WEIR_DECAY=off");
			for (const auto &[name, text] : value.items())
				append(options, "-e",
				       name + "=" +
					       (text.is_string() ? text.get<std::string>()
								 : text.dump()));
		} else if (key != "image" && key != "command" && key != "ports" &&
			   key != "depends_on")
			ADD_FAILURE() << "unknown: " << key;
	}
	options.push_back(service["image"]);
	for (const std::string word : service.value("command", nlohmann::json::array()))
		options.push_back(word);
	return options;
}

TEST_F(ContainerExamples, AComposeFileHasItsServiceUnderWeir)
{
	nlohmann::json compose = parse_yaml(source_file(compose_file));
	nlohmann::json services = compose["services"];
	std::vector<std::string> install = service_options(services["weir-install"]);

	EXPECT_EQ(3U, services.size());
	EXPECT_EQ((nlohmann::json{ { "weir", nullptr }, { "sockets", nullptr } }),
		  compose["volumes"]);
	EXPECT_EQ("service_completed_successfully",
		  services["thumbnails"]["depends_on"]["weir-install"]["condition"]);
	install.insert(install.begin(), { "run", "--rm" });
	podman->run(install);
	Container thumbnails(*podman, "thumbnails", service_options(services["thumbnails"]));
	Container weir(*podman, "weir", service_options(services["weir"]));

	serve("thumbnails");
	EXPECT_EQ(128 * MiB, exported("weir", "weir_limit_bytes"));
	EXPECT_LE(served_bytes, exported("weir", "weir_retained_bytes"));
	weir.exec({ "weir", "release", "--all" });
	expect_released("thumbnails");
}

} // namespace
