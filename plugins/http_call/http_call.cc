#include "plugins/http_call/http_call.h"

#include <utility>

namespace upgate::plugins {

HttpCall::HttpCall(io::Loop loop, tls::Scratch& scratch, HostPort server,
                   tls::ClientContext* context, http::OutgoingRequest request, std::size_t most,
                   Handler& handler)
    : loop_(loop), request_(std::move(request)), most_(most), handler_(handler) {
  io::ConnectHandler& connect = *this;
  dialing_ = std::make_unique<plugin::Dialer>(loop, scratch, std::move(server), context, connect);
}

HttpCall::~HttpCall() {
  ReleaseConnection();
}

void HttpCall::ReleaseConnection() {
  if (!connection_) return;
  connection_->Abort();
  loop_.turn.DeferDelete(std::move(connection_));
}

void HttpCall::OnConnected(std::unique_ptr<io::ByteStream> stream) {
  loop_.turn.DeferDelete(std::move(dialing_));
  http::ClientConnection::Owner& owner = *this;
  connection_ = http::ClientConnection::Start(std::move(stream), loop_, limits_, owner);
  connection_->Send(request_, *this);
}

void HttpCall::OnConnectFailed(const Error& error) {
  handler_.OnFailed(": " + error.message);
}

void HttpCall::OnHead(http::Response&& head, http::BodyLength) {
  answer_ = std::move(head);
  if (!handler_.OnHead(answer_)) ReleaseConnection();
}

void HttpCall::OnBody(Bytes bytes) {
  if (answer_.body.size() + bytes.size() <= most_) return Append(answer_.body, bytes);
  ReleaseConnection();
  handler_.OnFailed(" gave an answer that is too large");
}

void HttpCall::OnBodyEnd(const http::Headers&) {
  ReleaseConnection();
  handler_.OnAnswer(std::move(answer_));
}

void HttpCall::OnUpgraded(const http::Response&, http::Upgraded upgraded) {
  loop_.turn.DeferDelete(std::move(upgraded.stream));
  handler_.OnFailed(" changed the protocol");
}

void HttpCall::OnFailed(const Error& error, bool) {
  ReleaseConnection();
  handler_.OnFailed(": " + error.message);
}

}  // namespace upgate::plugins
