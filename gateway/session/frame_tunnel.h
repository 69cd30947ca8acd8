#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/session/context.h"
#include "gateway/session/ending.h"
#include "gateway/session/flow_limit.h"
#include "gateway/session/progress.h"
#include "gateway/session/queue_watch.h"
#include "gateway/session/read_gate.h"
#include "gateway/session/session.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/frame_walker.h"

namespace upgate::session {

// A session between a WebSocket client and a WebSocket server that passes frames on unchanged, with
// mask and extensions. It reads frame headers only, for counting and for the size limit, and the
// server's Close, whose code it corrects where clients would take it for a fault. Pings and
// closing handshakes are those of the peers. The gateway adds frames of its own only between two
// frames: a ping to a client that is silent for long, and a Close when it ends the session itself.
// The client's Pong to such a ping is not passed on, because some servers do not accept a Pong that
// they did not ask for.
class FrameTunnel final : public Session, private io::Timer::Owner, private FlowLimit::Owner {
 public:
  // `server_early` is what the server sent after its 101. Everything except the streams is borrowed
  // and outlives the session.
  FrameTunnel(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
              std::unique_ptr<io::ByteStream> server, std::string server_early,
              stats::RouteStats& route_stats, stats::ServerStats& server_stats,
              Session::Owner& owner);

  void Start(std::string client_early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abort() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return *ending_; }
  const Totals& totals() const override { return totals_; }
  Vitals vitals() const override {
    return {last_active_, client_.queued() + server_.queued(), ping_clock_.rtt_us()};
  }

 private:
  struct OwnClose {
    std::uint16_t code;
    std::string reason;
    bool last_word;  // our FIN follows without waiting for the answer
  };

  struct Rest {
    explicit Rest(io::MemoryLedger& ledger) : charge(ledger) {}
    std::string bytes;
    io::MemoryCharge charge;
  };

  // One peer, and the direction from it.
  struct Peer final : io::StreamHandler {
    Peer(FrameTunnel& t, Closer w, std::unique_ptr<io::ByteStream> s, ws::Role role,
         std::uint64_t max_message)
        : tunnel(t), stream(std::move(s)), walker(role, max_message), who(w) {}
    void OnBytes(MutableBytes data) override { tunnel.OnBytes(*this, data); }
    void OnEnd() override { tunnel.OnEnd(*this); }
    // A truncation of a server's TLS stream is harmless: frames have a length, and a Close is the
    // last of them.
    bool OnTruncated() override { return truncated = who == Closer::kServer; }
    void OnError(const Error& error) override { tunnel.OnError(*this, error); }
    void OnWritable() override { tunnel.OnWritable(*this); }
    void OnFlushed() override { tunnel.OnFlushed(*this); }

    bool done() const { return gone || (ended && flushed); }
    std::size_t queued() const { return stream ? stream->queued() : 0; }

    FrameTunnel& tunnel;
    std::unique_ptr<io::ByteStream> stream;  // nullptr once the connection has ended
    ws::FrameWalker walker;
    ReadGate gate;
    Progress progress;                // since it was last checked
    std::unique_ptr<FlowLimit> flow;  // nullptr: it may send as fast as it can
    std::unique_ptr<Rest> rest;       // that may not pass yet; nullptr: none
    // A Close of ours to this peer, which waits for the end of the frame being passed on to it.
    std::unique_ptr<OwnClose> own_close;
    std::uint32_t discard_left = kMaxDiscard;  // bytes, while deaf
    Closer who;
    bool muted = false;      // nothing more is sent to it
    bool deaf = false;       // everything that it sends is dropped
    bool ended = false;      // its FIN was received
    bool truncated = false;  // it ended without close_notify
    bool flushed = false;    // our FIN was sent
    bool gone = false;       // the connection broke
  };

  Peer& Other(const Peer& peer) { return &peer == &client_ ? server_ : client_; }
  void OnBytes(Peer& from, Bytes data);
  void Receive(Peer& from, Bytes data);
  void ReceiveLimited(Peer& from, Bytes data);
  void Pass(Peer& from, Bytes data);
  // Of every read. Called once, but too large for the compiler to inline by itself.
  [[gnu::always_inline]] void PassOn(Peer& from, Bytes kept, Bytes data);
  void PassClose(Bytes kept, Bytes data);
  void Discard(Peer& from, std::size_t bytes);
  void OnEnd(Peer& from);
  void OnError(Peer& from, const Error& error);
  void OnWritable(Peer& drained);
  void OnFlushed(Peer& flushed);
  void OnTimer(io::Timer& timer) override;

  void Count(const Peer& from, const ws::FrameTally& tally);
  // False if the peer must wait, or the session is closing.
  bool MayGoOnSending(Peer& from);
  void OnFlowAllowed(FlowLimit& flow) override;
  // True if the client takes nothing of what waits for it.
  bool IsClientStuck(io::Instant now);
  void NoteClose(Peer& from);
  void Fail(Peer& from, const ws::ProtocolError& error);
  // Sends a Close of ours to `to` after the frame that is being passed on to it, and sends it
  // nothing more.
  void CloseOne(Peer& to, OwnClose close);
  void SendClose(Peer& to);
  void WriteClose(Peer& to);
  void CloseBoth(std::uint16_t code, std::string_view reason, std::string_view why);
  void ShutDown(Peer& peer);
  void Release(Peer& peer);
  void Ended(std::uint16_t code, Closer closer, std::string_view why);
  void BeginClosing();
  void AbortSoon();
  void AwaitEnds();
  void ArmLastWait(io::Millis patience);
  void MarkProgress();
  bool MayGoOn() const;
  void Watch();
  void SendPing();
  void FinishIfDone();
  void DetachStreams();
  void Finish();

  Context& context_;
  stats::RouteStats& route_stats_;
  stats::ServerStats& server_stats_;
  Peer client_;
  Peer server_;
  Totals totals_;
  io::Instant client_heard_{};
  io::Instant last_active_{};  // last frame passed on, in either direction
  bool ping_unanswered_ = false;
  bool closing_ = false;    // the timer bounds the closing handshake
  bool last_wait_ = false;  // and everything is sent; only the peers' FINs are awaited
  PingClock ping_clock_;    // of our pings to the client
  io::Timer timer_;
  std::string server_early_;
  std::unique_ptr<QueueWatch> queue_watch_;  // of the client; nullptr: no limit
  std::unique_ptr<Ending> ending_;
};

}  // namespace upgate::session
