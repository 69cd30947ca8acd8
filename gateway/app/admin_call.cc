#include "gateway/app/admin_call.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/app/command_url.h"
#include "gateway/app/version.h"
#include "gateway/base/match.h"
#include "gateway/config/scalar.h"

namespace upgate::app {
namespace {

constexpr http::ClientLimits kCallLimits;

// A unix socket has no name of its own.
std::string HostFor(const AdminAddress& address) {
  const auto* host = std::get_if<HostPort>(&address.where);
  return host != nullptr ? host->ToString() : "localhost";
}

config::Server ServerAt(const AdminAddress& address) {
  using config::ServerScheme;
  config::Server server;
  server.scheme = std::holds_alternative<UnixPath>(address.where) ? ServerScheme::kUnix
                  : address.tls                                   ? ServerScheme::kTls
                                                                  : ServerScheme::kTcp;
  server.address = address.where;
  return server;
}

}  // namespace

std::string AdminAddress::ToString() const {
  return std::visit(
      Match{[&](const HostPort& host) { return (tls ? "https://" : "http://") + host.ToString(); },
            [](const UnixPath& unix_path) { return "unix:" + unix_path.path; }},
      where);
}

AdminCall::AdminCall(const AdminAddress& address, AdminRequest request,
                     std::shared_ptr<tls::ClientContext> tls, io::Loop loop, tls::Scratch& scratch,
                     Owner& owner)
    : name_(address.ToString()),
      host_(HostFor(address)),
      request_(std::move(request)),
      loop_(loop),
      owner_(owner),
      server_(ServerAt(address)),
      connecting_(loop, scratch, *this),
      timer_(loop.timers, *this) {
  timer_.Arm(request_.timeout);
  // The timer of the call is the limit for everything.
  connecting_.Start(server_, std::move(tls), {2 * request_.timeout, "the time of the call"});
}

AdminCall::~AdminCall() {
  ReleaseConnection();
}

void AdminCall::OnServerConnected(std::unique_ptr<io::ByteStream> stream) {
  http::Headers headers;
  headers.Add("Host", host_);
  headers.Add("User-Agent", "upgate/" + VersionNumber());
  headers.Add("Accept", "application/json");
  if (!request_.token.empty()) headers.Add("Authorization", "Bearer " + request_.token);
  http::OutgoingRequest request{.method = request_.method,
                                .target = request_.target,
                                .headers = http::OutgoingFields(headers),
                                .body = {},
                                .upgrade = {}};
  if (request_.method == "POST") {  // with a Content-Length of 0 (RFC 9110, section 8.6)
    request.has_body = true;
    request.body.bytes = 0;
  }
  connection_ = http::ClientConnection::Start(std::move(stream), loop_, kCallLimits, *this);
  connection_->Send(request, *this);
  if (request.has_body) connection_->EndBody({});
}

void AdminCall::OnServerFailed(const Error& error) {
  Fail(error.code, WithTrustOptions(error));
}

void AdminCall::OnHead(http::Response&& head, http::BodyLength) {
  answer_ = std::move(head);
}

void AdminCall::OnBody(Bytes bytes) {
  if (answer_.body.size() + bytes.size() > kMostAnswer)
    return Fail(Errc::kLimit, "the response is too long");
  Append(answer_.body, bytes);
}

void AdminCall::OnBodyEnd(const http::Headers&) {
  Finish(std::move(answer_));
}

void AdminCall::OnUpgraded(const http::Response&, http::Upgraded upgraded) {
  loop_.turn.DeferDelete(std::move(upgraded.stream));
  Fail(Errc::kProtocol, "not the admin address of a gateway");
}

void AdminCall::OnFailed(const Error& error, bool) {
  Fail(error.code, error.message);
}

void AdminCall::OnTimer(io::Timer&) {
  Fail(Errc::kTimeout,
       "no response within " + config::Syntax<config::Millis>::Write(request_.timeout));
}

void AdminCall::Fail(Errc code, std::string_view why) {
  Finish(upgate::Fail(code, fmt::format("{}: {}", name_, why)));
}

void AdminCall::Finish(Result<http::Response> answer) {
  ReleaseConnection();
  owner_.OnAnswered(std::move(answer));
}

void AdminCall::ReleaseConnection() {
  timer_.Disarm();
  connecting_.Cancel();
  if (!connection_) return;
  connection_->Abort();
  loop_.turn.DeferDelete(std::move(connection_));
}

}  // namespace upgate::app
