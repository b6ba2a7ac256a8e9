/* What examples/ brings for Prometheus, Grafana, systemd and supervisord, with the real ones. */
#include "scrape.h"
#include "snippet.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string &from, const std::string &to)
{
	size_t at = text.find(from);

	EXPECT_NE(std::string::npos, at) << from << " is not there";
	for (; at != std::string::npos; at = text.find(from, at + to.size()))
		text.replace(at, from.size(), to);
	return text;
}

/* The first group of each match. */
std::set<std::string> all_of(const std::string &text, const char *pattern)
{
	std::set<std::string> found;
	std::regex regex(pattern);

	for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
		found.insert((*at)[1]);
	return found;
}

std::string library_directory()
{
	return fs::path(std::getenv("LIBWEIR_PATH")).parent_path();
}

/* Prometheus. */

const char rules_file[] = "examples/prometheus/weir-rules.yml";

/* The example, of an exporter that is there, and in haste. */
std::string configuration(uint16_t target)
{
	std::string text = read_file(source_file("examples/prometheus/prometheus.yml"));

	text = replaced(text, "interval: 15s", "interval: 200ms");
	text = replaced(text, "127.0.0.1:9187", "127.0.0.1:" + std::to_string(target));
	return replaced(text, "- weir-rules.yml", "- " + source_file(rules_file));
}

class Watched : public testing::Test
{
protected:
	void SetUp() override
	{
		std::string program = find_program({ "prometheus" });

		NEED_FOUND(program, "prometheus");
		holder_.fill(1, 6, 900 * KiB);
		holder_.free(1, 4);
		prometheus_ =
			std::make_unique<Prometheus>(program, configuration(exporter_.port()));
	}
	std::string of_holder(const std::string &metric, const std::string &labels = "") const
	{
		return metric + "{" + labels + "pid=\"" + std::to_string(holder_.pid()) + "\"}";
	}

	Puppet holder_{ puppet().env("WEIR_MAX_ALLOC", "1M") };
	Exporter exporter_{ { std::to_string(holder_.pid()) } };
	std::unique_ptr<Prometheus> prometheus_;
};

TEST(PrometheusExamples, AreRightForPromtool)
{
	std::string promtool = find_program({ "promtool" });
	std::pair<const char *, const char *> checks[] = {
		{ "check config", "examples/prometheus/prometheus.yml" },
		{ "check config", "examples/prometheus/kubernetes.yml" },
		{ "check rules", rules_file },
		{ "test rules", "examples/prometheus/rules_test.yml" },
	};

	NEED_FOUND(promtool, "promtool");
	for (const auto &check : checks) {
		std::string line = promtool + " " + check.first + " " + source_file(check.second);
		Outcome outcome = Launch({ "sh", "-c", line }).plain().run();

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	}
}

/* The name of the service, its port, and the label of the pods that it stands for. */
TEST(PrometheusExamples, FindThePodsThatTheServiceStandsFor)
{
	std::string service = read_file(source_file("examples/prometheus/service.yaml"));
	std::string scrape = read_file(source_file("examples/prometheus/kubernetes.yml"));
	std::string name = *all_of(service, "metadata:\n  name: (.*)\n").begin();
	std::string label = *all_of(service, "selector: \\{ (.*) \\}\n").begin();

	EXPECT_NE(std::string::npos, scrape.find("- names: [" + name + ".default.svc."));
	EXPECT_EQ(all_of(service, "port: ([0-9]+)"), all_of(scrape, "port: ([0-9]+)"));
	for (const char *pods :
	     { "examples/containers/pod.yaml", "examples/containers/daemonset.yaml" })
		EXPECT_NE(std::string::npos, read_file(source_file(pods)).find(label)) << pods;
}

TEST(PrometheusExamples, HaveATestOfEachAlertThatRingsAndOneThatDoesNot)
{
	std::string tests = read_file(source_file("examples/prometheus/rules_test.yml"));
	std::set<std::string> alerts =
		all_of(read_file(source_file(rules_file)), "- alert: ([A-Za-z]+)\n");

	EXPECT_GE(alerts.size(), 8U);
	EXPECT_EQ(alerts, all_of(tests, "alertname: ([A-Za-z]+)\n +exp_alerts:\n +- exp_labels:.*\n"
					" +exp_annotations:\n +summary: .*\n"));
	EXPECT_EQ(alerts,
		  all_of(tests, "eval_time: 50m, alertname: ([A-Za-z]+), exp_alerts: \\[\\]"));
}

/* What the file says of each rule, as Prometheus has understood it. */
TEST_F(Watched, SaysInEachAlertWhatItIs)
{
	nlohmann::json groups;

	ASSERT_TRUE(eventually([&] {
		groups = prometheus_->data("rules?type=alert");
		return !groups.is_null() && groups.dump().find("\"unknown\"") == std::string::npos;
	}));
	for (const nlohmann::json &rule : groups["groups"][0]["rules"]) {
		EXPECT_EQ("ok", rule["health"]) << rule;
		EXPECT_NE("", rule["annotations"].value("summary", "")) << rule["name"];
		EXPECT_NE("", rule["annotations"].value("description", "")) << rule["name"];
		EXPECT_NE("", rule["labels"].value("severity", "")) << rule["name"];
	}
	EXPECT_EQ(groups["groups"][0]["rules"].size(),
		  all_of(read_file(source_file(rules_file)), "- alert: ([A-Za-z]+)\n").size());
}

TEST_F(Watched, RingsWhenARequestIsRefused)
{
	std::string firing =
		of_holder("ALERTS", R"(alertname="WeirRefusesOne",alertstate="firing",)");

	prometheus_->expect_value(of_holder("weir_refused_total"), 0);
	EXPECT_EQ("", prometheus_->value(firing));
	holder_.ask_error("malloc 9 2000000");
	prometheus_->expect_value(firing, 1);
}

/* Grafana. */

nlohmann::json dashboard()
{
	return parse_json(read_file(source_file("examples/grafana/weir.json")));
}

/* As Grafana sends them, with all of each variable. */
std::vector<std::string> expressions()
{
	nlohmann::json board = dashboard();
	std::vector<std::string> all;

	for (const nlohmann::json &panel : board["panels"])
		for (const nlohmann::json &target : panel["targets"])
			all.push_back(target["expr"]);
	all.push_back(board["annotations"]["list"][0]["expr"]);
	for (std::string &expression : all)
		for (auto variable : { std::pair("\\$__rate_interval", "1m"),
				       std::pair("\\$(instance|program)", ".*") })
			expression = std::regex_replace(expression, std::regex(variable.first),
							variable.second);
	return all;
}

TEST_F(Watched, AnswersEveryQueryOfTheDashboard)
{
	prometheus_->expect_value(of_holder("weir_live_blocks"), 2);
	for (const std::string &expression : expressions())
		EXPECT_FALSE(prometheus_->query(expression).is_null()) << expression;
	EXPECT_EQ(1U, prometheus_->query(expressions()[0])["result"].size());
	EXPECT_TRUE(prometheus_->query("weir_live_bytes{").is_null()) << "it refuses what is wrong";
}

bool overlap(const nlohmann::json &a, const nlohmann::json &b)
{
	auto number = [](const nlohmann::json &place, const char *name) {
		return place[name].get<int>();
	};

	return number(a, "x") < number(b, "x") + number(b, "w") &&
	       number(b, "x") < number(a, "x") + number(a, "w") &&
	       number(a, "y") < number(b, "y") + number(b, "h") &&
	       number(b, "y") < number(a, "y") + number(a, "h");
}

TEST(Dashboard, HasPanelsThatAreSoundAndAskTheChosenSource)
{
	nlohmann::json all = dashboard();
	std::set<std::string> variables, titles;
	std::set<int> ids;
	std::vector<nlohmann::json> places;

	for (const nlohmann::json &variable : all["templating"]["list"])
		variables.insert(variable["name"].get<std::string>());
	EXPECT_EQ((std::set<std::string>{ "datasource", "instance", "program" }), variables);
	EXPECT_EQ("datasource", all["templating"]["list"][0]["type"]);
	for (const nlohmann::json &panel : all["panels"]) {
		EXPECT_TRUE(titles.insert(panel["title"].get<std::string>()).second) << panel;
		EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second) << panel["id"];
		EXPECT_EQ("${datasource}", panel["datasource"]["uid"]);
		EXPECT_FALSE(panel["targets"].empty());
		for (const nlohmann::json &target : panel["targets"])
			EXPECT_EQ("${datasource}", target["datasource"]["uid"]);
		for (const nlohmann::json &place : places)
			EXPECT_FALSE(overlap(place, panel["gridPos"])) << panel["title"];
		places.push_back(panel["gridPos"]);
	}
}

/* systemd. */

const char unit_name[] = "weir-example.service";

/* A service with the drop-in, as it would lie in /etc/systemd/system. */
class Unit : public Directory
{
public:
	Unit()
	{
		std::string drop_ins = file(std::string(unit_name) + ".d");

		write_file(file(unit_name), "[Service]\nExecStart=/bin/cat\n");
		fs::create_directory(drop_ins);
		write_file(drop_ins + "/weir.conf",
			   read_file(source_file("examples/systemd/weir.conf")));
		fs::permissions(path(), static_cast<fs::perms>(0755));
	}
};

TEST(SystemdDropIn, IsRightForSystemd)
{
	std::string analyze = find_program({ "systemd-analyze" });
	Unit unit;

	NEED_FOUND(analyze, "systemd-analyze");
	Outcome outcome = Launch({ analyze, "verify", unit.file(unit_name) }).plain().run();
	std::istringstream lines(outcome.err);

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	for (std::string line; std::getline(lines, line);)
		EXPECT_TRUE(std::regex_search(
			line, std::regex("Unknown key '?MemoryPressure(Watch|ThresholdSec)'?")))
			<< line; /* before systemd 254 */
}

/* What a manager of systemd says that it would do; none does so as root. */
std::string manager_dump(const Unit &unit)
{
	std::string home = unit.file("home");
	std::vector<std::string> argv = { "/lib/systemd/systemd", "--test", "--user",
					  std::string("--unit=") + unit_name };

	fs::create_directory(home);
	fs::permissions(home, static_cast<fs::perms>(0700));
	if (geteuid() == 0) {
		argv.insert(argv.begin(), { "setpriv", "--reuid=65534", "--clear-groups" });
		EXPECT_EQ(0, chown(home.c_str(), 65534, static_cast<gid_t>(-1)));
	}
	Outcome outcome = Launch(argv)
				  .plain()
				  .env("SYSTEMD_UNIT_PATH", unit.path() + ":")
				  .env("SYSTEMD_LOG_LEVEL", "debug")
				  .env("HOME", home)
				  .env("XDG_RUNTIME_DIR", home)
				  .run();
	std::string begin = std::string("-> Unit ") + unit_name + ":";
	size_t at = outcome.out.find(begin);

	EXPECT_NE(std::string::npos, at) << outcome.describe();
	return at == std::string::npos
		       ? ""
		       : outcome.out.substr(at, outcome.out.find("-> Unit ", at + 1) - at);
}

Launch with_environment_of(const std::string &dump)
{
	static const std::regex variable("\tEnvironment: ([A-Z_]+)=(.*)");
	Launch launch = puppet().plain().env("LD_LIBRARY_PATH", library_directory());

	for (std::sregex_iterator at(dump.begin(), dump.end(), variable), end; at != end; ++at)
		launch.env((*at)[1], (*at)[2]);
	return launch;
}

TEST(SystemdDropIn, GivesAServiceWeirThatReleasesByTheSignalWithAValue)
{
	std::string systemd = access("/lib/systemd/systemd", X_OK) == 0 ? "is there" : "";

	NEED_FOUND(systemd, "systemd");
	std::string dump = manager_dump(Unit());
	Launch launch = with_environment_of(dump);
	sigval value = {};

	EXPECT_NE(std::string::npos, dump.find("MemoryMax: 536870912\n")) << dump;
	EXPECT_EQ("libweir.so.0", launch.variable("LD_PRELOAD"));
	EXPECT_EQ("25%", launch.variable("WEIR_LIMIT"));
	Puppet service(launch);

	service.fill(1, 4, 5 * MiB);
	service.free(1, 4);
	EXPECT_EQ(4 * counted(5 * MiB), status_of(service.pid()).number("retained_bytes"));
	value.sival_int = 0x300;
	EXPECT_EQ(0, sigqueue(service.pid(), SIGRTMIN + 18, value));
	service.ask("check");
	EXPECT_EQ(0U, status_of(service.pid()).number("retained_bytes"));
	service.fill(1, 4, 5 * MiB);
	service.free(1, 4);
	service.release(SIGRTMIN + 18); /* systemctl kill */
	EXPECT_EQ(2U, status_of(service.pid()).number("released/signal/releases"));
}

/* supervisord. */

constexpr char work[] = "import signal\n"
			"kept = [bytes([1]) * 5000000 for i in range(4)]\n"
			"del kept\n"
			"while True: signal.pause()\n";

/* One of its own, with the example included and its program in place of the example's. */
class Supervisor : private Directory, public Running
{
public:
	Supervisor() : Running(launch(*this)) {}
	/* In its directory, where supervisorctl finds how to reach it. */
	Outcome shell(const std::string &line) const
	{
		return Launch({ "sh", "-c", line }).plain().in(path()).run();
	}
	pid_t program_pid(const std::string &name) const
	{
		pid_t pid = 0;

		EXPECT_TRUE(eventually([&] {
			pid = atoi(shell("supervisorctl pid " + name).out.c_str());
			return pid > 0;
		}));
		return pid;
	}

private:
	static Launch launch(const Directory &own)
	{
		std::string example = read_file(source_file("examples/supervisord/weir.conf"));

		write_file(own.file("work.py"), work);
		write_file(own.file("weir.conf"),
			   replaced(example, "/srv/thumbnails/serve.py", own.file("work.py")));
		write_file(own.file("supervisord.conf"),
			   "[supervisord]\n"
			   "nodaemon=true\n"
			   "logfile=/dev/null\nlogfile_maxbytes=0\n"
			   "pidfile=%(here)s/pid\nchildlogdir=%(here)s\n"
			   "[unix_http_server]\nfile=%(here)s/socket\n"
			   "[rpcinterface:supervisor]\n"
			   "supervisor.rpcinterface_factory="
			   "supervisor.rpcinterface:make_main_rpcinterface\n"
			   "[supervisorctl]\nserverurl=unix://%(here)s/socket\n"
			   "[include]\nfiles=%(here)s/weir.conf\n");
		return Launch({ "/usr/bin/supervisord", "-c", own.file("supervisord.conf") })
			.plain()
			.env("LD_LIBRARY_PATH", library_directory());
	}
};

TEST(SupervisordExample, HasAProgramUnderWeirThatReleasesBySupervisorctl)
{
	std::string supervisord = access("/usr/bin/supervisord", X_OK) == 0 ? "is there" : "";

	NEED_FOUND(supervisord, "supervisord");
	Supervisor supervisor;
	pid_t pid = supervisor.program_pid("thumbnails");

	ASSERT_TRUE(eventually([&] {
		nlohmann::json program = listed(pid);

		return !program.is_null() && program["retained_bytes"] >= 4 * 5000000;
	}));
	EXPECT_TRUE(listed(supervisor.pid()).is_null()) << "supervisord itself has no weir";
	EXPECT_TRUE(std::regex_search(command_output({ "config", std::to_string(pid) }),
				      std::regex("WEIR_LIMIT +[^ ]+ +environment")));

	std::string release =
		snippet("docs/containers.md", "tests/e2e/deployment_test.cc", "supervisorctl");

	EXPECT_TRUE(supervisor.shell(release).succeeded());
	EXPECT_TRUE(eventually([&] {
		Report status = status_of(pid);

		return status.number("retained_bytes") == 0 &&
		       status.number("released/signal/releases") == 1;
	}));
	EXPECT_TRUE(supervisor.shell("supervisorctl shutdown").succeeded());
	EXPECT_TRUE(supervisor.finish().succeeded()) << supervisor.finish().describe();
}

} // namespace
