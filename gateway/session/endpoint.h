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
#include "gateway/session/progress.h"
#include "gateway/session/read_gate.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::session {

// How a peer comes to its end.
enum class PeerEnd : std::uint8_t {
  kClosed,    // its Close is here and waits for ours
  kAnswered,  // it has answered our Close
  kFault,     // it broke a rule, and was told so
  kLost,      // without a Close, or without an answer to ours in time
};

// The gateway's WebSocket endpoint towards one peer (RFC 6455), a client or, in the role of a
// client, a server: decodes frames, answers pings, keeps the connection alive, does the closing
// handshake and the bounded wait after it. Data frames go to the owner piece by piece, inflated
// where they came compressed (RFC 7692).
//
// A read is used up as far as the owner has room (PauseReading) and the share of the loop's turn
// lasts (io::Loop::share); the rest is kept, and continued in order among the loop's leftovers. A
// few bytes can stand for much work: many small messages, or a large one that was compressed. What
// is sent to the peer while a read is used up leaves in one write, in order.
//
// Order of events: OnPart … OnReadDone any number of times, then OnPeerClosing once, then
// OnPeerDone once. Owned by a session, on its loop's thread.
class Endpoint final : private io::StreamHandler, private io::Timer::Owner {
 public:
  class Owner {
   public:
    // A piece of a data frame; its payload is writable, and gone after the OnReadDone that follows.
    virtual void OnPart(const ws::FramePart& part) = 0;
    // The read that brought the last parts is used up.
    virtual void OnReadDone() = 0;
    // Nothing more comes from the peer. With kClosed the owner delivers what is left to deliver and
    // then calls Close, which answers it; otherwise the endpoint ends the connection by itself.
    // `reason`: of the peer's Close, or what is wrong.
    virtual void OnPeerClosing(PeerEnd end, std::string_view reason) = 0;
    // What was queued for the peer is down to the low mark.
    virtual void OnPeerDrained() = 0;
    // The connection is over and may be destroyed.
    virtual void OnPeerDone() = 0;
    // When the session's other end last was active, where the endpoint does not see all of that.
    virtual io::Instant OtherEndActive() const { return {}; }

   protected:
    ~Owner() = default;
  };

  // `role` is ours; a client masks what it sends. `compression` is nullptr where none was agreed
  // on. `stats.in` is what comes from the peer. Everything but the stream and the compression is
  // borrowed and outlives the endpoint.
  Endpoint(ws::Role role, Context& context, std::unique_ptr<io::ByteStream> stream,
           std::unique_ptr<Compression> compression, const config::RouteLimits& limits,
           stats::BothWays& stats, Owner& owner);

  // Begins to read.
  void Start();
  // What came behind the handshake, once it has begun.
  void ReadEarly(std::string early);

  // Sends one message of one frame, compressed where that was agreed on and pays. The payload may
  // stand anywhere.
  void Send(ws::Opcode opcode, Bytes payload);
  // To a client: the same for a frame that is encoded already, header and all; it is sent as it is
  // where nothing is compressed.
  void SendFrame(ws::Opcode opcode, Bytes frame);
  // To a client: the same for several messages at once, in as few writes as can be.
  void SendAll(std::span<const plugin::Message> messages);
  void SendBatch(const plugin::Batch& batch);
  // Sends a piece of a message as a frame of its own, uncompressed, with the Flush that must follow
  // in the same callback; until then its payload stays where it is, and may be changed.
  // `message_size`: of the whole message, looked at with its last piece.
  void SendPart(const ws::FramePart& part, std::uint64_t message_size);
  void Flush();

  // Starts the closing handshake, or answers the peer's. Only the first call counts. `why` is for
  // the log.
  void Close(std::uint16_t code, std::string_view reason, Closer closer, std::string_view why);
  // Ends the connection with a Close for something the peer did wrong; OnPeerClosing(kFault)
  // follows before this returns.
  void Fail(const ws::ProtocolError& error);

  // Lets go of the connection at once, without a closing handshake; no callbacks follow.
  void Abandon(std::string_view why);

  // The session's other end has done something that is not sent to this one.
  void NoteActivity() { last_active_ = context_.loop.timers.Now(); }
  // When this peer was active, or something was sent to it; the answers to our own pings do not
  // count.
  io::Instant last_active() const { return last_active_; }

  bool sending() const { return state_ == State::kOpen || state_ == State::kPeerClosed; }
  // Whether the peer's Close waits for ours.
  bool peer_closed() const { return state_ == State::kPeerClosed; }
  bool compresses() const { return compression_ != nullptr; }
  bool congested() const { return stream_ && stream_->congested(); }
  std::size_t queued() const { return stream_ ? stream_->queued() : 0; }
  // Of our last ping that was answered; 0: none.
  std::uint32_t rtt_us() const { return ping_clock_.rtt_us(); }
  void PauseReading(PauseReason reason) {
    if (reading()) gate_.Pause(*stream_, reason);
  }
  // Never calls the owner: what was kept back comes later.
  void ResumeReading(PauseReason reason);
  // Stops reading for want of memory, or goes on; see io::MemoryHolder.
  void HoldBack(bool wait) {
    wait ? PauseReading(PauseReason::kMemory) : ResumeReading(PauseReason::kMemory);
  }
  std::size_t held_bytes() const {
    return (stream_ ? stream_->held_bytes() : 0) + (rest_ ? rest_->charge.bytes() : 0);
  }

  const Ending& ending() const { return *ending_; }
  // What the peer sent in its Close; 1005 also before that.
  std::uint16_t peer_code() const { return peer_code_; }

  const Totals& totals() const { return totals_; }

 private:
  enum class State : std::uint8_t {
    kOpen,        // data both ways
    kCloseSent,   // our Close is out, theirs is awaited; their data still counts
    kPeerClosed,  // their Close is here, ours is not out yet; ours may still be preceded by data
    kLingering,   // nothing more to say; waits for the peer's FIN
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
  void OnDrained() override;
  void OnFlushed() override;
  void OnTimer(io::Timer& timer) override;

  // What has arrived and waits. While there is one, the gate has kRest.
  struct Rest final : io::Later {
    explicit Rest(Endpoint& e) : endpoint(e), charge(e.context_.loop.memory) {}
    ~Rest() {
      if (broken) --endpoint.context_.finishing;
    }
    void OnLater() override { endpoint.ReadRest(); }

    Endpoint& endpoint;
    std::string bytes;
    std::size_t start = 0;  // what of them is used up
    // A compressed part of which not everything is inflated: its payload is next in `bytes`,
    // unmasked, and frames come behind it.
    std::optional<ws::FramePart> open;
    // Nothing comes behind it: the connection is broken, and why.
    std::optional<std::string> broken;
    io::MemoryCharge charge;
  };

  bool reading() const { return state_ == State::kOpen || state_ == State::kCloseSent; }
  // Whether what has arrived has to wait for somebody.
  bool held() const { return !gate_.open_but_for(PauseReason::kRest); }
  // Whether it goes on with what has arrived, and now.
  bool may_decode() const { return reading() && !held() && context_.work < context_.loop.share; }
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
  void CountOut(ws::Opcode opcode, std::size_t bytes);
  void CountOutMessage(ws::Opcode opcode, std::uint64_t size);
  bool Gather(std::span<const Bytes> slices);
  void FlushGathered();
  void SendClose(std::uint16_t code, std::string_view reason);
  void SendPing();
  void SendControl(ws::Opcode opcode, Bytes payload);
  std::optional<ws::MaskKey> NextMask();
  void Linger();
  Closer peer() const { return role_ == ws::Role::kServer ? Closer::kClient : Closer::kServer; }
  void ArmCloseTimer();
  void Lost(Closer closer, std::string_view why);
  void Done();
  void End(std::uint16_t code, Closer closer, std::string_view why);
  void Watch(io::Instant now);

  // Touched by every read and write.
  Owner& owner_;
  std::unique_ptr<io::ByteStream> stream_;  // nullptr when done, unless something is still queued
  Context& context_;
  std::unique_ptr<Compression> compression_;  // nullptr where none was agreed on
  stats::BothWays& stats_;
  io::Instant last_heard_{};   // any bytes from the peer
  io::Instant last_active_{};  // any frame but the answer to a ping of ours, either way
  ws::FrameDecoder decoder_;
  std::uint64_t message_bytes_ = 0;
  Totals totals_;
  ReadGate gate_;
  const ws::Role role_;
  State state_ = State::kOpen;
  bool ping_unanswered_ = false;
  bool peer_ended_ = false;  // its FIN was seen
  bool truncated_ = false;   // without close_notify
  bool flushed_ = false;     // our FIN and all before it are with the system
  std::uint16_t peer_code_ = ws::close_code::kNoStatus;
  // Touched now and then.
  const config::RouteLimits& limits_;
  io::Timer timer_;
  PingClock ping_clock_;
  Progress progress_;  // since the last look at whether the peer takes what is sent to it
  std::unique_ptr<ControlPayload> control_;  // a control frame that came in pieces
  std::unique_ptr<Rest> rest_;
  std::unique_ptr<Ending> ending_;
};

}  // namespace upgate::session
