#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/load/channel.h"
#include "tests/bench/load/tls.h"
#include "tests/bench/wire/frame_reader.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// The server that clients connect to.
struct Target {
  std::uint16_t port = 0;
  std::string path = "/";
  std::string subprotocol;   // empty: none is offered
  TlsClient* tls = nullptr;  // null: no TLS
};

class Client;

// Events of a client. In OnEnd a client may be destroyed only through Loop::DeferDelete.
class ClientHandler {
 public:
  virtual void OnOpen(Client& client) = 0;
  // Payload of data messages, in order and in pieces.
  virtual void OnPayload(Client& client, Bytes piece) = 0;
  // A data message is complete (FIN).
  virtual void OnMessage(Client& /*client*/) {}
  // All events of one read have been reported.
  virtual void OnReadDone(Client& /*client*/) {}
  // The socket is writable again after a Send that did not accept everything.
  virtual void OnWritable(Client& /*client*/) {}
  // The connection has ended; `orderly`: with a Close and then the end of the stream.
  virtual void OnEnd(Client& client, bool orderly) = 0;

 protected:
  ~ClientHandler() = default;
};

// A WebSocket client (RFC 6455): connects, performs the handshake, reads frames and answers pings.
// Ends the program on any protocol violation by the server.
class Client final : public Watcher {
 public:
  // `source`: the local address to use, or empty.
  Client(Loop& loop, const Target& target, const std::string& source, ClientHandler& handler);

  void OnEvents(std::uint32_t events) override;

  // Sends the bytes of complete frames; returns how many were accepted. If that is less than given,
  // OnWritable follows.
  std::size_t Send(Bytes bytes);
  // Requests OnWritable once the socket is writable.
  void WantWritable() { WatchWritable(true); }
  // Sends Close 1000; the server's Close and the end of the connection follow.
  void SendClose();
  bool resumed() const { return channel_.resumed(); }

  // FrameReader visitor.
  void OnFrame(const FrameHeader& frame);
  void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at);
  void OnFrameEnd(const FrameHeader& frame);

 private:
  enum class State : std::uint8_t { kConnecting, kTls, kUpgrading, kOpen, kEnded };

  void FinishConnect();
  void ShakeHands();
  void SendRequest();
  void Read();
  void TakeBytes(MutableBytes bytes);
  // Returns the bytes after the response head; empty while the head is incomplete.
  MutableBytes TakeAnswer(MutableBytes bytes);
  void SendControl(std::uint8_t opcode, std::string_view payload);
  void End(bool orderly);
  void WatchWritable(bool wanted);

  Loop& loop_;
  const Target& target_;
  ClientHandler& handler_;
  Channel channel_;
  State state_ = State::kConnecting;
  bool watches_writable_ = true;
  bool got_close_ = false;
  std::string head_;
  std::string control_;
  FrameReader reader_;
};

}  // namespace upgate::bench
