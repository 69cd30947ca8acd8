#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

std::optional<Compression> Read(std::string_view text) {
  return Parsed("listeners: [ { address: a:1 } ]\nroutes: [ { path: /, plugin: echo" +
                std::string(text) + " } ]")
      ->routes.at(0)
      .compression;
}

TEST(CompressionTest, IsOffUnlessAskedFor) {
  EXPECT_FALSE(Read(""));
  EXPECT_FALSE(Read(", compression: false"));
  EXPECT_TRUE(Read(", compression: true"));
}

TEST(CompressionTest, DefaultsHoldNothingForAnIdleSession) {
  for (const std::string_view text : {", compression: true", ", compression: {}"}) {
    const auto compression = Read(text);
    ASSERT_TRUE(compression);
    EXPECT_TRUE(compression->server_no_context_takeover);
    EXPECT_TRUE(compression->client_no_context_takeover);
    EXPECT_EQ(compression->threshold, 1024u);
  }
}

TEST(CompressionTest, AllSettingsAreRead) {
  const auto compression = Read(
      ", compression: { level: 9, threshold: 64B, server_no_context_takeover: false, "
      "client_no_context_takeover: false, "
      "server_max_window_bits: 8, client_max_window_bits: 15 }");
  ASSERT_TRUE(compression);
  EXPECT_EQ(compression->level, 9);
  EXPECT_EQ(compression->threshold, 64u);
  EXPECT_FALSE(compression->server_no_context_takeover);
  EXPECT_FALSE(compression->client_no_context_takeover);
  EXPECT_EQ(compression->server_max_window_bits, 8);
  EXPECT_EQ(compression->client_max_window_bits, 15);
}

TEST(CompressionTest, WrongSettingsAreReported) {
  const auto errors = [](std::string_view value) {
    return ErrorsOfRoute("    path: /\n    plugin: echo\n    compression: " + std::string(value));
  };
  EXPECT_EQ(errors("yes"),
            "5:18: routes[0].compression: 'yes' is not true or false; did you mean true?\n");
  EXPECT_EQ(errors("[ ]"),
            "5:18: routes[0].compression: is a list; needs a map with the keys level, threshold, "
            "server_no_context_takeover, "
            "client_no_context_takeover, server_max_window_bits, client_max_window_bits\n");
  EXPECT_EQ(errors("{ level: 0 }"),
            "5:27: routes[0].compression.level: '0' is out of range; use 1 to 9\n");
  EXPECT_EQ(
      errors("{ server_max_window_bits: 16 }"),
      "5:44: routes[0].compression.server_max_window_bits: '16' is out of range; use 8 to 15\n");
  EXPECT_EQ(errors("{ treshold: 1KiB }"),
            "5:20: routes[0].compression.treshold: unknown key; did you mean 'threshold'?\n");
}

TEST(CompressionTest, IsForWhereTheGatewayIsTheWebSocketEnd) {
  const auto errors = [](std::string_view server) {
    return ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ " +
                    std::string(server) +
                    " ] } }\nroutes:\n  - path: /\n    backend: b\n    compression: true\n");
  };
  EXPECT_EQ(errors("tcp://a:1"), "");
  for (const std::string_view server : {"ws://a:1", "http://a:1"}) {
    EXPECT_EQ(errors(server),
              "6:18: routes[0].compression: needs enforce: true; without it frames pass between "
              "client and server as they are, "
              "compressed ones too\n");
  }
  EXPECT_EQ(ErrorsOfTop("compression_memory: 0"), "");
  EXPECT_EQ(ErrorsOfTop("compression_memory: 16KiB"), "");
  EXPECT_EQ(ErrorsOfTop("compression_memory: 256"),
            "1:21: compression_memory: '256' is not enough for one session; use 16KiB or more, or "
            "0 to disable compression\n");
  EXPECT_EQ(ErrorsOfTop("workers: 8\ncompression_memory: 128KiB"), "");
  EXPECT_EQ(
      ErrorsOfTop("workers: 8\ncompression_memory: 127KiB"),
      "2:21: compression_memory: '127KiB' is not enough for one session on each of 8 workers; "
      "use 128KiB or more, or 0 to disable compression\n");
  EXPECT_EQ(ErrorsOfTop("compression_memory: -1"),
            "1:21: compression_memory: '-1' is not a size such as 64KiB (B, KiB, MiB or GiB)\n");
}

TEST(CompressionTest, SettingsWithoutEffectAreReported) {
  const auto errors = [](std::string_view rest) {
    return ErrorsOfRoute("    path: /\n    plugin: echo\n    " + std::string(rest));
  };
  EXPECT_EQ(errors("compression: true\n    dialects: [ hybi08, hixie76 ]"),
            "5:18: routes[0].compression: has no effect: only the dialect rfc6455 supports it; add "
            "that to dialects, or remove compression\n");
  EXPECT_EQ(errors("compression: false\n    dialects: [ hybi08, hixie76 ]"), "");
  EXPECT_EQ(errors("compression: true\n    dialects: [ rfc6455, hixie76 ]"), "");
  // Messages of the gateway itself are not subject to message_size.
  EXPECT_EQ(errors("compression: true\n    limits: { message_size: 8B }"), "");

  const auto relay = [](std::string_view rest) {
    return ErrorsOf(
        "listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ ws://a:1 ] } }\nroutes:\n  - "
        "path: /\n    backend: b\n"
        "    enforce: true\n    " +
        std::string(rest));
  };
  constexpr std::string_view kNothing =
      "no message is as large as compression.threshold; lower that, or remove compression\n";
  // Messages to clients come from the server, and vice versa.
  EXPECT_EQ(relay("compression: { threshold: 2KiB }\n    limits: { message_size: 2047B }"), "");
  EXPECT_EQ(relay("compression: { threshold: 2KiB }\n    limits: { server_message_size: 2047B }"),
            "7:31: routes[0].compression.threshold: " + std::string(kNothing));
  EXPECT_EQ(relay("compression: true\n    limits: { server_message_size: 1023B }"),
            "8:36: routes[0].limits.server_message_size: " + std::string(kNothing));
  EXPECT_EQ(relay("server_compression: true\n    limits: { message_size: 1023B }"),
            "8:29: routes[0].limits.message_size: no message is as large as "
            "server_compression.threshold; lower that, or remove "
            "server_compression\n");
  EXPECT_EQ(relay("server_compression: true\n    limits: { server_message_size: 1B }"), "");
  EXPECT_EQ(relay("compression: true\n    limits: { server_message_size: 1KiB }"), "");
  EXPECT_EQ(relay("limits: { message_size: 8B }"), "");
}

TEST(CompressionTest, WhatWasReadWrongIsNotComparedWithAnything) {
  const auto relay = [](std::string_view rest) {
    return ErrorsOf(
        "listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ ws://a:1 ] } }\nroutes:\n  - "
        "path: /\n    backend: b\n    " +
        std::string(rest));
  };
  EXPECT_EQ(relay("enforce: true\n    compression: { threshold: 2GiB }\n    limits: { "
                  "message_size: 512B }"),
            "7:31: routes[0].compression.threshold: '2GiB' is out of range; use 0B to 1GiB\n");
  EXPECT_EQ(
      relay(
          "enforce: true\n    compression: { threshold: 2MiB }\n    limits: { message_siz: 4MiB }"),
      "8:15: routes[0].limits.message_siz: unknown key; did you mean 'message_size'?\n");
  EXPECT_EQ(relay("enforce: \"true\"\n    compression: true\n    server_compression: true"),
            "6:14: routes[0].enforce: 'true' is text in quotes; write true without quotes\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    compression: true\n    dialects: [ "
                          "rfc6544, hixie76 ]"),
            "6:17: routes[0].dialects[0]: 'rfc6544' is not rfc6455, hybi08, hixie76 or hixie75; "
            "did you mean 'rfc6455'?\n");
}

TEST(CompressionTest, IsForEitherSideWhereTheRouteEnforcesTheRules) {
  const auto config = Parsed(
      "listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ ws://a:1 ] } }\n"
      "routes: [ { path: /, backend: b, enforce: true, compression: true, server_compression: { "
      "level: 9 } } ]");
  const Route& route = config->routes.at(0);
  EXPECT_TRUE(route.enforce);
  EXPECT_EQ(route.compression->client_max_window_bits, 12);
  EXPECT_EQ(route.server_compression->level, 9);
  EXPECT_EQ(route.server_compression->client_max_window_bits, 15);

  const auto errors = [](std::string_view server, std::string_view key) {
    return ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ " +
                    std::string(server) + " ] } }\nroutes:\n  - path: /\n    backend: b\n    " +
                    std::string(key) + ": true\n");
  };
  EXPECT_EQ(errors("ws://a:1", "server_compression"),
            "6:25: routes[0].server_compression: needs enforce: true\n");
  EXPECT_EQ(errors("tcp://a:1", "enforce"),
            "6:14: routes[0].enforce: has no effect: the gateway is always the WebSocket endpoint "
            "of this route\n");
  EXPECT_EQ(
      errors("tcp://a:1", "server_compression"),
      "6:25: routes[0].server_compression: has no effect: this route has no WebSocket server\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    enforce: true"),
            "5:14: routes[0].enforce: has no effect: the gateway is always the WebSocket endpoint "
            "of this route\n");
}

}  // namespace
}  // namespace upgate::config
