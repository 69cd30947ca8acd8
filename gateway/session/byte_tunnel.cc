#include "gateway/session/byte_tunnel.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace upgate::session {
namespace {

namespace code = ws::close_code;

// Payload up to this size, in bytes, is moved instead of written as a slice of its own.
constexpr std::size_t kMostMoved = 2048;

}  // namespace

ByteTunnel::ByteTunnel(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
                       std::unique_ptr<Compression> compression,
                       std::unique_ptr<io::ByteStream> server, config::Encoding encoding,
                       stats::RouteStats& route_stats, stats::ServerStats& server_stats,
                       Session::Owner& owner)
    : Session(std::move(facts), context.loop.memory, owner),
      context_(context),
      server_(std::move(server)),
      server_stats_(server_stats),
      client_(ws::Role::kServer, context, std::move(client), std::move(compression),
              this->facts().route->limits, route_stats, *this),
      unpacker_(encoding),
      packer_(encoding),
      opcode_(encoding == config::Encoding::kBinary ? ws::Opcode::kBinary : ws::Opcode::kText),
      close_timer_(context.loop.timers, *this) {
  flow_ = FlowLimit::For(Closer::kServer, this->facts().route->limits, context.loop.timers,
                         route_stats.out, *this);
}

void ByteTunnel::Start(std::string early) {
  server_->SetHandler(this);
  server_->SetReading(true);
  client_.Start();
  client_.ReadEarly(std::move(early));
}

void ByteTunnel::End(std::uint16_t close_code, std::string_view reason) {
  client_.Close(close_code, reason, Closer::kGateway, reason);
  StopReadingServer();
}

void ByteTunnel::Abort() {
  client_.Abort("aborted by the shutdown");
  if (server_) server_->SetHandler(nullptr);
  close_timer_.Disarm();
}

std::size_t ByteTunnel::held_bytes() const {
  return client_.held_bytes() + (server_ ? server_->held_bytes() : 0);
}

// Both peers wait: input from one is what grows the queue of the other.
void ByteTunnel::HoldBack(bool wait) {
  client_.HoldBack(wait);
  if (server_state_ != ServerState::kDone) server_gate_.Set(*server_, PauseReason::kMemory, wait);
}

// ---- client to server

void ByteTunnel::OnPart(const ws::FramePart& part) {
  if (server_state_ == ServerState::kShutting || server_state_ == ServerState::kDone) return;
  const std::size_t room = context_.bytes.capacity() - context_.bytes.size();
  if (context_.slices.size() == Context::kMaxSlices ||
      room < ws::FrameUnpacker::ScratchSize(part.payload.size()))
    ToServer();
  const auto bytes = unpacker_.Unpack(part, context_.bytes);
  if (!bytes) {
    ToServer();
    context_.bytes.clear();  // what was converted before the error
    client_.Fail(bytes.error());
    return;
  }
  if (!bytes->empty() && !JoinLast(part, *bytes)) context_.slices.push_back(*bytes);
}

// A write of many small slices is slow. So small payload that follows the last slice with only its
// frame header in between is moved next to it. Only possible if the payload is still in the read
// buffer, where the bytes in between may be overwritten.
bool ByteTunnel::JoinLast(const ws::FramePart& part, Bytes bytes) {
  const bool in_place = bytes.data() == part.payload.data() && !client_.compresses();
  if (!in_place || context_.slices.empty() || bytes.size() > kMostMoved) return false;
  Bytes& last = context_.slices.back();
  const auto start = static_cast<std::size_t>(part.payload.data() - last.data());
  if (part.payload.data() < last.data() || start - last.size() > ws::kMaxHeader) return false;
  std::byte* const end = part.payload.data() - (start - last.size());
  std::memmove(end, bytes.data(), bytes.size());
  last = {last.data(), last.size() + bytes.size()};
  return true;
}

void ByteTunnel::OnReadDone() {
  ToServer();
}

// Writes the payload of one read with one call.
void ByteTunnel::ToServer() {
  if (context_.slices.empty()) return;
  std::size_t size = 0;
  for (const Bytes slice : context_.slices) size += slice.size();
  server_->Write(context_.slices);
  context_.slices.clear();
  context_.bytes.clear();
  server_stats_.bytes_sent.Add(size);
  if (server_->congested()) client_.PauseReading(PauseReason::kFarEndFull);
}

void ByteTunnel::OnWritable() {
  client_.ResumeReading(PauseReason::kFarEndFull);
}

void ByteTunnel::OnPeerClosing(PeerEnd end, std::string_view) {
  answer_close_ = end == PeerEnd::kClosed;
  if (server_state_ != ServerState::kDone) ShutDownServer();
  if (!answer_close_) return StopReadingServer();
  if (server_state_ == ServerState::kDone)
    client_.Close(client_.peer_code(), "", Closer::kClient, "");
}

void ByteTunnel::OnPeerDone() {
  client_done_ = true;
  if (server_state_ != ServerState::kDone) ShutDownServer();
  StopReadingServer();
  FinishIfDone();
}

// ---- server to client

void ByteTunnel::OnBytes(MutableBytes data) {
  server_stats_.bytes_received.Add(data.size());
  if (!client_.sending()) return Discard(data.size());
  const auto frame = packer_.Pack(data, context_.bytes);
  if (!frame) {
    client_.Close(frame.error().close_code, frame.error().reason, Closer::kServer,
                  frame.error().reason);
    context_.bytes.clear();
    return;
  }
  frame->empty() ? client_.NoteActivity() : client_.SendFrame(opcode_, *frame);
  context_.bytes.clear();
  if (client_.congested()) server_gate_.Pause(*server_, PauseReason::kFarEndFull);
  if (flow_) [[unlikely]]
    LimitFlow();
}

void ByteTunnel::LimitFlow() {
  switch (flow_->OnRead(client_.totals().messages_out, client_.totals().bytes_out)) {
    case FlowLimit::Verdict::kGoOn:
      return;
    case FlowLimit::Verdict::kWait:
      return server_gate_.Pause(*server_, PauseReason::kRate);
    case FlowLimit::Verdict::kClose:
      return End(code::kPolicyViolation, flow_->reason());
  }
}

void ByteTunnel::OnFlowAllowed(FlowLimit&) {
  if (server_) server_gate_.Resume(*server_, PauseReason::kRate);
}

void ByteTunnel::OnPeerDrained() {
  if (server_) server_gate_.Resume(*server_, PauseReason::kFarEndFull);
}

void ByteTunnel::OnEnd() {
  server_ended_ = true;
  const auto whole = packer_.Finish();
  if (answer_close_) {
    client_.Close(client_.peer_code(), "", Closer::kClient, "");
  } else if (!whole) {
    client_.Close(whole.error().close_code, whole.error().reason, Closer::kServer,
                  whole.error().reason);
  } else {
    client_.Close(code::kNormal, "", Closer::kServer,
                  server_truncated_ ? "the server ended the connection without TLS's close_notify"
                                    : "the server ended the connection");
  }
  if (server_state_ == ServerState::kOpen) server_state_ = ServerState::kEnded;
  if (server_flushed_) ServerDone();
}

void ByteTunnel::OnError(const Error& error) {
  if (answer_close_) {
    client_.Close(client_.peer_code(), "", Closer::kClient, "");
  } else {
    client_.Close(code::kInternalError, "the server's connection broke", Closer::kServer,
                  error.message);
  }
  ServerDone();
}

// ---- closing

void ByteTunnel::ShutDownServer() {
  if (server_state_ == ServerState::kShutting) return;
  server_state_ = ServerState::kShutting;
  server_->Shutdown();
  ArmCloseTimer();
}

// The client gets nothing more. A limited amount of the server's input is read and dropped, so that
// the server's FIN is noticed.
void ByteTunnel::StopReadingServer() {
  if (!server_) return;
  server_gate_.Resume(*server_, PauseReason::kRate);
  server_gate_.Resume(*server_, PauseReason::kFarEndFull);
}

void ByteTunnel::Discard(std::size_t bytes) {
  discard_left_ -= static_cast<std::uint32_t>(std::min<std::size_t>(bytes, discard_left_));
  if (discard_left_ > 0) return;
  server_->SetReading(false);
  if (server_flushed_) AbortSoon();
}

// The kernel has all data, but may not have sent the last of it, which a reset would discard.
void ByteTunnel::AbortSoon() {
  progress_.Mark(server_->delivery());
  close_timer_.Arm(std::min(facts().route->limits.close_timeout, kSendGrace));
}

void ByteTunnel::OnFlushed() {
  server_flushed_ = true;
  if (server_ended_) return ServerDone();
  if (discard_left_ == 0) AbortSoon();
}

void ByteTunnel::OnTimer(io::Timer&) {
  if (answer_close_) client_.Close(client_.peer_code(), "", Closer::kClient, "");
  // A server that makes progress in reading what the client sent gets more time; one that has
  // everything and only keeps sending does not.
  const io::Delivery delivery = server_->delivery();
  const bool has_all = server_flushed_ && discard_left_ == 0 && delivery.waiting == 0;
  if (!has_all && progress_.Since(delivery) >= kSlowestProgress) return ArmCloseTimer();
  ServerDone();
}

void ByteTunnel::ArmCloseTimer() {
  progress_.Mark(server_->delivery());
  close_timer_.Arm(facts().route->limits.close_timeout);
}

void ByteTunnel::ServerDone() {
  server_state_ = ServerState::kDone;
  close_timer_.Disarm();
  server_->SetHandler(nullptr);
  if (discard_left_ == 0) server_->Abort();
  context_.loop.turn.DeferDelete(std::move(server_));
  client_.ResumeReading(PauseReason::kFarEndFull);
  FinishIfDone();
}

void ByteTunnel::FinishIfDone() {
  if (client_done_ && server_state_ == ServerState::kDone) owner_.OnSessionDone(*this);
}

}  // namespace upgate::session
