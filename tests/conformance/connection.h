#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct ssl_st;

namespace upgate::conformance {

// How the gateway's side of a connection ended.
enum class Ending {
  kOpen,    // not yet, when time was up
  kEnd,     // in order: a FIN, and over TLS a close_notify before it
  kBroken,  // a reset, or over TLS a FIN alone
};

enum class Transport {
  kPlain,
  kTls,
  kShortTls,  // TLS 1.2, whose resumed handshake costs a tenth: for thousands of connections
};

// One connection between the suite and the gateway, plain or over TLS, without any delay between a
// write and its segment. While it writes it reads, so that nothing waits for anything. Every wait
// is bounded; what fails to connect throws.
class Connection {
 public:
  // As a client of the gateway.
  Connection(std::uint16_t port, Transport transport);
  // As the server behind it: a socket that was accepted.
  explicit Connection(int accepted);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One write, or as few as the system takes it in. Bytes for a gateway that is gone are dropped.
  void Send(std::string_view bytes);
  // Until the gateway, which is in this process, has read all that was sent: what is sent next
  // comes to it in another read.
  void WaitUntilRead();
  // Until the gateway, which is in this process, has closed its socket.
  bool WaitUntilForgotten();

  // Reads until `count` bytes are there, or the end. False when they never come.
  bool Await(std::size_t count);
  // A response head, taken out of received(); empty when none comes.
  std::string ReadHead();
  Ending ReadToEnd();
  // Our own end, behind all that was sent.
  void End();

  const std::string& received() const { return received_; }
  std::string TakeReceived() { return std::exchange(received_, {}); }

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  void StartTls(Transport transport);
  // False when time is up. `events`: what poll should wait for.
  bool Poll(short events, Deadline deadline) const;
  // What is there; false when it was nothing.
  bool ReadSome();
  // What the system takes; 0 when it has no room.
  std::size_t WriteSome(std::string_view bytes);
  // The gateway's end of this connection, or -1.
  int PeerDescriptor();
  bool IsPeer(int fd) const;

  // Ports of both ends, the gateway's and ours, and no delays.
  void Prepare();

  int fd_ = -1;
  int port_ = 0;
  int own_port_ = 0;
  int peer_ = -1;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
  std::string received_;
  Ending ending_ = Ending::kOpen;
  bool gone_ = false;  // it takes no more bytes
};

// Where the gateway finds the server that a test plays: 127.0.0.1, at a port that the system
// chooses.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }
  // The next connection of the gateway; throws when none comes.
  std::unique_ptr<Connection> Accept();
  // Whether a connection waits to be accepted.
  bool waiting() const;

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace upgate::conformance
