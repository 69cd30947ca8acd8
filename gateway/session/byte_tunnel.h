#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/session/context.h"
#include "gateway/session/endpoint.h"
#include "gateway/session/read_gate.h"
#include "gateway/session/session.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/tunnel_encoding.h"

namespace upgate::session {

// A session between WebSocket frames and the bytes of a tcp, tls or unix server: the payload of the
// client's data frames goes to the server, what the server sends comes back as one message for each
// read.
//
// Ends: the server's end -> Close 1000 behind all that it sent; the client's Close -> the server's
// write side is shut down, and what it still sends within close_timeout goes out before the
// answering Close; a broken server -> 1011; a lost client -> the server is shut down and let go
// after close_timeout at the latest, or as soon as it has what the client sent when it floods
// nobody. Either connection is closed as soon as it has ended, however long the other takes.
class ByteTunnel final : public Session,
                         private Endpoint::Owner,
                         private io::StreamHandler,
                         private io::Timer::Owner {
 public:
  // `encoding` is not kAuto; `compression` as for an Endpoint. Everything but the streams is
  // borrowed and outlives the session.
  ByteTunnel(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
             std::unique_ptr<Compression> compression, std::unique_ptr<io::ByteStream> server,
             config::Encoding encoding, stats::RouteStats& route_stats,
             stats::ServerStats& server_stats, Session::Owner& owner);

  void Start(std::string early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abandon() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return client_.ending(); }
  const Totals& totals() const override { return client_.totals(); }
  Vitals vitals() const override {
    return {client_.last_active(), client_.queued() + (server_ ? server_->queued() : 0),
            client_.rtt_us()};
  }

 private:
  enum class ServerState : std::uint8_t {
    kOpen,      // bytes both ways
    kEnded,     // it will send nothing more; it still takes what the client sends
    kShutting,  // we will send nothing more; it may still send
    kDone,
  };

  // Endpoint::Owner
  void OnPart(const ws::FramePart& part) override;
  void OnReadDone() override;
  void OnPeerClosing(PeerEnd end, std::string_view reason) override;
  void OnPeerDrained() override;
  void OnPeerDone() override;

  // The server's stream
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  bool OnTruncated() override { return server_truncated_ = true; }
  void OnError(const Error& error) override;
  void OnDrained() override;
  void OnFlushed() override;

  void OnTimer(io::Timer& timer) override;

  bool JoinLast(const ws::FramePart& part, Bytes bytes);
  void ToServer();
  void StopReadingServer();
  void Discard(std::size_t bytes);
  void BreakOffSoon();
  void ShutDownServer();
  void ArmCloseTimer();
  void ServerDone();
  void FinishIfDone();

  // Touched by every read and write.
  Context& context_;
  std::unique_ptr<io::ByteStream> server_;  // nullptr when done
  stats::ServerStats& server_stats_;
  Endpoint client_;
  ReadGate server_gate_;
  std::uint32_t discard_left_ = kMaxDiscard;
  ServerState server_state_ = ServerState::kOpen;
  bool server_ended_ = false;      // its FIN was seen
  bool server_truncated_ = false;  // without close_notify
  bool server_flushed_ = false;    // our FIN is out
  bool client_done_ = false;
  bool answer_close_ = false;  // the client's Close waits for the server's last bytes
  ws::FrameUnpacker unpacker_;
  ws::FramePacker packer_;
  ws::Opcode opcode_;  // of the frames to the client
  // Touched now and then.
  io::Timer close_timer_;
  Progress progress_;  // of the server, since close_timer_ was armed
};

}  // namespace upgate::session
