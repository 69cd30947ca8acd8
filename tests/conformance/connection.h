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
  kOpen,    // not yet ended at the deadline
  kEnd,     // a FIN, and over TLS a close_notify before it
  kBroken,  // a reset, or over TLS a FIN without close_notify
};

enum class Transport {
  kPlain,
  kTls,
  kShortTls,  // TLS 1.2, whose resumed handshake costs a tenth: for thousands of connections
};

// A connection between the suite and the gateway, with or without TLS, with TCP_NODELAY. It reads
// while it writes, so that it cannot deadlock. Every wait has a timeout; a failure to connect
// throws.
class Connection {
 public:
  // A client of the gateway.
  Connection(std::uint16_t port, Transport transport);
  // The same, without TLS, of a unix socket: costs the kernel much less than a TCP connection.
  explicit Connection(const std::string& unix_socket);
  // A server behind it: an accepted socket.
  explicit Connection(int accepted);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends with as few writes as the kernel allows. Drops the bytes if the gateway has closed.
  void Send(std::string_view bytes);
  // Waits until the gateway, which runs in this process, has read everything sent, so that what is
  // sent next arrives in another read.
  void WaitUntilRead();
  // Waits until the gateway, which runs in this process, has closed its TCP socket.
  bool WaitUntilForgotten();

  // Reads until `count` bytes or the end have arrived; false on timeout.
  bool Await(std::size_t count);
  // Removes a response head from received(); empty if none comes.
  std::string ReadHead();
  Ending ReadToEnd();
  // Sends a FIN after everything sent.
  void End();

  const std::string& received() const { return received_; }
  std::string TakeReceived() { return std::exchange(received_, {}); }

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  void StartTls(Transport transport);
  // False on timeout. `events`: what poll() waits for.
  bool Poll(short events, Deadline deadline) const;
  // Reads what is available; false if there was nothing.
  bool ReadSome();
  // Writes what the kernel accepts; 0 if it has no room.
  std::size_t WriteSome(std::string_view bytes);
  // The gateway's end of this connection, or -1.
  int PeerDescriptor();
  bool IsPeer(int fd) const;

  // How many sent bytes the gateway has not read.
  int Unread();
  // Records the ports of both ends, and sets TCP_NODELAY.
  void Prepare();
  void DisableWaits();

  int fd_ = -1;
  bool unix_ = false;
  int port_ = 0;
  int own_port_ = 0;
  int peer_ = -1;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
  std::string received_;
  Ending ending_ = Ending::kOpen;
  bool gone_ = false;  // it accepts no more bytes
};

// The listening socket of a server that a test plays: 127.0.0.1, at a port chosen by the kernel.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }
  // Accepts the gateway's next connection; throws if none comes.
  std::unique_ptr<Connection> Accept();
  // Whether a connection is waiting to be accepted.
  bool waiting() const;

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace upgate::conformance
