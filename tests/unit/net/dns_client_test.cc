#include "gateway/net/dns_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/base/fd.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

// A name server on 127.0.0.1 with fixed records (RFC 1035), on a thread of its own. Names that it
// does not have do not exist; it never answers a question for "silent.test".
class NameServer {
 public:
  explicit NameServer(std::map<std::string, std::vector<Ip>> records,
                      std::map<std::string, std::vector<SrvRecord>> services = {})
      : records_(std::move(records)),
        services_(std::move(services)),
        socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    auto* const raw = reinterpret_cast<sockaddr*>(&at);
    EXPECT_EQ(::bind(socket_.get(), raw, length), 0);
    EXPECT_EQ(::getsockname(socket_.get(), raw, &length), 0);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  // An empty datagram ends the thread.
  ~NameServer() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port_);
    ::sendto(socket_.get(), "", 0, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve() {
    for (;;) {
      std::array<char, 1024> buffer;
      sockaddr_in from{};
      socklen_t length = sizeof from;
      auto* const raw = reinterpret_cast<sockaddr*>(&from);
      const ssize_t size = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, raw, &length);
      if (size == 0) return;
      if (size < 17) continue;
      const std::string answer = Answer({buffer.data(), static_cast<std::size_t>(size)});
      if (!answer.empty()) ::sendto(socket_.get(), answer.data(), answer.size(), 0, raw, length);
    }
  }

  std::string Answer(const std::string& question) const {
    std::string name;
    std::size_t at = 12;
    while (question[at] != 0) {
      const auto label = std::size_t{static_cast<unsigned char>(question[at])};
      name += (name.empty() ? "" : ".") + question.substr(at + 1, label);
      at += label + 1;
    }
    if (name == "silent.test") return "";
    const std::string asked = question.substr(12, at + 5 - 12);
    if (question[at + 2] == 33) return AnswerSrv(question.substr(0, 2), asked, name);
    const bool v6 = question[at + 2] == 28;  // AAAA
    const auto found = records_.find(name);
    std::string body;
    char count = 0;
    if (found != records_.end()) {
      for (const Ip& ip : found->second) {
        if (ip.is_v4() == v6) continue;
        ++count;
        const std::string_view bytes(reinterpret_cast<const char*>(ip.bytes.data()), 16);
        body += std::string("\xc0\x0c\0", 3) + (v6 ? '\x1c' : '\x01') +
                std::string("\0\x01\0\0\0\x3c\0", 7) + (v6 ? '\x10' : '\x04');
        body += v6 ? bytes : bytes.substr(12);
      }
    }
    const bool exists = found != records_.end();
    std::string head = question.substr(0, 2) + (exists ? "\x85\x80" : "\x85\x83");
    head += std::string("\0\x01\0", 3) + count + std::string(4, '\0');
    return head + asked + body;
  }

  static std::string Number(std::size_t number) {
    return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  }
  static std::string NameIn(std::string_view name) {
    std::string labels;
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      labels += static_cast<char>(label.size()) + std::string(label);
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return labels + '\0';
  }
  std::string AnswerSrv(const std::string& id, const std::string& asked,
                        const std::string& name) const {
    const auto found = services_.find(name);
    if (found == services_.end())
      return id + "\x85\x83" + std::string("\0\x01\0\0\0\0\0\0", 8) + asked;
    std::string body;
    for (const SrvRecord& record : found->second) {
      const std::string data = Number(record.priority) + Number(record.weight) +
                               Number(record.port) + NameIn(record.target);
      body += std::string("\xc0\x0c\0\x21\0\x01\0\0\0\x3c", 10) + Number(data.size()) + data;
    }
    return id + "\x85\x80" + std::string("\0\x01", 2) + Number(found->second.size()) +
           std::string(4, '\0') + asked + body;
  }

  const std::map<std::string, std::vector<Ip>> records_;
  const std::map<std::string, std::vector<SrvRecord>> services_;
  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::optional<Result<std::vector<Ip>>> LookUp(Loop& loop, DnsClient& client,
                                              const std::string& name) {
  std::optional<Result<std::vector<Ip>>> result;
  client.LookUp(name, [&](Result<std::vector<Ip>> addresses) { result = std::move(addresses); });
  EXPECT_TRUE(RunUntil(loop, [&] { return result.has_value(); }));
  return result;
}

TEST(DnsClientTest, FindsAddressesOfBothFamilies) {
  const Ip v4 = *Ip::Parse("127.0.0.9");
  const Ip v6 = *Ip::Parse("::1");
  NameServer server({{"app.test", {v4, v6}}, {"old.test", {v4}}});
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, server.address());
  const auto both = LookUp(loop, client, "app.test");
  ASSERT_TRUE(both && *both) << (*both).error().message;
  EXPECT_EQ((**both).size(), 2u);
  const auto one = LookUp(loop, client, "old.test");
  ASSERT_TRUE(one && *one);
  EXPECT_EQ(**one, std::vector{v4});
}

TEST(DnsClientTest, SaysWhyThereIsNoAddress) {
  NameServer server(std::map<std::string, std::vector<Ip>>{{"empty.test", {}}});
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, server.address());
  for (const char* name : {"gone.test", "empty.test"}) {
    const auto result = LookUp(loop, client, name);
    ASSERT_TRUE(result && !*result) << name;
    EXPECT_EQ(result->error().code, Errc::kResolve);
    EXPECT_EQ(result->error().message,
              "resolve " + std::string(name) + ": name not known, or without an address");
  }
}

std::optional<Result<std::vector<SrvRecord>>> LookUpService(Loop& loop, DnsClient& client,
                                                            const std::string& name) {
  std::optional<Result<std::vector<SrvRecord>>> result;
  client.LookUpService(name,
                       [&](Result<std::vector<SrvRecord>> found) { result = std::move(found); });
  EXPECT_TRUE(RunUntil(loop, [&] { return result.has_value(); }));
  return result;
}

TEST(DnsClientTest, FindsTheServersOfAService) {
  const std::vector<SrvRecord> records{{"a.test", 9000, 10, 3}, {"b.test", 9001, 20, 65'535}};
  NameServer server({}, {{"_live._tcp.test", records}});
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, server.address());
  auto found = LookUpService(loop, client, "_live._tcp.test");
  ASSERT_TRUE(found && *found) << (*found).error().message;
  std::ranges::sort(**found, {}, &SrvRecord::port);
  EXPECT_EQ(**found, records);
}

TEST(DnsClientTest, SaysWhyThereIsNoService) {
  NameServer server({}, {{"_empty._tcp.test", {}}});
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, server.address());
  for (const char* name : {"_gone._tcp.test", "_empty._tcp.test", "_a._tcp.invalid"}) {
    const auto result = LookUpService(loop, client, name);
    ASSERT_TRUE(result && !*result) << name;
    EXPECT_EQ(result->error().message,
              "resolve " + std::string(name) + ": name not known, or without SRV records");
  }
}

TEST(DnsClientTest, NamesOfHostsAreKnownWithoutAServer) {
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, "127.0.0.1:9");
  const auto result = LookUp(loop, client, "localhost");
  ASSERT_TRUE(result && *result);
}

TEST(DnsClientTest, InvalidNeverExists) {
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, "127.0.0.1:9");
  for (const char* name : {"invalid", "a.invalid", "a.INVALID."}) {
    const auto result = LookUp(loop, client, name);
    ASSERT_TRUE(result && !*result) << name;
  }
}

TEST(DnsClientTest, ManyNamesAtATime) {
  std::map<std::string, std::vector<Ip>> records;
  for (int i = 0; i < 200; ++i)
    records["n" + std::to_string(i) + ".test"] = {*Ip::Parse("10.0.0." + std::to_string(i + 1))};
  NameServer server(records);
  Loop loop{PollerUnderTest()};
  DnsClient client(loop, server.address());
  std::size_t done = 0;
  for (const auto& [name, ips] : records) {
    client.LookUp(name, [&, expected = ips](Result<std::vector<Ip>> found) {
      ++done;
      EXPECT_TRUE(found && *found == expected);
    });
  }
  EXPECT_TRUE(RunUntil(loop, [&] { return done == records.size(); }));
}

TEST(DnsClientTest, ItCanGoWhileAServerIsSilent) {
  NameServer server(std::map<std::string, std::vector<Ip>>{});
  Loop loop{PollerUnderTest()};
  auto client = std::make_unique<DnsClient>(loop, server.address());
  bool told = false;
  client->LookUp("silent.test", [&](const auto&) { told = true; });
  RunFor(loop, std::chrono::milliseconds(20));
  client.reset();
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace upgate::net
