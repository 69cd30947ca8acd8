#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

std::string AdminErrors(const std::string& admin) {
  return ErrorsOfTop("admin: { " + admin + " }");
}

TEST(AdminConfigTest, LocalAddressesNeedNoToken) {
  for (const auto* address : {"127.0.0.1:1", "127.8.0.1:1", "'[::1]:1'", "'[::ffff:127.0.0.1]:1'",
                              "LocalHost:1", "unix:/run/admin.sock"})
    EXPECT_EQ(AdminErrors(std::string("address: ") + address), "") << address;
}

TEST(AdminConfigTest, OtherAddressesNeedATokenFile) {
  EXPECT_EQ(AdminErrors("address: 0.0.0.0:1"),
            "1:19: admin.address: '0.0.0.0:1' can be reached from other machines; add token_file, "
            "a file with one token per line, or use 127.0.0.1 or a unix socket\n");
  for (const auto* address : {"'[::]:1'", "10.0.0.1:1", "localhost.example:1", "admin:1"})
    EXPECT_NE(AdminErrors(std::string("address: ") + address), "") << address;
  EXPECT_EQ(AdminErrors("address: 0.0.0.0:1, token_file: tokens"), "");
}

TEST(AdminConfigTest, ReadsAllKeys) {
  const auto config = Parsed(
      "listeners: [ { address: 127.0.0.1:0 } ]\n"
      "routes: [ { path: /, plugin: p } ]\n"
      "admin: { address: 127.0.0.1:1, token_file: tokens, hosts: [ Ops.Example. , '*.b' ],\n"
      "  tls: { certificates: [ { cert: a, key: b } ] } }\n");
  ASSERT_TRUE(config->admin);
  EXPECT_EQ(config->admin->token_file->path, "/etc/upgate/tokens");
  EXPECT_EQ(config->admin->hosts.at(0).host, "ops.example");
  EXPECT_TRUE(config->admin->hosts.at(1).wildcard);
  EXPECT_EQ(config->admin->tls->certificates.at(0).cert.path, "/etc/upgate/a");
}

TEST(AdminConfigTest, RefusesWhatWouldOpenItToEverySite) {
  EXPECT_EQ(AdminErrors("address: 127.0.0.1:1, hosts: [ '*' ]"),
            "1:41: admin.hosts[0]: '*' would open the admin address to pages of any site; list "
            "its own names\n");
  EXPECT_NE(AdminErrors("address: 127.0.0.1:1, hosts: [ 'a:80' ]"), "");
}

}  // namespace
}  // namespace upgate::config
