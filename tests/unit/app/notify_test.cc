#include "gateway/app/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "gateway/base/fd.h"
#include "tests/support/capture_log.h"

namespace upgate::app {
namespace {

namespace fs = std::filesystem;

// A folder with a name for a socket; removed at the end.
class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    char name[] = "/tmp/upgate-notify-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~NotifierTest() override { fs::remove_all(folder_); }

  std::string path() const { return folder_ / "notify"; }
  std::string abstract() const { return "@" + folder_.string(); }
  const char* Reason() {
    reason_ = log_.Last("service manager not told", "reason");
    return reason_.c_str();
  }

  test::CaptureLog log_;

 private:
  fs::path folder_;
  std::string reason_;
};

// The service manager's side. Datagrams are queued in the socket, so reading never blocks.
class Manager {
 public:
  explicit Manager(const std::string& socket)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(socket, address.sun_path);
    const bool abstract = socket[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    const std::size_t length = offsetof(sockaddr_un, sun_path) + socket.size() + (abstract ? 0 : 1);
    bound_ = ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address),
                    static_cast<socklen_t>(length)) == 0;
  }

  bool bound() const { return bound_; }
  // The next message; empty if there is none.
  std::string Read() const {
    char buffer[512];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    return got < 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
  }

 private:
  UniqueFd fd_;
  bool bound_ = false;
};

TEST_F(NotifierTest, ReadyAndStoppingGoToAPath) {
  const Manager manager(path());
  ASSERT_TRUE(manager.bound());
  const Notifier notifier(path().c_str(), log_);
  notifier.Ready("serving 3 routes");
  notifier.Stopping("closing sessions");
  EXPECT_EQ(manager.Read(), "READY=1\nSTATUS=serving 3 routes\n");
  EXPECT_EQ(manager.Read(), "STOPPING=1\nSTATUS=closing sessions\n");
  EXPECT_EQ(manager.Read(), "");
  EXPECT_TRUE(log_.events().empty());
}

TEST_F(NotifierTest, AnAbstractAddressStartsWithAnAt) {
  const Manager manager(abstract());
  ASSERT_TRUE(manager.bound());
  Notifier(abstract().c_str(), log_).Ready("serving");
  EXPECT_EQ(manager.Read(), "READY=1\nSTATUS=serving\n");
}

TEST_F(NotifierTest, WithoutAManagerNothingHappens) {
  Notifier(nullptr, log_).Ready("serving");
  Notifier("", log_).Stopping("stopping");
  EXPECT_TRUE(log_.events().empty());
}

TEST_F(NotifierTest, AManagerThatIsGoneIsALineInTheDebugLog) {
  Notifier(path().c_str(), log_).Ready("serving");
  ASSERT_EQ(log_.Count("service manager not told"), 1u);
  EXPECT_EQ(log_.events().front().level, LogLevel::kDebug);
  EXPECT_EQ(log_.Last("service manager not told", "message"), "READY=1");
  EXPECT_STREQ(Reason(), "no such file or directory");
}

TEST_F(NotifierTest, AddressesThatCannotBeAreRefused) {
  for (const char* socket : {"run/notify", "vsock:2:1234"}) {
    Notifier(socket, log_).Ready("serving");
    EXPECT_STREQ(Reason(), "neither a path nor an abstract address") << socket;
  }
  for (const std::string& socket : {std::string("/"), std::string("@"), "/" + std::string(107, 'x'),
                                    "@" + std::string(108, 'x')}) {
    Notifier(socket.c_str(), log_).Ready("serving");
    EXPECT_STREQ(Reason(), "invalid length") << socket;
  }
}

TEST_F(NotifierTest, TheLongestAddressesFit) {
  const std::string longest = "/" + std::string(106, 'x');
  Notifier(longest.c_str(), log_).Ready("serving");
  EXPECT_STREQ(Reason(), "no such file or directory");

  const std::string name = (abstract() + std::string(108, 'x')).substr(0, 108);
  const Manager manager(name);
  ASSERT_TRUE(manager.bound());
  Notifier(name.c_str(), log_).Ready("serving");
  EXPECT_EQ(manager.Read(), "READY=1\nSTATUS=serving\n");
}

TEST_F(NotifierTest, AManagerThatDoesNotReadIsGivenUp) {
  const Manager manager(path());
  ASSERT_TRUE(manager.bound());
  const Notifier notifier(path().c_str(), log_);
  // The kernel queues net.unix.max_dgram_qlen messages per socket; even a larger setting is limited
  // by the queue's memory.
  for (int sent = 0; sent < 10'000 && log_.events().empty(); ++sent) notifier.Ready("serving");
  EXPECT_EQ(log_.Count("service manager not told"), 1u);
  EXPECT_EQ(manager.Read(), "READY=1\nSTATUS=serving\n");
}

}  // namespace
}  // namespace upgate::app
