#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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
  // The connection could not be opened, or broke while sending; nothing else follows. The client
  // may be destroyed only through Loop::DeferDelete. By default ends the program.
  virtual void OnFailure(Client& client, std::string_view why);

 protected:
  ~ClientHandler() = default;
};

// A WebSocket client (RFC 6455): connects, performs the handshake, reads frames and answers pings.
// Ends the program on any violation of the framing by the server.
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
  // Gives the connection up: OnFailure follows at once, with this reason, unless it has ended
  // before.
  void Fail(std::string_view why);
  bool resumed() const { return channel_.resumed(); }
  // Whether the handshake succeeded and the connection has not ended.
  bool open() const { return state_ == State::kOpen; }
  // How the connection has ended, for people: the server's Close, or none.
  std::string ending() const;

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
  void TakeClose(std::string_view payload);
  void End(bool orderly);
  void WatchWritable(bool wanted);

  Loop& loop_;
  const Target& target_;
  ClientHandler& handler_;
  Channel channel_;
  State state_ = State::kConnecting;
  bool watches_writable_ = true;
  std::uint16_t close_code_ = 0;  // of the server's Close; 1005 if it had none, 0 if none came
  std::string head_;
  std::string control_;
  FrameReader reader_;
};

}  // namespace upgate::bench
