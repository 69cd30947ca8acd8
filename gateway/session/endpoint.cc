#include "gateway/session/endpoint.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace upgate::session {
namespace {

using ws::Opcode;
namespace code = ws::close_code;

// With less room than this in the buffer, in bytes, its content is delivered first.
constexpr std::size_t kLeastRoom = 1024;

}  // namespace

Endpoint::Endpoint(ws::Role role, Context& context, std::unique_ptr<io::ByteStream> stream,
                   std::unique_ptr<Compression> compression, const config::RouteLimits& limits,
                   stats::BothWays& stats, Owner& owner)
    : owner_(owner),
      stream_(std::move(stream)),
      context_(context),
      compression_(std::move(compression)),
      stats_(stats),
      decoder_(role, role == ws::Role::kServer ? limits.message_size : config::MostOfServer(limits),
               compression_ ? ws::Extensions::kDeflate : ws::Extensions::kNone),
      role_(role),
      limits_(limits),
      timer_(context.loop.timers, *this) {
  bounds_ = MakeBounds();
}

// A server is not one of those that the gateway protects itself from with queue_time.
std::unique_ptr<Endpoint::Bounds> Endpoint::MakeBounds() {
  const bool limited = limits_.messages.rate || limits_.bytes.rate;
  if (!limited && limits_.queue_time.count() == 0) return nullptr;
  auto bounds = std::make_unique<Bounds>(*this);
  bounds->flow = FlowLimit::For(peer(), limits_, context_.loop.timers, stats_.in, *bounds);
  if (role_ == ws::Role::kServer && limits_.queue_time.count() > 0)
    bounds->queue_watch.emplace(limits_.queue_time);
  return bounds->flow || bounds->queue_watch ? std::move(bounds) : nullptr;
}

void Endpoint::Start() {
  last_heard_ = last_active_ = context_.loop.timers.Now();
  stream_->SetHandler(this);
  stream_->SetReading(true);
  Watch(last_heard_);
}

void Endpoint::ReadEarly(std::string early) {
  if (!early.empty()) OnBytes(std::as_writable_bytes(std::span(early)));
}

// Stops when the session's share of the turn is used up or the owner pauses. `open` is then set if
// a compressed part is not fully inflated. Returns false after a protocol error, which has been
// handled. Inlined into both callers: the one for fresh reads is the hot path.
inline bool Endpoint::Decode(MutableBytes& data, std::optional<ws::FramePart>& open) {
  while (!open && may_decode()) {
    const auto part = decoder_.Next(data);
    if (!part) return FailReading(part.error());
    if (!*part) break;
    if (ws::IsControl((*part)->opcode)) {
      context_.work += io::kMessageWork;
      OnControlPart(**part);
    } else if ((*part)->compressed) {
      open = **part;
      if (!InflatePart(open)) return false;
    } else {
      CountIn(**part);
      owner_.OnPart(**part);
    }
  }
  return true;
}

void Endpoint::OnBytes(MutableBytes data) {
  BeginRead();
  std::optional<ws::FramePart> open;
  if (Decode(data, open)) {
    if (reading()) owner_.OnReadDone();
    if (reading() && (!data.empty() || open)) Keep(data, open, nullptr);
  }
  EndRead();
}

void Endpoint::ReadRest() {
  if (held() || !reading()) return;
  std::unique_ptr<Rest> rest = std::move(rest_);
  MutableBytes data = std::as_writable_bytes(std::span(rest->bytes)).subspan(rest->start);
  std::optional<ws::FramePart> open = std::exchange(rest->open, {});
  if (open) {
    open->payload = data.first(open->payload.size());
    data = data.subspan(open->payload.size());
  }
  BeginRead();
  if ((!open || InflatePart(open)) && Decode(data, open)) {
    if (reading()) owner_.OnReadDone();
    if (reading()) Keep(data, open, std::move(rest));
  }
  EndRead();
}

void Endpoint::BeginRead() {
  last_heard_ = context_.loop.timers.Now();
  ping_unanswered_ = false;
  context_.work = context_.inflated = 0;
  context_.share = bounds_ ? LimitedShare() : context_.loop.share;
  context_.reading = this;
}

void Endpoint::EndRead() {
  if (!context_.gathered.empty()) FlushGathered();
  context_.reading = nullptr;
  if (bounds_) [[unlikely]]
    LimitFlow();
}

std::size_t Endpoint::LimitedShare() const {
  const std::size_t share = context_.loop.share;
  return bounds_->flow ? bounds_->flow->WorkFor(share) : share;
}

void Endpoint::LimitFlow() {
  if (state_ != State::kOpen || !bounds_->flow) return;
  switch (bounds_->flow->OnRead(totals_.messages_in, totals_.bytes_in)) {
    case FlowLimit::Verdict::kGoOn:
      return;
    case FlowLimit::Verdict::kWait:
      return PauseReading(PauseReason::kRate);
    case FlowLimit::Verdict::kClose:
      return Fail({code::kPolicyViolation, bounds_->flow->reason()});
  }
}

bool Endpoint::FailReading(const ws::ProtocolError& error) {
  owner_.OnReadDone();
  Fail(error);
  return false;
}

// Leaves in `part` what could not be inflated yet.
bool Endpoint::InflatePart(std::optional<ws::FramePart>& part) {
  const MutableBytes buffer = context_.InflateBuffer();
  const std::size_t before = part->payload.size();
  bool done = false;
  do {
    if (buffer.size() - context_.inflated < kLeastRoom) {
      owner_.OnReadDone();
      context_.inflated = 0;
    }
    const auto piece = compression_->Inflate(*part, buffer.subspan(context_.inflated));
    if (!piece) return FailReading(piece.error());
    done = piece->done;
    const std::size_t size = piece->part.payload.size();
    context_.inflated += size;
    stats_.in.inflated_bytes.Add(size);
    if (piece->part.message_end) stats_.in.compressed_messages.Add();
    CountIn(piece->part);
    owner_.OnPart(piece->part);
  } while (!done && may_decode());
  stats_.in.compressed_bytes.Add(before - part->payload.size());
  if (done) part.reset();
  return true;
}

// Keeps unprocessed input, which comes before further reads. `rest` is its present container;
// nullptr for a fresh read.
void Endpoint::Keep(Bytes data, const std::optional<ws::FramePart>& open,
                    std::unique_ptr<Rest> rest) {
  if (data.empty() && !open) {
    gate_.Resume(*stream_, PauseReason::kRest);
    if (rest->broken) FailPeerLost(peer(), *rest->broken);
    return;
  }
  if (rest) {
    // The payload of the open part is directly before the data after it, and both are at the end of
    // the kept bytes.
    rest->start = rest->bytes.size() - data.size() - (open ? open->payload.size() : 0);
  } else {
    rest = std::make_unique<Rest>(*this);
    if (open) Append(rest->bytes, open->payload);
    Append(rest->bytes, data);
  }
  rest->open = open;
  rest_ = std::move(rest);
  rest_->charge.Set(io::HeapBytes(rest_->bytes));
  gate_.Pause(*stream_, PauseReason::kRest);
  ContinueRest();
  // The connection has ended, so nothing will end the pause.
  if (rest_->broken && held()) FailPeerLost(peer(), std::string(*rest_->broken));
}

void Endpoint::CountIn(const ws::FramePart& part) {
  stats::Traffic& in = stats_.in;
  const std::size_t size = part.payload.size();
  context_.work += size + io::kMessageWork;
  in.bytes.Add(size);
  totals_.bytes_in += size;
  message_bytes_ += size;
  last_active_ = last_heard_;
  if (part.frame_end) in.frames.Add();
  if (!part.message_end) return;
  (part.opcode == Opcode::kText ? in.text_messages : in.binary_messages).Add();
  in.message_size.Record(std::exchange(message_bytes_, 0));
  ++totals_.messages_in;
}

void Endpoint::OnControlPart(const ws::FramePart& part) {
  if (part.frame_begin && part.frame_end) {
    OnControlFrame(part.opcode, part.payload);
    return;
  }
  if (part.frame_begin) control_ = std::make_unique<ControlPayload>();
  assert(control_ != nullptr && "the first part of a frame comes first");
  std::ranges::copy(part.payload,
                    control_->bytes.begin() + static_cast<std::ptrdiff_t>(control_->size));
  control_->size += part.payload.size();
  if (!part.frame_end) return;
  const auto whole = std::move(control_);
  OnControlFrame(part.opcode, Bytes(whole->bytes).first(whole->size));
}

void Endpoint::OnControlFrame(Opcode opcode, Bytes payload) {
  switch (opcode) {
    case Opcode::kPing: {
      last_active_ = last_heard_;
      stats_.in.pings.Add();
      if (!sending()) return;
      SendControl(Opcode::kPong, payload);
      stats_.out.pongs.Add();
      return;
    }
    case Opcode::kPong:
      if (std::ranges::equal(payload, context_.ping_payload)) {
        ping_clock_.OnPong(context_.loop.timers.Micros());
      } else {
        last_active_ = last_heard_;
      }
      stats_.in.pongs.Add();
      return;
    default:
      OnClose(payload);
  }
}

void Endpoint::OnClose(Bytes payload) {
  stats_.in.closes.Add();
  owner_.OnReadDone();
  const auto close = ws::ParseClose(payload);
  if (!close) {
    Fail(close.error());
    return;
  }
  peer_code_ = close->code;
  const std::string_view plain =
      role_ == ws::Role::kServer ? "closed by the client" : "closed by the server";
  End(close->code, peer(), close->reason.empty() ? plain : close->reason);
  if (state_ == State::kCloseSent) {
    Linger();
    timer_.Arm(std::min(limits_.close_timeout, kFinPatience));
    owner_.OnPeerClosing(PeerEnd::kAnswered, close->reason);
    return;
  }
  state_ = State::kPeerClosed;
  timer_.Disarm();
  owner_.OnPeerClosing(PeerEnd::kClosed, close->reason);
}

void Endpoint::Close(std::uint16_t close_code, std::string_view reason, Closer closer,
                     std::string_view why) {
  if (!sending()) return;
  End(close_code, closer, why);
  SendClose(close_code, reason, state_ == State::kPeerClosed && EndsFirst());
  if (state_ == State::kPeerClosed) {
    Linger();
    return;
  }
  state_ = State::kCloseSent;
  ResumeReading(PauseReason::kRate);  // its Close must be read
  ArmCloseTimer();
}

void Endpoint::Fail(const ws::ProtocolError& error) {
  if (!reading()) return;
  const std::string reason = ReasonOf(error);
  End(error.close_code, Closer::kGateway, reason);
  if (state_ == State::kOpen) SendClose(error.close_code, reason, true);
  Linger();
  stream_->Shutdown();  // as a client, too: no waiting for a server that violates the protocol
  owner_.OnPeerClosing(PeerEnd::kFault, reason);
}

// As a server we half-close after the last frame and wait for the peer's FIN: if we closed the
// socket, the kernel would answer late bytes of the client with a reset, and the client could lose
// our Close. As a client we let the server close first (RFC 6455, section 7.1.1).
void Endpoint::Linger() {
  FlushGathered();
  state_ = State::kLingering;
  if (EndsFirst()) stream_->Shutdown();
  rest_.reset();
  gate_ = {};
  stream_->SetReading(true);
  ArmCloseTimer();
}

void Endpoint::ArmCloseTimer() {
  progress_.Mark(stream_->delivery());
  timer_.Arm(limits_.close_timeout);
}

void Endpoint::OnEnd() {
  peer_ended_ = true;
  if (state_ == State::kPeerClosed) return;  // our answer to its Close is due
  if (state_ == State::kLingering) {         // the peer still gets what is queued
    if (role_ == ws::Role::kClient) stream_->Shutdown();
    if (flushed_) Done();
    return;
  }
  owner_.OnReadDone();
  stream_->Shutdown();
  if (role_ == ws::Role::kServer)
    return FailPeerLost(peer(), "the client ended the connection without a Close");
  FailPeerLost(peer(), truncated_
                           ? "the server ended the connection without a Close and without TLS's "
                             "close_notify"
                           : "the server ended the connection without a Close");
}

// Harmless from a server: frames have a length, and a Close is the last of them.
bool Endpoint::OnTruncated() {
  truncated_ = role_ == ws::Role::kClient;
  return truncated_;
}

void Endpoint::OnFlushed() {
  flushed_ = true;
  if (state_ == State::kLingering && peer_ended_) Done();
}

// Input received before the error is still processed, one share per turn. But the number of such
// connections is limited, so that a client cannot cause unbounded work by breaking one connection
// after another.
void Endpoint::OnError(const Error& error) {
  if (rest_ && rest_->waiting() && context_.finishing < Context::kMostFinishing) {
    ++context_.finishing;
    rest_->broken = error.message;
  } else {
    FailPeerLost(peer(), error.message);
  }
}

void Endpoint::FailPeerLost(Closer closer, std::string_view why) {
  End(code::kAbnormal, closer, why);
  const bool untold = reading();
  state_ = State::kLingering;
  if (untold) owner_.OnPeerClosing(PeerEnd::kLost, why);
  Done();
}

void Endpoint::Done() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  timer_.Disarm();
  rest_.reset();
  stream_->SetHandler(nullptr);
  // The session may outlive this connection, but the descriptor of a peer that is gone should be
  // closed now. A peer that has only half-closed still gets what is queued for it.
  if (!peer_ended_ || stream_->queued() == 0) context_.loop.turn.DeferDelete(std::move(stream_));
  owner_.OnPeerDone();
}

void Endpoint::Abort(std::string_view why) {
  End(code::kAbnormal, Closer::kGateway, why);
  state_ = State::kDone;
  timer_.Disarm();
  if (!stream_) return;
  stream_->SetHandler(nullptr);
  stream_->Abort();
}

void Endpoint::End(std::uint16_t close_code, Closer closer, std::string_view why) {
  if (!ending_) ending_ = std::make_unique<Ending>(close_code, closer, std::string(why));
}

void Endpoint::OnWritable() {
  if (state_ == State::kLingering || state_ == State::kDone) return;
  gate_.Resume(*stream_, PauseReason::kOwnQueueFull);
  owner_.OnPeerDrained();
  ContinueRest();
}

void Endpoint::ResumeReading(PauseReason reason) {
  if (state_ == State::kDone) return;
  gate_.Resume(*stream_, reason);
  ContinueRest();
}

void Endpoint::ContinueRest() {
  if (rest_ && !held()) context_.loop.turn.Continue(*rest_);
}

// One timer for pings, idleness and closing. It compares the times that reads and writes have
// stored, and rearms itself; so reads and writes need not touch the timer.
void Endpoint::OnTimer(io::Timer&) {
  const io::Instant now = context_.loop.timers.Now();
  switch (state_) {
    case State::kOpen:
      Watch(now);
      return;
    case State::kCloseSent:
    case State::kLingering:
      // A peer that makes progress in reading what was sent before the Close gets more time.
      if (progress_.Since(stream_->delivery()) >= kSlowestProgress) return ArmCloseTimer();
      FailPeerLost(peer(), "no answer to the Close within limits.close_timeout");
      return;
    case State::kPeerClosed:
    case State::kDone:
      return;
  }
}

void Endpoint::Watch(io::Instant now) {
  const bool pings = limits_.ping_interval.count() > 0;
  const bool idles = limits_.idle.count() > 0;
  const io::Instant active = std::max(last_active_, owner_.OtherEndActive());
  if (idles && now - active >= limits_.idle) {
    Close(code::kGoingAway, "idle timeout", Closer::kGateway, "idle for as long as limits.idle");
    return;
  }
  if (bounds_ && bounds_->queue_watch && bounds_->queue_watch->IsStuck(stream_->delivery(), now)) {
    return Close(code::kTryAgainLater, "you read too slowly", Closer::kGateway,
                 "took nothing of what was waiting for it within limits.queue_time");
  }
  // While reading is paused, a Pong cannot be seen: no conclusion from silence.
  if (!gate_.open()) last_heard_ = now;
  if (pings && now - last_heard_ >= limits_.ping_interval) {
    // Progress in reading a backlog proves that the peer is alive; the ping is behind that backlog.
    if (ping_unanswered_ && !progress_.WorksOnBacklog(stream_->delivery())) {
      stream_->Abort();
      FailPeerLost(Closer::kGateway, "nothing received within limits.ping_interval after a ping");
      return;
    }
    last_heard_ = now;
    if (!std::exchange(ping_unanswered_, true)) SendPing();
    progress_.Mark(stream_->delivery());
  }
  io::Millis next = io::Millis::max();
  if (pings) next = std::min(next, limits_.ping_interval - (now - last_heard_));
  if (idles) next = std::min(next, limits_.idle - (now - active));
  if (bounds_ && bounds_->queue_watch) next = std::min(next, bounds_->queue_watch->interval());
  if (next != io::Millis::max()) timer_.Arm(next);
}

}  // namespace upgate::session
