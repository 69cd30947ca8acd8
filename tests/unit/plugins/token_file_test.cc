#include <sys/stat.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/token_file/source.h"
#include "plugins/token_file/table.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/resolver_fixture.h"

namespace upgate::plugins {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Find(const TokenTable& table, std::string_view token) {
  const std::string* target = table.Find(token);
  return target != nullptr ? *target : "(unknown)";
}

TEST(TokenTableTest, LinesAsWebsockifyReadsThem) {
  const test::TempFolder folder;
  folder.Write("tokens",
               "# a comment\n"
               "\n"
               "  vm1: 10.0.0.1:5901  \r\n"
               "vm2:\t10.0.0.2:5902\n"
               "a:b: host:1\n"
               "vm1: 10.0.0.9:5909\n"
               "six: ::1:5900\n"
               "socket: unix_socket:/run/vm\n"
               "url: ws://a:80\n"
               "last: h:1");
  const auto table = TokenTable::Read(folder.At("tokens"));
  ASSERT_TRUE(table) << table.error();
  EXPECT_EQ(Find(*table, "vm1"), "10.0.0.9:5909");  // the last one
  EXPECT_EQ(Find(*table, "vm2"), "10.0.0.2:5902");
  EXPECT_EQ(Find(*table, "a:b"), "host:1");
  EXPECT_EQ(Find(*table, "six"), "[::1]:5900");
  EXPECT_EQ(Find(*table, "socket"), "unix:/run/vm");
  EXPECT_EQ(Find(*table, "url"), "ws://a:80");
  EXPECT_EQ(Find(*table, "last"), "h:1");
  EXPECT_EQ(Find(*table, "VM1"), "(unknown)");
  EXPECT_EQ(Find(*table, "# a comment"), "(unknown)");
  EXPECT_EQ(table->size(), 7u);
  EXPECT_EQ(table->faults(), 0u);
}

TEST(TokenTableTest, OtherLinesAreLeftOutAndTold) {
  const test::TempFolder folder;
  folder.Write("tokens", "good: a:1\nsecret\nsecret:a:1\na: b: c:1\n: a:1\nsecret=a:1\n");
  const auto table = TokenTable::Read(folder.At("tokens"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 1u);
  EXPECT_EQ(table->faults(), 5u);
  EXPECT_THAT(table->fault_places(),
              ElementsAre(folder.At("tokens") + ":2", folder.At("tokens") + ":3",
                          folder.At("tokens") + ":4"));
}

TEST(TokenTableTest, AFolderHasFilesOfLinesAndFilesForTheirNames) {
  const test::TempFolder folder;
  folder.Write("d/lab.conf", "vm1: a:1\nvm2: a:2\n");
  folder.Write("d/zoo", "vm2: z:9\n");
  folder.Write("d/desk7", "10.0.0.7:5900\n");
  folder.Write("d/note", "nothing of use\n");
  folder.Folder("d/sub");
  const auto table = TokenTable::Read(folder.At("d"));
  ASSERT_TRUE(table) << table.error();
  EXPECT_EQ(Find(*table, "vm1"), "a:1");
  EXPECT_EQ(Find(*table, "vm2"), "z:9");  // files in the order of their names
  EXPECT_EQ(Find(*table, "desk7"), "10.0.0.7:5900");
  EXPECT_EQ(Find(*table, "note"), "(unknown)");
  EXPECT_EQ(Find(*table, "../d/desk7"), "(unknown)");
  EXPECT_EQ(table->faults(), 1u);
}

TEST(TokenTableTest, HundredThousandTokens) {
  const test::TempFolder folder;
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += "token" + std::to_string(i) + ": 10.0.0.1:" + std::to_string(1 + i % 65'535) + "\n";
  folder.Write("tokens", text);
  const auto table = TokenTable::Read(folder.At("tokens"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 100'000u);
  EXPECT_EQ(Find(*table, "token99999"), "10.0.0.1:34465");
}

TEST(TokenTableTest, WhatIsNotThere) {
  const test::TempFolder folder;
  const auto table = TokenTable::Read(folder.At("missing"));
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error(), HasSubstr("missing is not there"));
}

TEST(TokenTableTest, AFifoIsRefusedAtOnce) {
  const test::TempFolder folder;
  const std::string pipe = folder.At("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto table = TokenTable::Read(pipe);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(), pipe + " is a FIFO; name a file or a folder");
}

TEST(TokenSourceTest, IsReadAgainWhenItChanges) {
  const test::TempFolder folder;
  test::CaptureLog log;
  folder.Write("tokens", "vm: a:1\n");
  const auto stamp = StampOf(folder.At("tokens"));
  TokenSource source(folder.At("tokens"), false, *TokenTable::Read(folder.At("tokens")), stamp);
  EXPECT_FALSE(source.Refresh(log));
  folder.Write("tokens", "vm: b:2\nsecret line\n", 1'700'000'000);
  EXPECT_TRUE(source.Refresh(log));
  EXPECT_EQ(Find(*source.table(), "vm"), "b:2");
  EXPECT_EQ(log.Last("token file read", "tokens"), "1");
  EXPECT_FALSE(log.Mentions("secret"));
  // Gone: what is known stays, and the log says so once.
  std::filesystem::remove(folder.At("tokens"));
  EXPECT_FALSE(source.Refresh(log));
  EXPECT_FALSE(source.Refresh(log));
  EXPECT_EQ(log.Count("token file failed"), 1u);
  EXPECT_EQ(Find(*source.table(), "vm"), "b:2");
  folder.Write("tokens", "vm: c:3\n", 1'700'000'001);
  EXPECT_TRUE(source.Refresh(log));
  EXPECT_EQ(Find(*source.table(), "vm"), "c:3");
}

class TokenFileTest : public ResolverPluginTest {};

TEST_F(TokenFileTest, AnswersAtOnce) {
  const test::TempFolder folder;
  folder.Write("tokens", "vm1: 10.0.0.1:5901\n");
  folder_ = folder.path();
  Start("token_file", "{ file: tokens }");
  EXPECT_EQ(Asked(*instance_, "vm1").answer(), "found 10.0.0.1:5901");
  EXPECT_EQ(Asked(*instance_, "vm2").answer(), "unknown");
  EXPECT_EQ(resolver_->Describe(), folder.At("tokens") + ": 1 tokens");
}

TEST_F(TokenFileTest, HostsAreComparedInLowerCase) {
  const test::TempFolder folder;
  folder.Write("tokens", "VM1.example.com: 10.0.0.1:5901\n");
  folder_ = folder.path();
  Start("host_token", "{ file: tokens }");
  EXPECT_EQ(Asked(*instance_, "vm1.example.com").answer(), "found 10.0.0.1:5901");
}

TEST_F(TokenFileTest, MistakesAreNamed) {
  folder_ = "/nowhere";
  Make("token_file", "{}");
  EXPECT_THAT(Errors(), HasSubstr("options.file: missing"));
  Make("token_file", "{ file: tokens }");
  EXPECT_EQ(Errors(), "options.file: /nowhere/tokens is not there\n");
  Make("token_file", "{ file: tokens, fiel: x, allow: [ \"a:1\" ] }");
  EXPECT_THAT(Errors(), HasSubstr("options.fiel: unknown key; did you mean 'file'?"));
}

}  // namespace
}  // namespace upgate::plugins
