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

// What stands behind the route that a case is played against.
enum class FarEnd {
  kService,   // the echo service: whole messages come back
  kBytes,     // a TCP server that echoes: the payload comes back, in other messages
  kFrames,    // a WebSocket server that keeps to the letter, through a relay
  kEnforced,  // a WebSocket server that nothing wrong may come to: the relay ends both sides
  kDeflated,  // the same, with permessage-deflate between it and the gateway
};

// How a case is played.
struct Setting {
  FarEnd far;
  bool secure;
};

// Every far end, plain and, where that is another way through the gateway, over TLS; and
// "tls_frames", to name a test by.
std::vector<Setting> Settings();
std::string NameOfSetting(const testing::TestParamInfo<Setting>& info);

// The gateway and the servers behind it, one for all tests of the program.
class Stage {
 public:
  static Stage& Get();

  RunningGateway& gateway() { return *gateway_; }
  // Ends everything; the next Get starts anew.
  static void Clear();

 private:
  Stage();

  TestServer bytes_{EchoBytes};
  TestServer frames_{EchoMessages};
  TestServer enforced_{EchoCleanMessages};
  TestServer deflated_{EchoCompressedMessages};
  std::unique_ptr<RunningGateway> gateway_;
};

// "/small/frames"; "" or "/small" in front.
std::string PathOf(FarEnd far, std::string_view in_front);

// What opens a connection for frames.
std::string HandshakeFor(std::string_view path, std::string_view fields = "");

// A client behind its handshake; throws when the answer is not the right 101.
std::unique_ptr<Connection> OpenClient(FarEnd far, bool secure, std::string_view in_front = "");
// The answer to HandshakeFor, taken off what the client received; throws as well.
std::string TakeAccepted(Connection& client);

}  // namespace upgate::conformance
