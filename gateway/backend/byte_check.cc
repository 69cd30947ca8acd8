#include "gateway/backend/byte_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::backend {
namespace {

constexpr std::size_t kMostReceived = 64 * 1024;

}  // namespace

ByteCheck::ByteCheck(const config::HealthCheck& check, const config::Server& server,
                     config::SendProxy send_proxy, std::shared_ptr<tls::ClientContext> tls,
                     io::Loop loop, tls::Scratch& scratch, Owner& owner)
    : check_(check),
      send_proxy_(send_proxy),
      loop_(loop),
      owner_(owner),
      timer_(loop.timers, *this),
      connecting_(loop, scratch, *this) {
  timer_.Arm(check.timeout);
  // The timer of its own is for both parts.
  connecting_.Start(server, std::move(tls), {check.timeout * 2, "timeout of health"});
}

ByteCheck::~ByteCheck() {
  ReleaseConnection();
}

void ByteCheck::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  stream_ = std::move(stream);
  if (!check_.send.empty()) stream_->Write(AsBytes(check_.send));
  if (check_.expect.empty()) return Finish("connected");
  stream_->SetHandler(this);
  stream_->SetReading(true);
}

void ByteCheck::OnServerFailed(const Error& error) {
  Finish(std::unexpected(error));
}

void ByteCheck::OnBytes(MutableBytes data) {
  // A server may send it byte by byte: only its beginning can be in what came before.
  const std::size_t from = received_.size() - std::min(received_.size(), check_.expect.size() - 1);
  Append(received_, data);
  if (received_.find(check_.expect, from) != std::string::npos)
    return Finish("sent what was expected");
  if (received_.size() > kMostReceived)
    Finish(Fail(Errc::kProtocol, "it has sent much, and nothing of what is expected"));
}

void ByteCheck::OnEnd() {
  Finish(Fail(Errc::kProtocol,
              fmt::format("it has ended the connection without what is expected; it sent '{}'",
                          Printable(received_, 60))));
}

void ByteCheck::OnError(const Error& error) {
  Finish(std::unexpected(error));
}

void ByteCheck::OnTimer(io::Timer&) {
  Finish(Fail(Errc::kTimeout, stream_ ? "connected, but what is expected did not come in time"
                                      : "no connection in time"));
}

void ByteCheck::Finish(const Result<std::string>& outcome) {
  ReleaseConnection();
  owner_.OnChecked(outcome);
}

void ByteCheck::ReleaseConnection() {
  timer_.Disarm();
  connecting_.Cancel();
  if (!stream_) return;
  stream_->SetHandler(nullptr);
  loop_.turn.DeferDelete(std::move(stream_));
}

}  // namespace upgate::backend
