/* Real containers, for the tests of tests/e2e: podman with runc, as root, without a network.
 *
 * A Podman has a store of its own, which goes with all that is left in it at the end: the
 * machine's own containers and images are not touched. Images are made of files of this
 * machine. Every container ends by itself after its time. */
#ifndef WEIR_TESTS_OCI_H
#define WEIR_TESTS_OCI_H

#include "command.h"

namespace e2e
{

/* An empty text where containers cannot be run here (NEED_FOUND). */
std::string container_engine();

nlohmann::json parse_yaml(const std::string &path);

/* `make install prefix=/usr/local DESTDIR=directory`: examples name that prefix. */
void install_into(const std::string &directory);

/* Files for an image. */
class ImageTree : public Directory
{
public:
	ImageTree();
	/* A program or library, under its own or another path, with the libraries it needs. */
	ImageTree &add(const std::string &path, const std::string &as = "");
	ImageTree &add_libraries_of(const std::string &path);
	/* A directory with all that it has, but for names that match these. */
	ImageTree &add_directory(const std::string &path,
				 const std::vector<std::string> &without = {});
	ImageTree &write(const std::string &path, const std::string &content, bool runs = false);

private:
	void put(const std::string &from, const std::string &to);
};

class Podman : public Directory
{
public:
	Podman();
	~Podman();

	Launch launch(std::vector<std::string> arguments) const;
	/* What it printed, without the last newline; the test fails where it fails. */
	std::string run(const std::vector<std::string> &arguments) const;
	/* The same of a shell whose `podman` is this one; $NAME is a container. */
	std::string run_script(const std::string &script, const std::string &container) const;

	/* `changes` are lines of a Containerfile. */
	void import(const ImageTree &tree, const std::string &image,
		    const std::vector<std::string> &changes = {}) const;
	/* From a tree with a stage/, with a base image. */
	void build(const std::string &file, const Directory &context, const std::string &base,
		   const std::string &image) const;

	void play(nlohmann::json pod) const; /* of Kubernetes */

	pid_t pid(const std::string &container) const; /* here */
	std::string exec(const std::string &container, std::vector<std::string> arguments) const;
	void remove(const std::string &container) const;
	void remove_all() const; /* containers and pods */

private:
	Launch with_its_store(const std::vector<std::string> &argv) const;
};

/* A container that runs until its end. */
class Container
{
public:
	Container(const Podman &podman, const std::string &name,
		  const std::vector<std::string> &arguments);
	~Container() { podman_.remove(name_); }
	Container(const Container &) = delete;
	Container &operator=(const Container &) = delete;

	pid_t pid() const { return podman_.pid(name_); }
	std::string exec(const std::vector<std::string> &arguments) const
	{
		return podman_.exec(name_, arguments);
	}

private:
	const Podman &podman_;
	std::string name_;
};

/* The victim `puppet` as process 1 of a container of the image; pid() is podman's. */
class ContainedPuppet : public Puppet
{
public:
	ContainedPuppet(const Podman &podman, const std::string &image, const std::string &name,
			const std::vector<std::string> &options);
	~ContainedPuppet() override { podman_.remove(name_); }

	const std::string &name() const { return name_; }
	pid_t host_pid() const { return podman_.pid(name_); }
	Report status() const { return status_of(host_pid()); } /* from outside */

private:
	const Podman &podman_;
	std::string name_;
};

} // namespace e2e

#endif
