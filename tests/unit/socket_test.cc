/* Where the control socket is bound, whose file it removes and whom it hears, with the
 * kernel's own sockets. What comes over it is request_test.cc's. */
#include "preloaded.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

extern "C" {
#include "config.h"
#include "fake_os.h"
#include "socket.h"
#include "socket_path.h"
}

namespace
{

namespace fs = std::filesystem;

/* As long as it lives, none can be had. */
struct NoDescriptors {
	NoDescriptors()
	{
		EXPECT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
		struct rlimit none = { 0, before.rlim_max };

		EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	}
	~NoDescriptors() { EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before)); }
	struct rlimit before = {};
};

struct Socket : testing::Test {
	Socket() { fake_os_reset(); }
	~Socket() override
	{
		if (server.fd < 0)
			return;
		weir_socket_remove(&server);
		weir_socket_close(server.fd);
	}

	bool listen_at(weir_socket *socket, const std::string &path)
	{
		weir_config config = {};

		EXPECT_LT(path.size(), sizeof config.socket);
		strncpy(config.socket, path.c_str(), sizeof config.socket - 1);
		return weir_socket_listen(socket, &config);
	}

	bool listen_below(weir_socket *socket, const std::string &asked, const std::string &runtime)
	{
		weir_config config = {};

		strcpy(config.socket, WEIR_SOCKET_AUTO);
		strncpy(config.socket_dir, asked.c_str(), sizeof config.socket_dir - 1);
		strncpy(config.runtime_dir, runtime.c_str(), sizeof config.runtime_dir - 1);
		return weir_socket_listen(socket, &config);
	}

	std::string file(const std::string &name) const { return directory.file(name); }
	std::string with_pid(const std::string &name) const
	{
		return file(name) + "." + std::to_string(getpid());
	}

	/* Waits to be accepted. */
	int connect_to(const weir_socket &socket)
	{
		sockaddr_un address = {};
		int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		address.sun_family = AF_UNIX;
		strcpy(address.sun_path, socket.path);
		EXPECT_EQ(0, connect(fd, (sockaddr *)&address, sizeof address));
		return fd;
	}

	e2e::Directory directory;
	weir_socket server = { -1, {}, 0, 0 };
};

TEST_F(Socket, IsThisUsersAlone)
{
	struct stat found;

	ASSERT_TRUE(listen_at(&server, file("s")));
	EXPECT_EQ(file("s"), server.path);
	ASSERT_EQ(0, lstat(server.path, &found));
	EXPECT_EQ(0600U, found.st_mode & 0777U);
	EXPECT_EQ(FD_CLOEXEC, fcntl(server.fd, F_GETFD));
}

TEST_F(Socket, TakesThePlaceOfOneThatNobodyServes)
{
	weir_socket dead = {};

	ASSERT_TRUE(listen_at(&dead, file("s")));
	weir_socket_close(dead.fd);
	ASSERT_TRUE(listen_at(&server, file("s")));
	EXPECT_EQ(file("s"), server.path);
	EXPECT_TRUE(weir_socket_has_file(&server));
}

TEST_F(Socket, LeavesTheFileOfOneThatIsServed)
{
	weir_socket other = {};

	ASSERT_TRUE(listen_at(&other, file("s")));
	ASSERT_TRUE(listen_at(&server, file("s")));
	EXPECT_EQ(with_pid("s"), server.path);
	EXPECT_TRUE(weir_socket_has_file(&other));
	weir_socket_remove(&server);
	EXPECT_FALSE(fs::exists(with_pid("s")));
	EXPECT_TRUE(fs::exists(file("s")));
	weir_socket_close(other.fd);
}

TEST_F(Socket, LeavesWhatIsNoSocket)
{
	e2e::write_file(file("s"), "somebody's");
	ASSERT_TRUE(listen_at(&server, file("s")));
	EXPECT_EQ(with_pid("s"), server.path);
	EXPECT_EQ("somebody's", e2e::read_file(file("s")));
}

TEST_F(Socket, RemovesNoFileThatIsNotItsOwn)
{
	weir_socket other = {};

	ASSERT_TRUE(listen_at(&server, file("s")));
	ASSERT_TRUE(fs::remove(file("s")));
	EXPECT_FALSE(weir_socket_has_file(&server));
	ASSERT_TRUE(listen_at(&other, file("s")));
	EXPECT_FALSE(weir_socket_has_file(&server));
	weir_socket_remove(&server);
	EXPECT_TRUE(fs::exists(file("s")));
	weir_socket_remove(&other);
	EXPECT_FALSE(fs::exists(file("s")));
	weir_socket_close(other.fd);
}

TEST_F(Socket, HasNoPlaceInADirectoryThatIsNotThere)
{
	EXPECT_FALSE(listen_at(&server, file("none/s")));
	EXPECT_EQ(-1, server.fd);
}

TEST_F(Socket, HasNoPlaceAtAPathThatIsTooLong)
{
	std::string longest(WEIR_SOCKET_PATH_BYTES - 1 - file("").size(), 'a');

	ASSERT_TRUE(listen_at(&server, file(longest)));
	/* Served already, and no room for the number. */
	weir_socket second = {};

	EXPECT_FALSE(listen_at(&second, file(longest)));
	EXPECT_EQ(0U, second.device); /* behind the path */
	EXPECT_EQ(file(longest), server.path);
}

TEST_F(Socket, HasNoPlaceWithoutADescriptor)
{
	{
		NoDescriptors none;

		EXPECT_FALSE(listen_at(&server, file("s")));
	}
	EXPECT_FALSE(fs::exists(file("s")));
}

/* WEIR_SOCKET=auto */

TEST_F(Socket, IsInTheDirectoryThatWasAsked)
{
	fs::create_directory(file("asked"));
	ASSERT_TRUE(listen_below(&server, file("asked"), ""));
	EXPECT_EQ(file("asked"), fs::path(server.path).parent_path());
	EXPECT_EQ(0U,
		  fs::path(server.path).filename().string().find(std::to_string(getpid()) + "-"));
}

TEST_F(Socket, IsInADirectoryOfTheUsersAlone)
{
	if (fs::exists("/run/weir"))
		GTEST_SKIP() << "the machine has a place that comes first";

	struct stat found;

	ASSERT_TRUE(listen_below(&server, file("none"), directory.path()));
	EXPECT_EQ(file("weir"), fs::path(server.path).parent_path());
	ASSERT_EQ(0, lstat(file("weir").c_str(), &found));
	EXPECT_EQ(0700U, found.st_mode & 0777U);
}

/* Whoever may write there could put a socket of his own in its place. */
TEST_F(Socket, IsNotInADirectoryThatOthersCanRead)
{
	fs::create_directory(file("weir"));
	fs::permissions(file("weir"), fs::perms(0755));
	listen_below(&server, file("none"), directory.path());
	EXPECT_NE(file("weir"), fs::path(server.path).parent_path());
}

TEST_F(Socket, IsNotWhereALinkLeads)
{
	fs::create_directory(file("elsewhere"));
	fs::permissions(file("elsewhere"), fs::perms(0700));
	fs::create_directory_symlink(file("elsewhere"), file("weir"));
	listen_below(&server, file("none"), directory.path());
	EXPECT_NE(file("weir"), fs::path(server.path).parent_path());
	EXPECT_TRUE(fs::is_empty(file("elsewhere")));
}

TEST_F(Socket, IsNotBelowADirectoryOfSomebodyElses)
{
	if (geteuid() != 0)
		GTEST_SKIP() << "only root can give a directory away";
	fs::create_directory(file("theirs"));
	ASSERT_EQ(0, chown(file("theirs").c_str(), 65534, 65534));
	listen_below(&server, file("none"), file("theirs"));
	EXPECT_FALSE(fs::exists(file("theirs/weir")));
}

/* Peers */

struct SocketPeer : Socket {
	SocketPeer()
	{
		EXPECT_TRUE(listen_at(&server, file("s")));
		client = connect_to(server);
	}
	~SocketPeer() override
	{
		close(client);
		if (peer >= 0)
			weir_socket_close(peer);
	}
	int client, peer = -1;
};

TEST_F(SocketPeer, IsHeardUntilItEnds)
{
	char data[8];

	peer = weir_socket_accept(&server);
	ASSERT_GE(peer, 0);
	EXPECT_EQ(-1, weir_socket_accept(&server));
	EXPECT_EQ(-1, weir_socket_receive(peer, data, sizeof data));
	ASSERT_EQ(5, write(client, "hello", 5));
	EXPECT_EQ(5, weir_socket_receive(peer, data, sizeof data));
	EXPECT_EQ("hello", std::string(data, 5));
	weir_socket_send(peer, "answer", 6);
	EXPECT_EQ(6, read(client, data, sizeof data));
	shutdown(client, SHUT_WR);
	EXPECT_EQ(0, weir_socket_receive(peer, data, sizeof data));
	EXPECT_EQ(-2, weir_socket_receive(-1, data, sizeof data));
}

TEST_F(SocketPeer, WaitsOnWhereThereIsNoDescriptor)
{
	{
		NoDescriptors none;

		EXPECT_EQ(-2, weir_socket_accept(&server));
	}
	peer = weir_socket_accept(&server);
	EXPECT_GE(peer, 0);
}

TEST_F(SocketPeer, ThatHasGoneEndsTheAnswer)
{
	std::string answer(1 << 20, 'x');

	peer = weir_socket_accept(&server);
	close(client);
	weir_socket_send(peer, answer.data(), answer.size()); /* no SIGPIPE */
	client = connect_to(server);
}

} // namespace
