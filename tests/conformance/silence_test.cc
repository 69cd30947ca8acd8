// Peers that never answer a Close, on either side of the gateway: both connections are closed in
// bounded time. Tests with simulated time check how long; here nothing may hang.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/connection.h"
#include "tests/conformance/echo_server.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/gateway.h"
#include "tests/conformance/stage.h"

namespace upgate::conformance::silence_test {
namespace {

class Quiet {
 public:
  static Quiet& Get() {
    static Quiet quiet;
    return quiet;
  }
  Listener& bytes() { return bytes_; }
  Listener& frames() { return frames_; }
  RunningGateway& gateway() { return gateway_; }

 private:
  static std::string Url(std::string_view scheme, const Listener& listener) {
    return "{ servers: [ \"" + std::string(scheme) +
           "://127.0.0.1:" + std::to_string(listener.port()) + "\" ] }\n";
  }

  Listener bytes_;
  Listener frames_;
  RunningGateway gateway_{
      "backends:\n  bytes: " + Url("tcp", bytes_) + "  frames: " + Url("ws", frames_) +
      "routes:\n"
      "  - { path: /service, plugin: echo, limits: { close_timeout: 50ms } }\n"
      "  - { path: /idle, plugin: echo, limits: { close_timeout: 50ms, idle: 50ms } }\n"
      "  - { path: /bytes, backend: bytes, limits: { close_timeout: 50ms } }\n"
      "  - { path: /frames, backend: frames, limits: { close_timeout: 50ms } }\n"
      "  - { path: /enforced, backend: frames, enforce: true, limits: { close_timeout: 50ms } }\n"};
};

// A client in its session, and its server, if there is one. Neither closes its side of the
// connection.
struct Session {
  explicit Session(const std::string& path)
      : client(Quiet::Get().gateway().port(false), Transport::kPlain) {
    client.Send(HandshakeFor(path));
    if (path == "/bytes") server = Quiet::Get().bytes().Accept();
    if (path == "/frames" || path == "/enforced") {
      server = Quiet::Get().frames().Accept();
      const std::string request = server->ReadHead();
      server->Send(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
          "Upgrade\r\nSec-WebSocket-Accept: " +
          AcceptFor(request) + "\r\n\r\n");
    }
    TakeAccepted(client);
  }

  // The gateway has sent the client `code`, if one is expected, and has closed its sockets,
  // although nobody answered.
  void ExpectForgotten(unsigned code) {
    EXPECT_TRUE(client.WaitUntilForgotten());
    if (server) {
      EXPECT_TRUE(server->WaitUntilForgotten());
    }
    client.ReadToEnd();
    const Received got = ReadServer(client.received());
    EXPECT_TRUE(got.closed);
    EXPECT_EQ(got.close_code, code) << got.close_reason;
  }

  Connection client;
  std::unique_ptr<Connection> server;
};

std::string ServerFrame(unsigned opcode, std::string_view payload) {
  Frame frame;
  frame.opcode = opcode;
  frame.payload = payload;
  frame.masked = false;
  return Encode(frame);
}

TEST(Silence, OfAClientThatBrokeARule) {
  for (const char* path : {"/service", "/bytes", "/frames", "/enforced"}) {
    SCOPED_TRACE(path);
    Session session(path);
    session.client.Send(ServerFrame(kText, "not masked"));
    session.ExpectForgotten(1002);
  }
}

TEST(Silence, OfAClientThatIsIdle) {
  Session session("/idle");
  session.ExpectForgotten(1001);
}

// The client has its answer, but does not close.
TEST(Silence, AfterTheClientsClose) {
  for (const char* path : {"/service", "/bytes", "/enforced"}) {
    SCOPED_TRACE(path);
    Session session(path);
    session.client.Send(Text("last") + Close(1000));
    session.ExpectForgotten(1000);
  }
}

TEST(Silence, OfTheClientAfterTheServersEnd) {
  Session bytes("/bytes");
  bytes.server->End();
  bytes.ExpectForgotten(1000);

  Session enforced("/enforced");
  enforced.server->End();
  enforced.ExpectForgotten(1011);
}

TEST(Silence, OfBothAfterTheServersClose) {
  for (const char* path : {"/frames", "/enforced"}) {
    SCOPED_TRACE(path);
    Session session(path);
    session.server->Send(ServerFrame(kClose, "\x03\xe9"));
    session.ExpectForgotten(1001);
  }
}

TEST(Silence, OfAServerThatBrokeARule) {
  for (const char* path : {"/frames", "/enforced"}) {
    SCOPED_TRACE(path);
    Session session(path);
    session.server->Send(Text("masked"));
    session.ExpectForgotten(1011);
  }
}

// The two ends answer a relayed Close: the gateway does not answer for the server.
TEST(Silence, OfTheServerAfterTheClientsRelayedClose) {
  Session session("/frames");
  session.client.Send(Close(1000));
  EXPECT_TRUE(session.client.WaitUntilForgotten());
  EXPECT_TRUE(session.server->WaitUntilForgotten());
}

// If one end is gone, the same limits apply to the other.
TEST(Silence, OfTheServerWhenTheClientIsGone) {
  for (const char* path : {"/bytes", "/frames", "/enforced"}) {
    SCOPED_TRACE(path);
    Session session(path);
    session.client.End();
    EXPECT_TRUE(session.server->WaitUntilForgotten());
    EXPECT_TRUE(session.client.WaitUntilForgotten());
  }
}

}  // namespace
}  // namespace upgate::conformance::silence_test
