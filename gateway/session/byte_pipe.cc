#include "gateway/session/byte_pipe.h"

#include <utility>

namespace upgate::session {
namespace code = ws::close_code;

BytePipe::BytePipe(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
                   std::unique_ptr<io::ByteStream> server, std::string server_early,
                   stats::RouteStats& route_stats, stats::ServerStats& server_stats,
                   Session::Owner& owner)
    : Session(std::move(facts), context.loop.memory, owner),
      context_(context),
      route_stats_(route_stats),
      server_stats_(server_stats),
      client_(*this, Closer::kClient, std::move(client)),
      server_(*this, Closer::kServer, std::move(server)),
      timer_(context.loop.timers, *this),
      server_early_(std::move(server_early)) {
  const config::RouteLimits& limits = this->facts().route->limits;
  io::Timers& timers = context.loop.timers;
  client_.flow = FlowLimit::For(Closer::kClient, limits, timers, route_stats.in, *this);
  server_.flow = FlowLimit::For(Closer::kServer, limits, timers, route_stats.out, *this);
}

void BytePipe::Start(std::string client_early) {
  last_active_ = context_.loop.timers.Now();
  for (Peer* peer : {&client_, &server_}) {
    peer->stream->SetHandler(peer);
    peer->stream->SetReading(true);
  }
  Watch();
  const std::string server_early = std::exchange(server_early_, {});
  if (!client_early.empty()) Pass(client_, AsBytes(client_early));
  if (!server_early.empty()) Pass(server_, AsBytes(server_early));
}

void BytePipe::Pass(Peer& from, Bytes data) {
  const bool in = &from == &client_;
  last_active_ = context_.loop.timers.Now();
  (in ? route_stats_.in : route_stats_.out).bytes.Add(data.size());
  (in ? totals_.bytes_in : totals_.bytes_out) += data.size();
  (in ? server_stats_.bytes_sent : server_stats_.bytes_received).Add(data.size());
  Peer& to = Other(from);
  if (to.shut_down) return;
  to.stream->Write(data);
  if (to.stream->congested()) from.gate.Pause(*from.stream, PauseReason::kFarEndFull);
  if (from.flow) [[unlikely]]
    LimitFlow(from);
}

void BytePipe::LimitFlow(Peer& from) {
  if (closing_) return;
  switch (
      from.flow->OnRead(0, from.who == Closer::kClient ? totals_.bytes_in : totals_.bytes_out)) {
    case FlowLimit::Verdict::kGoOn:
      return;
    case FlowLimit::Verdict::kWait:
      return from.gate.Pause(*from.stream, PauseReason::kRate);
    case FlowLimit::Verdict::kClose:
      return End(code::kPolicyViolation, from.flow->reason());
  }
}

void BytePipe::OnFlowAllowed(FlowLimit& flow) {
  if (over_) return;
  Peer& peer = client_.flow.get() == &flow ? client_ : server_;
  peer.gate.Resume(*peer.stream, PauseReason::kRate);
}

void BytePipe::OnWritable(Peer& drained) {
  Peer& source = Other(drained);
  if (!source.ended) source.gate.Resume(*source.stream, PauseReason::kFarEndFull);
}

// ---- the end

void BytePipe::OnEnd(Peer& from) {
  from.ended = true;
  Ended(code::kNormal, from.who, "ended the connection");
  ShutDown(Other(from));
  BeginClosing();
  FinishIfDone();
}

void BytePipe::OnError(Peer& from, const Error& error) {
  Ended(from.who == Closer::kServer ? code::kInternalError : code::kAbnormal, from.who,
        error.message);
  Finish(true);
}

void BytePipe::OnFlushed(Peer& flushed) {
  flushed.flushed = true;
  FinishIfDone();
}

void BytePipe::FinishIfDone() {
  if (client_.flushed && server_.flushed && client_.ended && server_.ended) Finish(false);
}

void BytePipe::End(std::uint16_t close_code, std::string_view reason) {
  Ended(close_code, Closer::kGateway, reason);
  ShutDown(client_);
  ShutDown(server_);
  BeginClosing();
}

void BytePipe::ShutDown(Peer& peer) {
  if (std::exchange(peer.shut_down, true)) return;
  peer.stream->Shutdown();
}

void BytePipe::Ended(std::uint16_t close_code, Closer closer, std::string_view why) {
  if (!ending_) ending_ = {close_code, closer, std::string(why)};
}

void BytePipe::BeginClosing() {
  if (over_ || std::exchange(closing_, true)) return;
  for (Peer* peer : {&client_, &server_}) {
    if (peer->flow) peer->flow->AllowSoon();
  }
  queued_ = client_.stream->queued() + server_.stream->queued();
  timer_.Arm(facts().route->limits.close_timeout);
}

void BytePipe::OnTimer(io::Timer&) {
  if (!closing_) return Watch();
  // As long as something passes one way, an end that has sent its FIN still gets it.
  const io::Millis patience = facts().route->limits.close_timeout;
  const std::size_t queued = client_.stream->queued() + server_.stream->queued();
  const bool both_shut = client_.shut_down && server_.shut_down;
  const bool moved = !both_shut && context_.loop.timers.Now() - last_active_ < patience;
  if (!moved && queued >= queued_) return Finish(queued > 0);
  queued_ = queued;
  timer_.Arm(patience);
}

void BytePipe::Watch() {
  const io::Millis idle = facts().route->limits.idle;
  if (idle.count() == 0) return;
  const io::Millis quiet =
      std::chrono::duration_cast<io::Millis>(context_.loop.timers.Now() - last_active_);
  if (quiet >= idle) return End(code::kGoingAway, "idle for as long as limits.idle");
  timer_.Arm(idle - quiet);
}

void BytePipe::DetachStreams() {
  timer_.Disarm();
  for (Peer* peer : {&client_, &server_}) {
    if (peer->flow) peer->flow->Stop();
    peer->stream->SetHandler(nullptr);
  }
}

void BytePipe::Finish(bool reset) {
  if (std::exchange(over_, true)) return;
  DetachStreams();
  if (reset) {
    client_.stream->Abort();
    server_.stream->Abort();
  }
  owner_.OnSessionDone(*this);
}

void BytePipe::Abort() {
  over_ = true;
  Ended(code::kAbnormal, Closer::kGateway, "cut off by the shutdown");
  DetachStreams();
  client_.stream->Abort();
}

// ---- memory

std::size_t BytePipe::held_bytes() const {
  return client_.stream->held_bytes() + server_.stream->held_bytes();
}

// What comes from one end is what grows for the other.
void BytePipe::HoldBack(bool wait) {
  for (Peer* peer : {&client_, &server_}) {
    if (!over_) peer->gate.Set(*peer->stream, PauseReason::kMemory, wait);
  }
}

}  // namespace upgate::session
