#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/bytes.h"
#include "gateway/config/config.h"
#include "gateway/io/later.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/plugin/message.h"
#include "gateway/session/compression.h"
#include "gateway/session/context.h"
#include "gateway/session/ending.h"
#include "gateway/session/flow_limit.h"
#include "gateway/session/progress.h"
#include "gateway/session/queue_watch.h"
#include "gateway/session/read_gate.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::session {

// How a peer ends.
enum class PeerEnd : std::uint8_t {
  kClosed,    // it sent a Close, which is not answered yet
  kAnswered,  // it answered our Close
  kFault,     // it violated the protocol or a limit, and was sent a Close
  kLost,      // its connection ended without a Close, or it did not answer ours in time
};

// The gateway's WebSocket endpoint towards one peer (RFC 6455), a client or, in the role of a
// client, a server: decodes frames, answers pings, checks that the peer is alive, and performs the
// closing handshake with a bounded wait after it. Data frames go to the owner piece by piece,
// inflated if they were compressed (RFC 7692).
//
// Input is processed as long as the owner accepts it (PauseReading) and the session's share of the
// loop's turn is not used up (io::Loop::share), because few bytes can cause much work: many small
// messages, or a large compressed one. The rest is kept and processed in order, in later turns.
// Whatever is sent to the peer while its input is processed leaves in one write, in order.
//
// Order of callbacks: OnPart … OnReadDone any number of times, then OnPeerClosing once, then
// OnPeerDone once. Owned by a session, on its loop's thread.
class Endpoint final : private io::StreamHandler, private io::Timer::Owner {
 public:
  class Owner {
   public:
    // A piece of a data frame. Its payload may be changed in place, and is valid until the
    // OnReadDone that follows.
    virtual void OnPart(const ws::FramePart& part) = 0;
    // All parts of the read have been delivered.
    virtual void OnReadDone() = 0;
    // No more input follows. With kClosed the owner sends what is left to send and then calls
    // Close, which answers the peer's; otherwise the endpoint ends the connection itself. `reason`
    // is that of the peer's Close, or the error.
    virtual void OnPeerClosing(PeerEnd end, std::string_view reason) = 0;
    // The queue towards the peer is down to the low watermark.
    virtual void OnPeerDrained() = 0;
    // The connection has ended. The endpoint may be destroyed, but not inside this call.
    virtual void OnPeerDone() = 0;
    // When the session's other peer was last active, if the endpoint is not told through
    // NoteActivity.
    virtual io::Instant OtherEndActive() const { return {}; }

   protected:
    ~Owner() = default;
  };

  // `role` is ours; a client masks what it sends. `compression` is nullptr if none was negotiated.
  // `stats.in` counts what comes from the peer. Everything except the stream and the compression is
  // borrowed and outlives the endpoint.
  Endpoint(ws::Role role, Context& context, std::unique_ptr<io::ByteStream> stream,
           std::unique_ptr<Compression> compression, const config::RouteLimits& limits,
           stats::BothWays& stats, Owner& owner);

  // Begins to read.
  void Start();
  // Processes input that arrived together with the handshake. To be called after Start.
  void ReadEarly(std::string early);

  // Sends one message as one frame, compressed if that was negotiated and the message is large
  // enough. The payload is copied or sent before the call returns.
  void Send(ws::Opcode opcode, Bytes payload);
  // To a client: the same for an encoded frame (header and payload), which is sent as it is unless
  // it is to be compressed.
  void SendFrame(ws::Opcode opcode, Bytes frame);
  // To a client: the same for several messages, in as few writes as possible.
  void SendAll(std::span<const plugin::Message> messages);
  void SendBatch(const plugin::Batch& batch);
  // Sends a piece of a message as a frame of its own, uncompressed, with the Flush that must follow
  // in the same callback. Until then the payload must stay valid, and may be masked in place.
  // `message_size` is the size of the whole message; only that of the last piece is used.
  void SendPart(const ws::FramePart& part, std::uint64_t message_size);
  void Flush();

  // Starts the closing handshake, or answers the peer's. Only the first call has an effect. `why`
  // is for the log; `reason` is sent, truncated to 123 bytes.
  void Close(std::uint16_t code, std::string_view reason, Closer closer, std::string_view why);
  // Closes the connection because the peer violated the protocol or a limit. OnPeerClosing(kFault)
  // is called before this returns.
  void Fail(const ws::ProtocolError& error);

  // Aborts the connection without a closing handshake; no callbacks follow.
  void Abort(std::string_view why);

  // Notes activity of the session's other peer that is not sent to this one.
  void NoteActivity() { last_active_ = context_.loop.timers.Now(); }
  // When anything was last received from this peer or sent to it, except the answers to our own
  // pings.
  io::Instant last_active() const { return last_active_; }

  bool sending() const { return state_ == State::kOpen || state_ == State::kPeerClosed; }
  // True if the peer's Close has not been answered yet.
  bool peer_closed() const { return state_ == State::kPeerClosed; }
  bool compresses() const { return compression_ != nullptr; }
  bool congested() const { return stream_ && stream_->congested(); }
  std::size_t queued() const { return stream_ ? stream_->queued() : 0; }
  // Round-trip time of our last answered ping, in microseconds; 0: none.
  std::uint32_t rtt_us() const { return ping_clock_.rtt_us(); }
  void PauseReading(PauseReason reason) {
    if (reading()) gate_.Pause(*stream_, reason);
  }
  // Never calls the owner from inside: input that was kept is processed later.
  void ResumeReading(PauseReason reason);
  // Pauses or resumes reading because of the memory limit; see io::MemoryHolder.
  void HoldBack(bool wait) {
    wait ? PauseReading(PauseReason::kMemory) : ResumeReading(PauseReason::kMemory);
  }
  std::size_t held_bytes() const {
    return (stream_ ? stream_->held_bytes() : 0) + (rest_ ? rest_->charge.bytes() : 0);
  }

  const Ending& ending() const { return *ending_; }
  // The code of the peer's Close; 1005 if it had none, or before a Close.
  std::uint16_t peer_code() const { return peer_code_; }

  const Totals& totals() const { return totals_; }

 private:
  enum class State : std::uint8_t {
    kOpen,        // data in both directions
    kCloseSent,   // our Close was sent, theirs is awaited; their data is still delivered
    kPeerClosed,  // their Close was received; we may send data before ours
    kLingering,   // all output is sent or queued; waits for the peer's FIN
    kDone,
  };
  struct ControlPayload {
    std::array<std::byte, ws::kMaxControlPayload> bytes;
    std::size_t size = 0;
  };

  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  bool OnTruncated() override;
  void OnError(const Error& error) override;
  void OnWritable() override;
  void OnFlushed() override;
  void OnTimer(io::Timer& timer) override;

  // Input that could not be processed yet. While it exists, the gate has the reason kRest.
  struct Rest final : io::Later {
    explicit Rest(Endpoint& e) : endpoint(e), charge(e.context_.loop.memory) {}
    ~Rest() {
      if (broken) --endpoint.context_.finishing;
    }
    void OnLater() override { endpoint.ReadRest(); }

    Endpoint& endpoint;
    std::string bytes;
    std::size_t start = 0;  // bytes that are consumed
    // A compressed part that is not fully inflated. Its payload, unmasked, comes first in `bytes`;
    // further frames follow it.
    std::optional<ws::FramePart> open;
    // Set if the connection broke after this input: why.
    std::optional<std::string> broken;
    io::MemoryCharge charge;
  };

  // Limits that a route may set for the peer; without them there is no such object.
  struct Bounds final : FlowLimit::Owner {
    explicit Bounds(Endpoint& e) : endpoint(e) {}
    void OnFlowAllowed(FlowLimit&) override { endpoint.ResumeReading(PauseReason::kRate); }

    Endpoint& endpoint;
    std::unique_ptr<FlowLimit> flow;        // nullptr: none
    std::optional<QueueWatch> queue_watch;  // nullopt: no limit
  };

  std::unique_ptr<Bounds> MakeBounds();
  std::size_t LimitedShare() const;
  void LimitFlow();
  bool reading() const { return state_ == State::kOpen || state_ == State::kCloseSent; }
  // True if input must wait for the owner or for another pause reason.
  bool held() const { return !gate_.open_but_for(PauseReason::kRest); }
  // True if input may be processed in this turn.
  bool may_decode() const { return reading() && !held() && context_.work < context_.share; }
  void BeginRead();
  void EndRead();
  [[gnu::always_inline]] bool Decode(MutableBytes& data, std::optional<ws::FramePart>& open);
  bool FailReading(const ws::ProtocolError& error);
  bool InflatePart(std::optional<ws::FramePart>& part);
  void Keep(Bytes data, const std::optional<ws::FramePart>& open, std::unique_ptr<Rest> rest);
  void ReadRest();
  void ContinueRest();
  bool SendCompressed(ws::Opcode opcode, Bytes payload);
  void OnControlPart(const ws::FramePart& part);
  void OnControlFrame(ws::Opcode opcode, Bytes payload);
  void OnClose(Bytes payload);
  void CountIn(const ws::FramePart& part);
  void Write(std::span<const Bytes> slices);
  void WriteLast(std::span<const Bytes> slices);
  void CountOut(ws::Opcode opcode, std::size_t bytes);
  void CountOutMessage(ws::Opcode opcode, std::uint64_t size);
  bool Gather(std::span<const Bytes> slices);
  void FlushGathered();
  // `last`: our FIN follows.
  void SendClose(std::uint16_t code, std::string_view reason, bool last);
  void SendPing();
  void SendControl(ws::Opcode opcode, Bytes payload, bool last = false);
  std::optional<ws::MaskKey> NextMask();
  // Whether our FIN follows our last frame at once.
  bool EndsFirst() const { return role_ == ws::Role::kServer || peer_ended_; }
  void Linger();
  Closer peer() const { return role_ == ws::Role::kServer ? Closer::kClient : Closer::kServer; }
  void ArmCloseTimer();
  void FailPeerLost(Closer closer, std::string_view why);
  void Done();
  void End(std::uint16_t code, Closer closer, std::string_view why);
  void Watch(io::Instant now);

  // Used by every read and write.
  Owner& owner_;
  std::unique_ptr<io::ByteStream> stream_;  // nullptr when done, unless data is still queued
  Context& context_;
  std::unique_ptr<Compression> compression_;  // nullptr: none was negotiated
  std::unique_ptr<Bounds> bounds_;            // nullptr: none
  stats::BothWays& stats_;
  io::Instant last_heard_{};   // any bytes from the peer
  io::Instant last_active_{};  // any frame, in either direction, except pongs to our pings
  ws::FrameDecoder decoder_;
  std::uint64_t message_bytes_ = 0;
  Totals totals_;
  ReadGate gate_;
  const ws::Role role_;
  State state_ = State::kOpen;
  bool ping_unanswered_ = false;
  bool peer_ended_ = false;  // its FIN was received
  bool truncated_ = false;   // it ended without close_notify
  bool flushed_ = false;     // the kernel has our FIN and everything before it
  std::uint16_t peer_code_ = ws::close_code::kNoStatus;
  // Rarely used.
  const config::RouteLimits& limits_;
  io::Timer timer_;
  PingClock ping_clock_;
  Progress progress_;                        // of the peer, since it was last checked
  std::unique_ptr<ControlPayload> control_;  // a control frame that is not complete yet
  std::unique_ptr<Rest> rest_;
  std::unique_ptr<Ending> ending_;
};

}  // namespace upgate::session
