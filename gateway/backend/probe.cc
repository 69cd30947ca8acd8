#include "gateway/backend/probe.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "gateway/backend/own_request.h"
#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/ws/close.h"
#include "gateway/ws/mask.h"
#include "gateway/ws/server_answer.h"

namespace upgate::backend {
namespace {

// A server that has sent its pong works; a server that first delivers pending data may take long to
// close.
constexpr io::Millis kCloseTimeout{1'000};
constexpr std::size_t kMaxBody = 200;
constexpr http::ClientLimits kLimits;

// "403 Forbidden: the origin is not allowed"
std::string Describe(int status, std::string_view body) {
  const std::string_view line = Trim(body.substr(0, body.find_first_of("\r\n")));
  return fmt::format("{} {}{}{}", status, http::ReasonPhrase(status), line.empty() ? "" : ": ",
                     Printable(line, kMaxBody));
}

}  // namespace

Probe::Probe(const ProbeSettings& settings, std::shared_ptr<tls::ClientContext> tls, io::Loop loop,
             tls::Scratch& scratch, Owner& owner)
    : settings_(settings),
      loop_(loop),
      owner_(owner),
      connecting_(loop, scratch, *this),
      timer_(loop.timers, *this),
      started_us_(loop.timers.Micros()),
      decoder_(ws::Role::kClient, std::numeric_limits<std::int64_t>::max()) {
  timer_.Arm(settings.timeout);
  // The timeout is the timer of the probe.
  connecting_.Start(settings.server, std::move(tls),
                    {settings.timeout + std::chrono::hours(1), "the time of the probe"});
}

Probe::~Probe() {
  ReleaseConnection();
}

// ---- the request

http::OutgoingRequest Probe::Request() {
  const OwnRequest request{.authority = settings_.authority,
                           .target = settings_.target,
                           .user_agent = settings_.user_agent,
                           .headers = settings_.headers};
  if (!settings_.is_websocket) return MakeGet(request);
  if (!settings_.subprotocol.empty()) offer_.subprotocols = {settings_.subprotocol};
  return MakeHandshake(request, offer_, loop_.entropy);
}

void Probe::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  step_ = Step::kAnswer;
  connection_ = http::ClientConnection::Start(std::move(stream), loop_, kLimits, *this);
  connection_->Send(Request(), *this);
}

void Probe::OnServerFailed(const Error& error) {
  const bool kept = error.code == Errc::kTimeout || error.code == Errc::kTls;
  Finish(std::unexpected(Error{kept ? error.code : Errc::kUnreachable,
                               fmt::format("{}: {}", settings_.name, error.message),
                               error.tls_fault}));
}

// ---- the response

// NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): it may be moved from.
void Probe::OnHead(http::Response&& head, http::BodyLength) {
  status_ = head.status;
  const bool fine = std::ranges::any_of(settings_.statuses, [&](const auto& range) {
    return status_ >= range.first && status_ <= range.last;
  });
  if (!settings_.is_websocket && fine) {
    return Succeed(fmt::format("{} in {} ms", status_, MillisSince(started_us_)));
  }
  step_ = Step::kRefusal;
}

void Probe::OnBody(Bytes bytes) {
  if (step_ != Step::kRefusal) return;
  Append(body_,
         bytes.first(std::min(bytes.size(), kMaxBody + 1 - std::min(body_.size(), kMaxBody + 1))));
  if (body_.find('\n') != std::string::npos || body_.size() > kMaxBody) Refused();
}

void Probe::OnBodyEnd(const http::Headers&) {
  if (step_ == Step::kRefusal) Refused();
}

void Probe::Refused() {
  Fail(Errc::kProtocol,
       fmt::format("{}{}", settings_.is_websocket ? "not 101 but " : "", Describe(status_, body_)));
}

void Probe::OnFailed(const Error& error, bool) {
  if (step_ == Step::kRefusal) return Refused();
  Fail(error.code, error.message);
}

void Probe::OnUpgraded(const http::Response& head, http::Upgraded upgraded) {
  loop_.turn.DeferDelete(std::move(connection_));
  stream_ = std::move(upgraded.stream);
  if (const auto fault = ws::FaultOf(head, offer_, "")) {
    return Fail(Errc::kProtocol, "wrong handshake: " + *fault);
  }
  report_ = fmt::format("101 in {} ms", MillisSince(started_us_));
  if (const std::string* chosen = head.headers.Find("sec-websocket-protocol"))
    report_ += ", subprotocol " + Printable(*chosen);
  Ping();
  stream_->SetHandler(this);
  stream_->SetReading(true);
  if (!upgraded.early.empty()) OnBytes(std::as_writable_bytes(std::span(upgraded.early)));
}

// ---- frames

void Probe::Ping() {
  step_ = Step::kPong;
  pinged_us_ = loop_.timers.Micros();
  loop_.entropy.Fill(ping_);
  SendFrame(ws::Opcode::kPing, ping_);
}

void Probe::SendFrame(ws::Opcode opcode, Bytes payload) {
  ws::FrameHeader header{
      .opcode = opcode, .length = payload.size(), .mask = std::array<std::byte, 4>{}};
  loop_.entropy.Fill(*header.mask);
  std::array<std::byte, ws::kMaxHeader + ws::kMaxControlPayload> frame;
  std::byte* const begin = frame.data() + ws::kMaxHeader;
  std::ranges::copy(payload, begin);
  ws::Mask({begin, payload.size()}, *header.mask, 0);
  const std::size_t header_size = ws::EncodeHeaderBefore(header, begin);
  stream_->Write(Bytes(begin - header_size, header_size + payload.size()));
}

void Probe::OnBytes(MutableBytes data) {
  while (step_ != Step::kOver) {
    const auto part = decoder_.Next(data);
    if (!part)
      return Fail(Errc::kProtocol, fmt::format("{}, but then: {}", report_, part.error().reason));
    if (!*part) return;
    if (!ws::IsControl((*part)->opcode)) continue;  // data messages are ignored
    Append(control_, (*part)->payload);
    if ((*part)->frame_end) OnControl((*part)->opcode);
  }
}

void Probe::OnControl(ws::Opcode opcode) {
  if (opcode == ws::Opcode::kClose) return OnClose();
  if (opcode == ws::Opcode::kPong && step_ == Step::kPong &&
      AsBytes(control_).size() == ping_.size() && std::ranges::equal(AsBytes(control_), ping_)) {
    OnPong();
  } else if (opcode == ws::Opcode::kPing && step_ == Step::kPong && !stream_->congested()) {
    SendFrame(ws::Opcode::kPong, AsBytes(control_));
  }
  control_.clear();
}

void Probe::OnPong() {
  report_ += fmt::format(", pong in {} ms", MillisSince(pinged_us_));
  step_ = Step::kClose;
  const ws::CloseFrame close = ws::EncodeClose(ws::close_code::kNormal, "");
  SendFrame(ws::Opcode::kClose, close.view().subspan(2));  // the payload of the frame
  const io::Millis left =
      settings_.timeout - io::Millis(static_cast<std::int64_t>(MillisSince(started_us_)));
  timer_.Arm(std::clamp(left, io::Millis{0}, kCloseTimeout));
}

void Probe::OnClose() {
  const auto close = ws::ParseClose(AsBytes(control_));
  if (!close)
    return Fail(Errc::kProtocol, fmt::format("{}, but then: {}", report_, close.error().reason));
  if (step_ == Step::kClose) return Succeed(report_);
  Fail(Errc::kReset,
       fmt::format("{}, but the server closed with {} before a pong{}{}", report_, close->code,
                   close->reason.empty() ? "" : ": ", Printable(close->reason)));
}

void Probe::OnEnd() {
  if (step_ == Step::kClose) return Succeed(report_ + ", connection ended without Close");
  Fail(Errc::kReset, report_ + ", but the connection ended before a pong");
}

void Probe::OnError(const Error& error) {
  if (step_ == Step::kClose) return Succeed(report_ + ", connection ended without Close");
  Fail(error.code, fmt::format("{}, but no pong: {}", report_, error.message));
}

// ---- the result

void Probe::OnTimer(io::Timer&) {
  const std::string within = config::Syntax<config::Millis>::Write(settings_.timeout);
  switch (step_) {
    case Step::kConnecting:
      return Fail(Errc::kTimeout, "no connection within " + within);
    case Step::kAnswer:
      return Fail(Errc::kTimeout, "connected, but no answer within " + within);
    case Step::kRefusal:
      return Refused();
    case Step::kPong:
      return Fail(Errc::kTimeout, fmt::format("{}, but no pong within {}", report_, within));
    case Step::kClose:
      return Succeed(report_ + ", Close not answered yet");
    case Step::kOver:
      return;
  }
}

std::uint64_t Probe::MillisSince(std::uint64_t micros) const {
  return (loop_.timers.Micros() - micros) / 1000;
}

void Probe::Succeed(std::string_view how) {
  Finish(fmt::format("ok: {}", how));
}

void Probe::Fail(Errc code, std::string_view why) {
  Finish(upgate::Fail(code, fmt::format("{}: {}", settings_.name, why)));
}

void Probe::Finish(const Result<std::string>& outcome) {
  ReleaseConnection();
  step_ = Step::kOver;
  owner_.OnProbed(outcome);
}

void Probe::ReleaseConnection() {
  timer_.Disarm();
  connecting_.Cancel();
  if (connection_) {
    connection_->Abort();
    loop_.turn.DeferDelete(std::move(connection_));
  }
  if (stream_) {
    stream_->SetHandler(nullptr);
    loop_.turn.DeferDelete(std::move(stream_));
  }
}

}  // namespace upgate::backend
