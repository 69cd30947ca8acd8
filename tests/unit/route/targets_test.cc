#include "gateway/route/targets.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/target_syntax.h"

namespace upgate::route::targets_test {
namespace {

std::vector<config::TargetPattern> Allow(const std::vector<std::string_view>& texts) {
  std::vector<config::TargetPattern> patterns;
  for (const std::string_view text : texts)
    patterns.push_back(config::Syntax<config::TargetPattern>::Read(text).value());
  return patterns;
}

// Whether a host that was looked up to this address may be connected to.
bool May(const std::vector<std::string_view>& allow, std::string_view host, std::uint16_t port,
         std::string_view ip) {
  const std::vector<Ip> addresses{*Ip::Parse(ip)};
  return AllowedAddresses(Allow(allow), HostPort{std::string(host), port}, addresses) == addresses;
}

TEST(TargetsTest, BlocksAreForAddressesWhateverTheName) {
  EXPECT_TRUE(May({"10.0.0.0/8:5900-5999"}, "a.example", 5900, "10.1.2.3"));
  EXPECT_TRUE(May({"10.0.0.0/8:5900-5999"}, "10.1.2.3", 5999, "10.1.2.3"));
  EXPECT_TRUE(May({"10.0.0.0/8:5900-5999"}, "::ffff:10.1.2.3", 5900, "::ffff:10.1.2.3"));
  EXPECT_FALSE(May({"10.0.0.0/8:5900-5999"}, "10.1.2.3", 6000, "10.1.2.3"));
  EXPECT_FALSE(May({"10.0.0.0/8:5900-5999"}, "10.1.2.3", 5899, "10.1.2.3"));
  EXPECT_FALSE(May({"10.0.0.0/8:5900"}, "11.0.0.1", 5900, "11.0.0.1"));
  EXPECT_TRUE(May({"127.0.0.0/8:1"}, "a.example", 1, "127.0.0.1"));
  EXPECT_TRUE(May({"[fd00::/8]:1"}, "fd00::1", 1, "fd00::1"));
  EXPECT_FALSE(May({"[fd00::/8]:1"}, "fe00::1", 1, "fe00::1"));
}

TEST(TargetsTest, NamesAreForAllButSpecialAddresses) {
  EXPECT_TRUE(May({"a.example:1"}, "A.Example.", 1, "10.0.0.1"));
  EXPECT_TRUE(May({"*.example:1"}, "a.b.example", 1, "203.0.113.1"));
  EXPECT_FALSE(May({"*.example:1"}, "example", 1, "10.0.0.1"));
  EXPECT_FALSE(May({"*.example:1"}, "anexample", 1, "10.0.0.1"));
  EXPECT_FALSE(May({"*.example:1"}, ".example", 1, "10.0.0.1"));
  EXPECT_FALSE(May({"a.example:1"}, "b.a.example", 1, "10.0.0.1"));
  for (const char* ip :
       {"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1"})
    EXPECT_FALSE(May({"a.example:1"}, "a.example", 1, ip)) << ip;
  EXPECT_TRUE(May({"a.example:1", "169.254.0.0/16:1"}, "a.example", 1, "169.254.1.1"));
}

TEST(TargetsTest, LocalhostIsThisMachine) {
  EXPECT_TRUE(May({"localhost:1"}, "localhost", 1, "127.0.0.1"));
  EXPECT_TRUE(May({"localhost:1"}, "LOCALHOST", 1, "::1"));
  EXPECT_FALSE(May({"localhost:1"}, "localhost", 1, "10.0.0.1"));
}

TEST(TargetsTest, OnlyTheAddressesThatAreAllowed) {
  const std::vector<Ip> addresses{*Ip::Parse("127.0.0.1"), *Ip::Parse("10.0.0.1"),
                                  *Ip::Parse("fe80::1")};
  EXPECT_EQ(AllowedAddresses(Allow({"a.example:1"}), HostPort{"a.example", 1}, addresses),
            std::vector<Ip>{*Ip::Parse("10.0.0.1")});
}

TEST(TargetsTest, UnixSockets) {
  const auto allow = Allow({"unix:/run/vms/*", "unix:/run/one"});
  EXPECT_TRUE(MayConnect(allow, "/run/vms/7"));
  EXPECT_TRUE(MayConnect(allow, "/run/one"));
  for (const char* path :
       {"/run/vms", "/run/vms/a/b", "/run/vmsx/7", "/run/one/x", "/run/on", "/7"})
    EXPECT_FALSE(MayConnect(allow, path)) << path;
}

}  // namespace
}  // namespace upgate::route::targets_test
