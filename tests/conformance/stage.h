#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/connection.h"
#include "tests/conformance/echo_server.h"
#include "tests/conformance/gateway.h"

namespace upgate::conformance {

// The server behind the route of a case.
enum class FarEnd {
  kService,   // the echo service: returns complete messages
  kBytes,     // a TCP echo server: returns the payload, in other messages
  kFrames,    // a strict WebSocket server, through a relay
  kEnforced,  // a WebSocket server that must see no violation: the relay is an endpoint
  kDeflated,  // the same, with permessage-deflate between it and the gateway
};

// How a case is run.
struct Setting {
  FarEnd far;
  bool secure;
};

// Every far end, without TLS and, if the code path differs, with TLS; and a test name such as
// "tls_frames".
std::vector<Setting> Settings();
std::string NameOfSetting(const testing::TestParamInfo<Setting>& info);

// The gateway and the servers behind it, shared by all tests of the program.
class Stage {
 public:
  static Stage& Get();

  RunningGateway& gateway() { return *gateway_; }
  // Stops everything; the next Get starts it again.
  static void Clear();

 private:
  Stage();

  TestServer bytes_{EchoBytes};
  TestServer frames_{EchoMessages};
  TestServer enforced_{EchoCleanMessages};
  TestServer deflated_{EchoCompressedMessages};
  std::unique_ptr<RunningGateway> gateway_;
};

// "/small/frames"; `in_front` is "" or "/small".
std::string PathOf(FarEnd far, std::string_view in_front);

// The request that opens a connection for frames.
std::string HandshakeFor(std::string_view path, std::string_view fields = "");

// A client after its handshake; throws if the response is not the expected 101.
std::unique_ptr<Connection> OpenClient(FarEnd far, bool secure, std::string_view in_front = "");
// Removes the response to HandshakeFor from the client's input; throws as well.
std::string TakeAccepted(Connection& client);

}  // namespace upgate::conformance
