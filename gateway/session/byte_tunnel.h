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

// A session between a WebSocket client and a tcp, tls or unix server. The payload of the client's
// data frames is written to the server; each read from the server becomes one message.
//
// How it ends:
//
// - the server sends FIN: Close 1000 to the client, after all that the server sent
// - the client sends a Close: FIN to the server; what the server still sends within close_timeout
//   is delivered before the Close is answered
// - the server's connection breaks: Close 1011
// - the client is lost: FIN to the server, whose connection ends after close_timeout at the latest;
//   earlier if the server keeps sending after it has received everything
//
// Each connection is closed as soon as it has ended, independently of the other.
class ByteTunnel final : public Session,
                         private Endpoint::Owner,
                         private io::StreamHandler,
                         private io::Timer::Owner,
                         private FlowLimit::Owner {
 public:
  // `encoding` must not be kAuto. `compression` as for an Endpoint. Everything except the streams
  // and the compression is borrowed and outlives the session.
  ByteTunnel(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
             std::unique_ptr<Compression> compression, std::unique_ptr<io::ByteStream> server,
             config::Encoding encoding, stats::RouteStats& route_stats,
             stats::ServerStats& server_stats, Session::Owner& owner);

  void Start(std::string early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abort() override;
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
    kOpen,      // bytes in both directions
    kEnded,     // its FIN was received; it still gets what the client sends
    kShutting,  // our FIN is queued or sent; it may still send
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
  void OnWritable() override;
  void OnFlushed() override;

  void OnTimer(io::Timer& timer) override;

  void LimitFlow();
  void OnFlowAllowed(FlowLimit& flow) override;
  bool JoinLast(const ws::FramePart& part, Bytes bytes);
  void ToServer();
  void StopReadingServer();
  void Discard(std::size_t bytes);
  void AbortSoon();
  void ShutDownServer();
  void ArmCloseTimer();
  void ServerDone();
  void FinishIfDone();

  // Used by every read and write.
  Context& context_;
  std::unique_ptr<io::ByteStream> server_;  // nullptr when done
  stats::ServerStats& server_stats_;
  Endpoint client_;
  std::unique_ptr<FlowLimit> flow_;  // of the server; nullptr: it may send as fast as it can
  ReadGate server_gate_;
  std::uint32_t discard_left_ = kMaxDiscard;
  ServerState server_state_ = ServerState::kOpen;
  bool server_ended_ = false;      // its FIN was received
  bool server_truncated_ = false;  // it ended without close_notify
  bool server_flushed_ = false;    // our FIN was sent
  bool client_done_ = false;
  bool answer_close_ = false;  // the client's Close is answered after the server's last bytes
  ws::FrameUnpacker unpacker_;
  ws::FramePacker packer_;
  ws::Opcode opcode_;  // of the frames to the client
  // Rarely used.
  io::Timer close_timer_;
  Progress progress_;  // of the server, since close_timer_ was armed
};

}  // namespace upgate::session
