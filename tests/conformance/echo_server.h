#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

namespace upgate::conformance {

// The behaviour of one connection to a test server. Runs on the server's thread.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // Handles received bytes; returns the response.
  virtual std::string OnBytes(std::string_view bytes) = 0;
  // Whether the conversation is over: pending output is sent, then the connection is closed.
  virtual bool done() const { return false; }
};

// A TCP server on 127.0.0.1, at a port chosen by the kernel, on its own thread until it is
// destroyed. Each connection gets a conversation; a FIN of the peer is answered with a FIN.
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
  void Watch(int operation, int fd, std::uint32_t events) const;
  void AcceptInto(std::unordered_map<int, Connection>& connections);
  // False if the connection is over.
  bool OnEvents(Connection& connection, std::uint32_t events) const;

  Make make_;
  int listener_ = -1;
  int epoll_ = -1;
  int stop_[2] = {-1, -1};  // a pipe: closing its write end stops the thread
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Echoes every byte.
std::unique_ptr<Conversation> EchoBytes();

// A strict WebSocket server: echoes messages, answers pings and the Close, and closes with the code
// of the violated rule.
std::unique_ptr<Conversation> EchoMessages();

// The same, but any violation of the protocol ends with 4999: nothing invalid may reach it.
std::unique_ptr<Conversation> EchoCleanMessages();

// The same, with permessage-deflate: it accepts no more takeover than offered, and a small window
// for incoming messages where possible. Compresses everything it sends.
std::unique_ptr<Conversation> EchoCompressedMessages();

// The Sec-WebSocket-Accept for the key in a request head.
std::string AcceptFor(std::string_view head);

}  // namespace upgate::conformance
