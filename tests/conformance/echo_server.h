#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace upgate::conformance {

// What one connection to a test's server does. On the server's thread.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // Bytes came: what to send back.
  virtual std::string OnBytes(std::string_view bytes) = 0;
  // Whether everything is said: what is on its way is sent, then the connection's own end.
  virtual bool done() const { return false; }
};

// A TCP server on 127.0.0.1, at a port that the system chooses, on a thread of its own until it is
// destroyed. Each connection gets a conversation; the end of the peer is answered with our own.
class TestServer {
 public:
  using Make = std::function<std::unique_ptr<Conversation>()>;

  explicit TestServer(Make make);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  struct Connection;
  void Serve();

  Make make_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};  // a pipe: closing its end stops the thread
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Sends back every byte.
std::unique_ptr<Conversation> EchoBytes();

// A WebSocket server that keeps to the letter: echoes messages, answers pings and the Close, and
// ends with the code of the rule that is broken.
std::unique_ptr<Conversation> EchoMessages();

// The same, but nothing that breaks a rule may come to it: it ends with 4999 then.
std::unique_ptr<Conversation> EchoCleanMessages();

// That again, and it agrees on permessage-deflate, with no more takeover than was offered and a
// small window for what comes to it, where it may say so. All that it sends is compressed.
std::unique_ptr<Conversation> EchoCompressedMessages();

// The Sec-WebSocket-Accept that belongs to a request head's key.
std::string AcceptFor(std::string_view head);

}  // namespace upgate::conformance
