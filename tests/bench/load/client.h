#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/load/channel.h"
#include "tests/bench/load/tls.h"
#include "tests/bench/wire/frame_reader.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Where clients connect to.
struct Target {
  std::uint16_t port = 0;
  std::string path = "/";
  std::string subprotocol;   // empty: none is offered
  TlsClient* tls = nullptr;  // null: plain
};

class Client;

// What a client tells. A client may be destroyed in OnEnd only by way of Loop::DeferDelete.
class ClientHandler {
 public:
  virtual void OnOpen(Client& client) = 0;
  // Payload of data messages, in order and in pieces.
  virtual void OnPayload(Client& client, Bytes piece) = 0;
  // A data message (FIN) is complete.
  virtual void OnMessage(Client& /*client*/) {}
  // All that one read brought has been told.
  virtual void OnReadDone(Client& /*client*/) {}
  // There is room again after a Send that did not take everything.
  virtual void OnWritable(Client& /*client*/) {}
  // Close and then the end of the connection; `orderly`: with both.
  virtual void OnEnd(Client& client, bool orderly) = 0;

 protected:
  ~ClientHandler() = default;
};

// One WebSocket client (RFC 6455): connects, shakes hands, reads frames. Answers pings. Whatever is
// wrong with what arrives ends the program.
class Client final : public Watcher {
 public:
  // `source`: an address to come from, or empty.
  Client(Loop& loop, const Target& target, const std::string& source, ClientHandler& handler);

  void OnEvents(std::uint32_t events) override;

  // Sends bytes of whole frames, made by the caller; returns how many were taken. After fewer than
  // asked for there will be OnWritable.
  std::size_t Send(Bytes bytes);
  // Asks for OnWritable as soon as there is room.
  void WantWritable() { WatchWritable(true); }
  // Sends a Close with 1000; then the server's Close and the end of the connection come.
  void SendClose();
  bool resumed() const { return channel_.resumed(); }

  // Of FrameReader.
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
  // What follows the answer's head; empty as long as it is incomplete.
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
