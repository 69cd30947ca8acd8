// Messages about any value of a configuration are one short line.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/prepare.h"
#include "gateway/base/text.h"
#include "gateway/config/parse.h"
#include "plugins/builtins.h"

namespace upgate::app {
namespace {

// Limit for the repeated value and two suggestions.
constexpr std::size_t kMostRepeated = 190;
constexpr std::size_t kLongestLine = 500;
constexpr char kFiller = 'q';

// Each has one place for a value, "@".
constexpr auto kPlaces = std::to_array<std::string_view>({
    "@: 1",
    "listeners: [ { address: @ } ]",
    "listeners: [ { address: \"a:1\", @: 1 } ]",
    "listeners: [ { address: \"a:1\", backlog: @, trusted_proxies: [ @ ], dialects: [ @ ] } ]",
    "listeners: [ { address: \"a:1\", tls: { certificates: [ { cert: @, key: @ } ], min_version: @ "
    "} } "
    "]",
    "listeners: [ { address: \"a:1\", tls: { certificates: @, client_ca: @, client_auth: @ } } ]",
    "admin: { address: @ }",
    "workers: @\nmemory: @\nserver_header: @\ncompression_memory: @\nshutdown: { timeout: @, code: "
    "@ }\ndrain_spread: @",
    "http: { head_size: @, headers: @, head_timeout: @, underscores: @ }",
    "log: { level: @, format: @ }",
    "backends: { @: { servers: [ \"tcp://a:1\" ] } }",
    "backends: { b: { servers: [ @ ], connect_timeout: @, pool_size: @, tls: { ca: @ } } }",
    "backends: { b: { servers: [ { url: @ } ] } }",
    "backends: { b: { servers: [ \"tls://a:1\" ], tls: { ca: @, server_name: @, verify: @ } } }",
    "backends: { b: { servers: [ \"tls://a:1\" ], tls: { certificate: { cert: @, key: @ } } } }",
    "routes: [ { path: @, plugin: echo } ]",
    "routes: [ { path: @, plugin: echo }, { path: @, plugin: echo } ]",
    "routes: [ { path: /, hosts: [ @ ], plugin: echo } ]",
    "routes: [ { path: /, hosts: [ @, @ ], plugin: echo }, { path: /, hosts: [ @ ], plugin: echo } "
    "]",
    "routes: [ { path: /, hosts: @, plugin: @ } ]",
    "routes: [ { path: /, backend: @ } ]",
    "routes: [ { path: /, plugin: echo, options: { @: 1 } } ]",
    "routes: [ { path: /, plugin: echo, subprotocols: [ @ ], encoding: @, dialects: [ @ ] } ]",
    "routes: [ { path: /, plugin: echo, cors: { allow_origins: [ @ ], allow_methods: [ @ ] } } ]",
    "routes: [ { path: /, plugin: echo, cors: { allow_headers: [ @ ], max_age: @ } } ]",
    "routes: [ { path: /, plugin: echo, limits: { message_size: @, idle: @, sessions: @ } } ]",
    "routes: [ { path: /, plugin: echo, compression: { level: @ }, require_origin: @ } ]",
    "routes: [ { path: /, plugin: files, options: { root: @ } } ]",
    "routes: [ { path: /, plugin: files, options: { root: /, index: @, fallback: @ } } ]",
    "routes: [ { path: /, plugin: files, options: { root: /, cache_control: @, types: { @: @ } } } "
    "]",
    "routes: [ { path: /, plugin: redirect, options: { to: @, status: @ } } ]",
    "routes: [ { path: /, plugin: broadcast, options: { history: @, clients_publish: @, @: 1 } } ]",
    "a: !@ b",
    "a: *@",
    "a: &@ [ @",
    "a: @: b",
    "%@",
});

// Forms of values; "@" is the long part.
constexpr auto kForms = std::to_array<std::string_view>({
    "@",
    "/@",
    "/@?",
    "/@*",
    "/%71@",
    "/@/*/",
    "~@(",
    "~^/@",
    "@://@/",
    "http://@/@",
    "https://@",
    "https://*@",
    "tcp://@",
    "tls://@:1",
    "ws://@/@",
    "app://@",
    "unix:@",
    "unix:/@",
    "unix:/@/",
    "unix://@",
    "@:80",
    "@:0",
    "[@]:80",
    "[::1]@",
    ":@",
    "*:@",
    "*.@",
    "@.@",
    "a@a",
    "1@",
    "1 @",
    "1.@",
    "-@",
    "@%",
    "${@}",
    "${@:-}",
    "${LONG}",
    "/${LONG}",
    "https://${LONG}/x",
    "{@}",
    "https://{@}",
    "https://@{host}",
    "//@",
    "tls/@.pem",
    "true@",
    "max-age=@\x01",
});

std::string WithPut(std::string_view text, std::string_view value) {
  std::string out;
  for (const char c : text) {
    if (c == '@') {
      out += value;
    } else {
      out += c;
    }
  }
  return out;
}

const std::string& LongText() {
  static const std::string text(1'000, kFiller);
  return text;
}

const char* LookUp(const char* name) {
  return std::string_view(name) == "LONG" ? LongText().c_str() : nullptr;
}

std::vector<std::string> LinesOf(const std::string& yaml) {
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  const auto prepared = Prepare(config::ParseDraft(yaml, "f.yaml", LookUp), plugins);
  std::vector<std::string> lines;
  if (!prepared) {
    for (const auto& error : prepared.error()) lines.push_back(config::ToString("f.yaml", error));
  }
  return lines;
}

// Returns the number of errors.
std::size_t ExpectShort(const std::string& yaml, std::string_view what) {
  const auto lines = LinesOf(yaml);
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), kLongestLine) << what << '\n' << line.substr(0, 2000);
    EXPECT_LE(static_cast<std::size_t>(std::ranges::count(line, kFiller)), kMostRepeated)
        << what << '\n'
        << line.substr(0, 2000);
    EXPECT_TRUE(std::ranges::none_of(line, IsControl)) << what << '\n' << line;
    EXPECT_TRUE(
        std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        << what << '\n'
        << line;
  }
  return lines.size();
}

TEST(LongValues, AreCutWhereverTheyAreQuoted) {
  std::size_t wrong = 0;
  for (const std::string_view place : kPlaces) {
    for (const std::string_view form : kForms) {
      const std::string value = "\"" + WithPut(form, LongText()) + "\"";
      const std::string yaml = WithPut(place, value);
      if (ExpectShort(yaml, WithPut(place, form)) > 0) ++wrong;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(wrong, kPlaces.size() * kForms.size() / 2) << "most are wrong somewhere";
}

TEST(LongValues, ControlsAreEscapedWhereverTheyAreQuoted) {
  constexpr std::string_view kEscaped = R"(a\n\e[31m\x7f\x9b31m\u202e\r\n\0)";
  for (const std::string_view place : kPlaces) {
    for (const std::string_view form : kForms) {
      ExpectShort(WithPut(place, "\"" + WithPut(form, kEscaped) + "\""), WithPut(place, form));
      if (HasFailure()) return;
    }
  }
}

TEST(LongValues, BytesThatAreNoUtf8AreNotRepeated) {
  const auto lines = LinesOf("routes: [ { path: \"/\xff\xfe\", plugin: echo } ]");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "f.yaml:1:21: the octet 0xff is not UTF-8; save the file as UTF-8");
}

}  // namespace
}  // namespace upgate::app
