#include "gateway/session/frame_tunnel.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/ws/mask.h"

namespace upgate::session {
namespace code = ws::close_code;

FrameTunnel::FrameTunnel(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
                         std::unique_ptr<io::ByteStream> server, std::string server_early,
                         stats::RouteStats& route_stats, stats::ServerStats& server_stats,
                         Session::Owner& owner)
    : Session(std::move(facts), context.loop.memory, owner),
      context_(context),
      route_stats_(route_stats),
      server_stats_(server_stats),
      client_(*this, Closer::kClient, std::move(client), ws::Role::kServer,
              this->facts().route->limits.message_size),
      server_(*this, Closer::kServer, std::move(server), ws::Role::kClient,
              config::MostOfServer(this->facts().route->limits)),
      timer_(context.loop.timers, *this),
      server_early_(std::move(server_early)) {
  const config::RouteLimits& limits = this->facts().route->limits;
  io::Timers& timers = context.loop.timers;
  client_.flow = FlowLimit::For(Closer::kClient, limits, timers, route_stats.in, *this);
  server_.flow = FlowLimit::For(Closer::kServer, limits, timers, route_stats.out, *this);
  if (limits.queue_time.count() > 0) queue_watch_ = std::make_unique<QueueWatch>(limits.queue_time);
}

void FrameTunnel::Start(std::string client_early) {
  client_heard_ = last_active_ = context_.loop.timers.Now();
  for (Peer* peer : {&client_, &server_}) {
    peer->stream->SetHandler(peer);
    peer->stream->SetReading(true);
  }
  Watch();
  std::string server_early = std::exchange(server_early_, {});
  if (!client_early.empty()) OnBytes(client_, AsBytes(client_early));
  if (!server_early.empty()) OnBytes(server_, AsBytes(server_early));
}

// ---- relaying

void FrameTunnel::OnBytes(Peer& from, Bytes data) {
  if (from.flow) [[unlikely]]
    return ReceiveLimited(from, data);
  Receive(from, data);
}

inline void FrameTunnel::Receive(Peer& from, Bytes data) {
  if (&from == &client_) {
    client_heard_ = context_.loop.timers.Now();
    ping_unanswered_ = false;
  } else {
    server_stats_.bytes_received.Add(data.size());
  }
  // A waiting Close of ours is sent after the frame in progress.
  Peer& to = Other(from);
  if (to.own_close && !to.muted) {
    const Bytes rest_of_frame = data.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), from.walker.frame_left())));
    Pass(from, rest_of_frame);
    data = data.subspan(rest_of_frame.size());
  }
  if (!data.empty()) Pass(from, data);
}

// Takes pieces that cannot have more messages than may come, and keeps what is left.
void FrameTunnel::ReceiveLimited(Peer& from, Bytes data) {
  const std::size_t shortest_frame = &from == &client_ ? 6 : 2;  // with and without a mask
  while (!data.empty()) {
    const std::size_t most =
        closing_ ? data.size()
                 : std::min<std::uint64_t>({data.size(), from.flow->messages() * shortest_frame,
                                            from.flow->bytes() + shortest_frame});
    Receive(from, data.first(most));
    data = data.subspan(most);
    if (!closing_ && !MayGoOnSending(from) && !closing_) break;
  }
  if (data.empty()) return;
  from.rest = std::make_unique<Rest>(context_.loop.memory);
  Append(from.rest->bytes, data);
  from.rest->charge.Set(io::HeapBytes(from.rest->bytes));
}

bool FrameTunnel::MayGoOnSending(Peer& from) {
  const bool in = &from == &client_;
  switch (from.flow->OnRead(in ? totals_.messages_in : totals_.messages_out,
                            in ? totals_.bytes_in : totals_.bytes_out)) {
    case FlowLimit::Verdict::kGoOn:
      return true;
    case FlowLimit::Verdict::kWait:
      from.gate.Pause(*from.stream, PauseReason::kRate);
      return false;
    case FlowLimit::Verdict::kClose:
      Fail(from, {code::kPolicyViolation, from.flow->reason()});
      return false;
  }
  return false;
}

void FrameTunnel::OnFlowAllowed(FlowLimit& flow) {
  Peer& peer = client_.flow.get() == &flow ? client_ : server_;
  if (!peer.stream || peer.gone) return;
  if (const auto rest = std::move(peer.rest)) OnBytes(peer, AsBytes(rest->bytes));
  if (!flow.waiting() && peer.stream) peer.gate.Resume(*peer.stream, PauseReason::kRate);
}

// `kept` is the beginning of a header, from an earlier read.
inline void FrameTunnel::PassOn(Peer& from, Bytes kept, Bytes data) {
  Peer& to = Other(from);
  last_active_ = context_.loop.timers.Now();
  if (to.muted) return;
  if (&from == &client_) server_stats_.bytes_sent.Add(kept.size() + data.size());
  if (kept.empty()) {
    to.stream->Write(data);
  } else {
    to.stream->Write({kept, data});
  }
}

// The server's Close, and what the read that completed it has before it. If it is the answer to the
// client's Close, nothing may follow it: towards the client the gateway is the server, which ends
// the connection first (RFC 6455, section 7.1.1). What a client sends behind its Close is still
// read: otherwise the system would reset the connection, and the client could lose the answer.
void FrameTunnel::PassClose(Bytes kept, Bytes data) {
  last_active_ = context_.loop.timers.Now();
  if (client_.muted) return;
  const ws::Close* asked = client_.walker.close();
  ws::CloseFrame close = server_.walker.kept_close();
  ws::CorrectForClient(close, asked != nullptr ? asked->code : std::uint16_t{0});
  const std::array slices{kept, data, close.view()};
  asked != nullptr ? client_.stream->WriteLast(slices) : client_.stream->Write(slices);
}

void FrameTunnel::Pass(Peer& from, Bytes data) {
  Peer& to = Other(from);
  const bool in = &from == &client_;
  stats::Traffic& traffic = in ? route_stats_.in : route_stats_.out;
  // One iteration, unless the data contains Pongs to our pings: each ends a walk.
  while (true) {
    if (from.deaf) return Discard(from, data.size());
    if (from.walker.close() != nullptr) return;  // dropped: no frame may follow
    ws::FrameTally tally;
    const auto walked = from.walker.Walk(
        data, tally, [&](std::uint64_t size) { traffic.message_size.Record(size); });
    Count(from, tally);
    const bool closed = from.walker.close() != nullptr;
    const Bytes passed = data.first(walked.passed);
    if (closed && !in) [[unlikely]] {
      PassClose(walked.kept(), passed);
    } else if (walked.kept_size + walked.passed > 0) {
      PassOn(from, walked.kept(), passed);
    }
    if (walked.error != nullptr) return Fail(from, from.walker.WithSizes(*walked.error));
    if (closed) NoteClose(from);
    if (to.own_close) [[unlikely]]
      SendClose(to);
    if (!to.muted && to.stream->congested())
      from.gate.Pause(*from.stream, PauseReason::kFarEndFull);
    if (!walked.answered) [[likely]]
      return;
    ping_clock_.OnPong(context_.loop.timers.Micros());
    data = data.subspan(walked.rest);
    if (data.empty()) return;
  }
}

// A limited amount of the server's input is read and dropped, so that its FIN is noticed. A client
// is read until the timeout: its answer to our Close may come after other frames.
void FrameTunnel::Discard(Peer& from, std::size_t bytes) {
  if (&from == &client_) return;
  from.discard_left -= static_cast<std::uint32_t>(std::min<std::size_t>(bytes, from.discard_left));
  if (from.discard_left > 0) return;
  from.stream->SetReading(false);
  AbortSoon();
}

void FrameTunnel::Count(const Peer& from, const ws::FrameTally& tally) {
  const bool in = &from == &client_;
  stats::Traffic& traffic = in ? route_stats_.in : route_stats_.out;
  const std::uint64_t messages = std::uint64_t{tally.text_messages} + tally.binary_messages;
  traffic.bytes.Add(tally.bytes);
  if (tally.frames != 0) traffic.frames.Add(tally.frames);
  if (tally.text_messages != 0) traffic.text_messages.Add(tally.text_messages);
  if (tally.binary_messages != 0) traffic.binary_messages.Add(tally.binary_messages);
  if (tally.pings != 0) traffic.pings.Add(tally.pings);
  if (tally.pongs != 0) traffic.pongs.Add(tally.pongs);
  if (tally.closes != 0) traffic.closes.Add(tally.closes);
  (in ? totals_.messages_in : totals_.messages_out) += messages;
  (in ? totals_.bytes_in : totals_.bytes_out) += tally.bytes;
}

void FrameTunnel::OnWritable(Peer& drained) {
  Peer& source = Other(drained);
  if (!source.gone) source.gate.Resume(*source.stream, PauseReason::kFarEndFull);
}

// ---- closing

void FrameTunnel::NoteClose(Peer& from) {
  const ws::Close& close = *from.walker.close();
  const std::string_view plain =
      from.who == Closer::kClient ? "closed by the client" : "closed by the server";
  Ended(close.code, from.who, close.reason.empty() ? plain : std::string_view(close.reason));
  BeginClosing();
  // It answers our Close, so nothing more is to be sent. A server closes its connection itself (RFC
  // 6455, section 7.1.1).
  if (from.muted && &from == &client_) ShutDown(from);
  AwaitEnds();
}

void FrameTunnel::OnEnd(Peer& from) {
  from.ended = true;
  Ended(code::kAbnormal, from.who,
        from.truncated ? "the connection ended without a Close and without TLS's close_notify"
                       : "the connection ended without a Close");
  BeginClosing();
  ShutDown(Other(from));
  if (Other(from).ended) from.stream->EndsOnDestruction() ? Release(from) : ShutDown(from);
  AwaitEnds();
  FinishIfDone();
}

void FrameTunnel::OnError(Peer& from, const Error& error) {
  from.gone = from.muted = true;
  from.rest.reset();
  from.stream->SetHandler(nullptr);
  Ended(&from == &server_ ? code::kInternalError : code::kAbnormal, from.who, error.message);
  BeginClosing();
  Peer& to = Other(from);
  if (&to == &client_) CloseOne(to, {code::kInternalError, "the server's connection broke", true});
  to.muted = true;
  if (&to == &server_) to.deaf = true;
  ShutDown(to);
  context_.loop.turn.DeferDelete(std::move(from.stream));
  // Read on, so that the other peer's FIN is noticed; its data is dropped.
  if (!to.gone) to.gate.Resume(*to.stream, PauseReason::kFarEndFull);
  FinishIfDone();
}

// The peer that violated the protocol gets the matching code. A client is told about the server's
// fault; a server gets a FIN.
void FrameTunnel::Fail(Peer& from, const ws::ProtocolError& error) {
  const std::string reason = ReasonOf(error);
  Ended(error.close_code, Closer::kGateway, &from == &server_ ? FromServer(reason) : reason);
  BeginClosing();
  from.deaf = true;
  CloseOne(from, {error.close_code, reason, true});
  if (&from == &server_) {
    const ws::Close told = FaultOfServer(error.close_code, reason);
    return CloseOne(client_, {told.code, told.reason, true});
  }
  server_.muted = true;
  ShutDown(server_);
}

void FrameTunnel::End(std::uint16_t close_code, std::string_view reason) {
  CloseBoth(close_code, reason, reason);
}

void FrameTunnel::CloseBoth(std::uint16_t close_code, std::string_view reason,
                            std::string_view why) {
  if (closing_) return;
  Ended(close_code, Closer::kGateway, why);
  BeginClosing();
  CloseOne(client_, {close_code, std::string(reason), false});
  CloseOne(server_, {close_code, std::string(reason), false});
}

void FrameTunnel::CloseOne(Peer& to, OwnClose close) {
  to.own_close = std::make_unique<OwnClose>(std::move(close));
  SendClose(to);
}

void FrameTunnel::SendClose(Peer& to) {
  if (!to.own_close || to.muted || Other(to).walker.frame_left() > 0) return;
  to.muted = true;
  // No frame may follow the other peer's Close.
  if (Other(to).walker.close() == nullptr) WriteClose(to);
  if (!to.own_close->last_word) return;
  ShutDown(to);
  if (&to == &client_) server_.deaf = true;
}

void FrameTunnel::WriteClose(Peer& to) {
  ws::CloseFrame frame = ws::EncodeClose(to.own_close->code, to.own_close->reason);
  if (&to == &client_) {
    to.stream->Write(frame.view());
    route_stats_.out.closes.Add();
    return;
  }
  // A client masks its frames (RFC 6455, section 5.3).
  std::array<std::byte, 4> mask;
  context_.loop.entropy.Fill(mask);
  const MutableBytes body = MutableBytes(frame.bytes).subspan(2, frame.size - 2);
  ws::Mask(body, mask, 0);
  const std::array<std::byte, 2> head{frame.bytes[0], frame.bytes[1] | std::byte{0x80}};
  to.stream->Write({Bytes(head), Bytes(mask), Bytes(body)});
}

void FrameTunnel::ShutDown(Peer& peer) {
  if (!peer.gone) peer.stream->Shutdown();
}

// Closes a connection whose end is the destructor's (see io::ByteStream::EndsOnDestruction).
void FrameTunnel::Release(Peer& peer) {
  peer.gone = peer.muted = peer.ended = peer.flushed = true;
  peer.rest.reset();
  peer.stream->SetHandler(nullptr);
  context_.loop.turn.DeferDelete(std::move(peer.stream));
}

void FrameTunnel::OnFlushed(Peer& flushed) {
  flushed.flushed = true;
  if (&flushed == &server_) AbortSoon();
  AwaitEnds();
  FinishIfDone();
}

void FrameTunnel::Ended(std::uint16_t close_code, Closer closer, std::string_view why) {
  if (!ending_) ending_ = std::make_unique<Ending>(close_code, closer, std::string(why));
}

// Bounds the rest of the session; a peer that makes progress in reading its queue gets more time.
void FrameTunnel::BeginClosing() {
  if (std::exchange(closing_, true)) return;
  for (Peer* peer : {&client_, &server_}) {  // their Closes must be read
    if (peer->flow) peer->flow->AllowSoon();
  }
  MarkProgress();
  timer_.Arm(facts().route->limits.close_timeout);
}

void FrameTunnel::MarkProgress() {
  for (Peer* peer : {&client_, &server_}) {
    if (peer->stream) peer->progress.Mark(peer->stream->delivery());
  }
}

void FrameTunnel::ArmLastWait(io::Millis patience) {
  last_wait_ = true;
  MarkProgress();
  timer_.Arm(std::min(facts().route->limits.close_timeout, patience));
}

// True if peers that make progress get more time, when close_timeout has passed.
bool FrameTunnel::MayGoOn() const {
  std::size_t waiting = 0;
  std::size_t taken = 0;
  for (const Peer* peer : {&client_, &server_}) {
    if (!peer->stream) continue;
    const io::Delivery delivery = peer->stream->delivery();
    waiting += delivery.waiting;
    taken += peer->progress.Since(delivery);
  }
  return taken >= kSlowestProgress && !(last_wait_ && waiting == 0);
}

// Resets the connection to a server that keeps sending after its client is gone, once the kernel
// has had time to send the last data: a reset discards what is unsent.
void FrameTunnel::AbortSoon() {
  if (!client_.done() || !server_.flushed || server_.discard_left > 0) return;
  ArmLastWait(kSendGrace);
}

// After both Closes, only the FINs are missing. The wait for them is shorter than for data.
void FrameTunnel::AwaitEnds() {
  if (client_.walker.close() == nullptr || server_.walker.close() == nullptr) return;
  if (!client_.flushed || server_.queued() > 0) return;
  ArmLastWait(kFinPatience);
}

void FrameTunnel::FinishIfDone() {
  if (client_.done() && server_.done()) Finish();
}

void FrameTunnel::Finish() {
  timer_.Disarm();
  DetachStreams();
  if (server_.stream && server_.discard_left == 0) server_.stream->Abort();
  owner_.OnSessionDone(*this);
}

void FrameTunnel::DetachStreams() {
  for (Peer* peer : {&client_, &server_}) {
    if (peer->flow) peer->flow->Stop();
    if (peer->stream) peer->stream->SetHandler(nullptr);
  }
}

void FrameTunnel::Abort() {
  Ended(code::kAbnormal, Closer::kGateway, "aborted by the shutdown");
  timer_.Disarm();
  DetachStreams();
  if (client_.stream) client_.stream->Abort();
}

// ---- memory

std::size_t FrameTunnel::held_bytes() const {
  std::size_t held = 0;
  for (const Peer* peer : {&client_, &server_}) {
    if (peer->stream) held += peer->stream->held_bytes();
    if (peer->rest) held += peer->rest->charge.bytes();
  }
  return held;
}

// Both peers wait: input from one is what grows the queue of the other.
void FrameTunnel::HoldBack(bool wait) {
  for (Peer* peer : {&client_, &server_}) {
    if (peer->stream && !peer->gone) peer->gate.Set(*peer->stream, PauseReason::kMemory, wait);
  }
}

// ---- keep-alive

void FrameTunnel::SendPing() {
  constexpr std::array kHead{std::byte{0x89}, std::byte{std::tuple_size_v<ws::PingPayload>}};
  client_.stream->Write({Bytes(kHead), Bytes(context_.ping_payload)});
  client_.walker.AwaitAnswersTo(context_.ping_payload);
  ping_clock_.OnPing(context_.loop.timers.Micros());
  route_stats_.out.pings.Add();
}

void FrameTunnel::OnTimer(io::Timer&) {
  if (!closing_) return Watch();
  if (!MayGoOn()) return Finish();
  MarkProgress();
  timer_.Arm(facts().route->limits.close_timeout);
}

void FrameTunnel::Watch() {
  const config::RouteLimits& limits = facts().route->limits;
  const io::Instant now = context_.loop.timers.Now();
  const bool pings = limits.ping_interval.count() > 0;
  const bool idles = limits.idle.count() > 0;
  if (idles && now - last_active_ >= limits.idle)
    return CloseBoth(code::kGoingAway, "idle timeout", "idle for as long as limits.idle");
  if (IsClientStuck(now)) {
    return CloseBoth(code::kTryAgainLater, "you read too slowly",
                     "took nothing of what was waiting for it within limits.queue_time");
  }
  if (!client_.gate.open() || server_.walker.frame_left() > 0) client_heard_ = now;
  if (pings && now - client_heard_ >= limits.ping_interval) {
    // Progress in reading a backlog proves that the client is alive; the ping is behind that
    // backlog.
    if (ping_unanswered_ && !client_.progress.WorksOnBacklog(client_.stream->delivery())) {
      client_.stream->Abort();
      return OnError(client_,
                     {Errc::kTimeout, "nothing received within limits.ping_interval after a ping"});
    }
    client_heard_ = now;
    if (!std::exchange(ping_unanswered_, true)) SendPing();
    client_.progress.Mark(client_.stream->delivery());
  }
  io::Millis next = io::Millis::max();
  if (pings) next = std::min(next, limits.ping_interval - (now - client_heard_));
  if (idles) next = std::min(next, limits.idle - (now - last_active_));
  if (queue_watch_) next = std::min(next, queue_watch_->interval());
  if (next != io::Millis::max()) timer_.Arm(next);
}

bool FrameTunnel::IsClientStuck(io::Instant now) {
  return queue_watch_ && queue_watch_->IsStuck(client_.stream->delivery(), now);
}

}  // namespace upgate::session
