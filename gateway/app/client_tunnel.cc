#include "gateway/app/client_tunnel.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/version.h"
#include "gateway/backend/own_request.h"
#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/ws/close.h"
#include "gateway/ws/server_answer.h"

namespace upgate::app {
namespace {

constexpr http::ClientLimits kTunnelLimits;
// Of the body of a refusal, for its message.
constexpr std::size_t kMaxRefusal = 200;
// A local end that takes nothing more after the server has gone.
constexpr io::Millis kLocalTimeout{10'000};
// After our Close, for what the server still sends.
constexpr io::Millis kServerCloseTimeout{30'000};
// Between attempts, doubled from the first to the last.
constexpr io::Millis kFirstRetry{100};
constexpr io::Millis kLastRetry{2'000};

// Responses that say that it may be otherwise soon.
bool MayPass(int status) {
  return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

}  // namespace

ClientTunnel::ClientTunnel(const Shared& shared, std::unique_ptr<io::ByteStream> local,
                           Owner& owner)
    : shared_(shared),
      settings_(shared.settings),
      context_(shared.context),
      loop_(context_.loop),
      owner_(owner),
      target_(ServerOf(settings_.url)),
      connecting_(loop_, shared.scratch, *this),
      local_(std::move(local)),
      timer_(loop_.timers, *this),
      retry_timer_(loop_.timers, *this),
      retry_delay_(kFirstRetry) {
  // The messages are pieces of a stream: their size means nothing.
  limits_.server_message_size = std::numeric_limits<std::int64_t>::max();
  limits_.close_timeout = kServerCloseTimeout;
  local_->SetHandler(this);  // reading begins with the 101
  timer_.Arm(settings_.timeout);
  Connect();
}

ClientTunnel::~ClientTunnel() {
  ReleaseConnection();
}

// ---- the handshake (RFC 6455, section 4.1)

void ClientTunnel::Connect() {
  // timer_ is the limit for everything.
  connecting_.Start(target_, shared_.tls, {2 * settings_.timeout, "the time of the handshake"});
}

void ClientTunnel::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  connection_ = http::ClientConnection::Start(std::move(stream), loop_, kTunnelLimits, *this);
  const std::string user_agent = "upgate/" + VersionNumber();
  offer_.subprotocols = settings_.subprotocols;
  connection_->Send(backend::MakeHandshake({.authority = settings_.url.authority,
                                            .target = settings_.url.target,
                                            .user_agent = user_agent,
                                            .headers = settings_.headers},
                                           offer_, loop_.entropy),
                    *this);
}

void ClientTunnel::OnServerFailed(const Error& error) {
  const std::string why = WithTrustOptions(error);
  if (!RetryLater(why)) Fail(why);
}

// NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): it may be moved from.
void ClientTunnel::OnHead(http::Response&& head, http::BodyLength) {
  status_ = head.status;
}

void ClientTunnel::OnBody(Bytes bytes) {
  Append(refusal_, bytes.first(std::min(bytes.size(), kMaxRefusal - refusal_.size())));
  if (refusal_.size() == kMaxRefusal || refusal_.find('\n') != std::string::npos) Refused();
}

void ClientTunnel::OnBodyEnd(const http::Headers&) {
  Refused();
}

void ClientTunnel::Refused() {
  const std::string_view line =
      Trim(std::string_view(refusal_).substr(0, refusal_.find_first_of("\r\n")));
  const std::string why = fmt::format("not 101 but {} {}{}{}", status_, http::ReasonPhrase(status_),
                                      line.empty() ? "" : ": ", Printable(line, kMaxRefusal));
  if (!MayPass(status_) || !RetryLater(why)) Fail(why);
}

void ClientTunnel::OnFailed(const Error& error, bool) {
  if (status_ != 0) return Refused();
  if (!RetryLater(error.message)) Fail(error.message);
}

void ClientTunnel::OnUpgraded(const http::Response& head, http::Upgraded upgraded) {
  loop_.turn.DeferDelete(std::move(connection_));
  if (const auto fault = ws::FaultOf(head, offer_, "")) {
    loop_.turn.DeferDelete(std::move(upgraded.stream));
    return Fail("wrong handshake: " + *fault);
  }
  Start(std::move(upgraded));
}

void ClientTunnel::Start(http::Upgraded upgraded) {
  timer_.Disarm();
  server_ = std::make_unique<session::Endpoint>(
      ws::Role::kClient, context_, std::move(upgraded.stream), nullptr, limits_, stats_,
      static_cast<session::Endpoint::Owner&>(*this));
  local_->SetReading(true);
  server_->Start();
  server_->ReadEarly(std::move(upgraded.early));
}

// The timer for the whole is still armed.
bool ClientTunnel::RetryLater(const std::string& why) {
  if (!settings_.retries) return false;
  last_failure_ = why;
  AbortServer();
  status_ = 0;
  refusal_.clear();
  retry_timer_.Arm(retry_delay_);
  retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
  return true;
}

// ---- from the server

void ClientTunnel::OnPart(const ws::FramePart& part) {
  if (local_shut_ || part.payload.empty()) return;
  if (context_.slices.size() == session::Context::kMaxSlices) ToLocal();
  context_.slices.emplace_back(part.payload);
}

void ClientTunnel::OnReadDone() {
  ToLocal();
}

void ClientTunnel::ToLocal() {
  if (context_.slices.empty()) return;
  local_->Write(context_.slices);
  context_.slices.clear();
  if (local_->congested()) server_->PauseReading(session::PauseReason::kFarEndFull);
}

void ClientTunnel::OnPeerDrained() {
  if (local_ && !local_done_) local_->SetReading(true);
}

void ClientTunnel::OnPeerClosing(session::PeerEnd end, std::string_view) {
  if (end == session::PeerEnd::kClosed)
    server_->Close(server_->peer_code(), "", session::Closer::kServer, "");
  if (local_) local_->SetReading(false);
  ShutDownLocal();
}

void ClientTunnel::OnPeerDone() {
  server_done_ = true;
  ShutDownLocal();
  FinishIfDone();
}

// ---- from the local end

void ClientTunnel::OnBytes(MutableBytes data) {
  if (!server_->sending()) return;
  server_->SendPart({.opcode = ws::Opcode::kBinary,
                     .frame_begin = true,
                     .frame_end = true,
                     .message_begin = true,
                     .message_end = true,
                     .payload = data},
                    data.size());
  server_->Flush();
  if (server_->congested()) local_->SetReading(false);
}

void ClientTunnel::OnEnd() {
  server_->Close(ws::close_code::kNormal, "", session::Closer::kClient, "");
}

void ClientTunnel::OnError(const Error& error) {
  local_done_ = local_shut_ = true;
  if (!server_) return Finish(false, "the local end broke: " + error.message);
  server_->Close(ws::close_code::kGoingAway, "", session::Closer::kClient,
                 "the local end broke: " + error.message);
  server_->ResumeReading(session::PauseReason::kFarEndFull);
  FinishIfDone();
}

void ClientTunnel::OnWritable() {
  if (server_) server_->ResumeReading(session::PauseReason::kFarEndFull);
}

void ClientTunnel::OnFlushed() {
  local_done_ = true;
  FinishIfDone();
}

// ---- the end

void ClientTunnel::ShutDownLocal() {
  if (std::exchange(local_shut_, true)) return;
  local_->Shutdown();
  local_mark_ = local_->queued();
  timer_.Arm(kLocalTimeout);
}

void ClientTunnel::FinishIfDone() {
  if (!server_done_ || !local_done_) return;
  const session::Ending& ending = server_->ending();
  if (ending.closer == session::Closer::kClient) return Finish(true, "");
  const bool normal = ending.code == ws::close_code::kNormal ||
                      ending.code == ws::close_code::kGoingAway ||
                      ending.code == ws::close_code::kNoStatus;
  Finish(normal, fmt::format("{}: closed with {}{}{}", target_.url, ending.code,
                             ending.why.empty() ? "" : ": ", Printable(ending.why)));
}

void ClientTunnel::OnTimer(io::Timer& timer) {
  if (&timer == &retry_timer_) return Connect();
  if (!server_) {
    return Fail(fmt::format("no WebSocket within {}{}{}",
                            config::Syntax<config::Millis>::Write(settings_.timeout),
                            last_failure_.empty() ? "" : ": ", last_failure_));
  }
  if (local_->queued() < std::exchange(local_mark_, local_->queued()))
    return timer_.Arm(kLocalTimeout);
  local_done_ = true;
  FinishIfDone();
}

void ClientTunnel::End(std::string_view why) {
  if (!server_) return Finish(false, std::string(why));
  server_->Close(ws::close_code::kGoingAway, "", session::Closer::kClient, why);
}

void ClientTunnel::Fail(std::string_view why) {
  Finish(false, fmt::format("{}: {}", target_.url, why));
}

void ClientTunnel::Finish(bool ok, std::string message) {
  if (std::exchange(over_, true)) return;
  const bool established = server_ != nullptr;
  ReleaseConnection();
  owner_.OnTunnelDone(*this, {ok, established, std::move(message)});
}

void ClientTunnel::AbortServer() {
  connecting_.Cancel();
  if (!connection_) return;
  connection_->Abort();
  loop_.turn.DeferDelete(std::move(connection_));
}

void ClientTunnel::ReleaseConnection() {
  timer_.Disarm();
  retry_timer_.Disarm();
  AbortServer();
  if (server_ && !server_done_) server_->Abort("");
  if (local_) {
    local_->SetHandler(nullptr);
    loop_.turn.DeferDelete(std::move(local_));
  }
}

}  // namespace upgate::app
