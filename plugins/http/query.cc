#include "plugins/http/query.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/http/url_template.h"
#include "plugins/target_value/target_value.h"

namespace upgate::plugins {

HttpQuery::HttpQuery(io::Loop loop, tls::Scratch& scratch, HostPort server,
                     tls::ClientContext* context, http::OutgoingRequest request,
                     plugin::Reply reply, std::size_t& under_way)
    : loop_(loop), request_(std::move(request)), reply_(std::move(reply)), under_way_(under_way) {
  ++under_way_;
  io::ConnectHandler& handler = *this;
  dialing_ = std::make_unique<plugin::Dialer>(loop, scratch, std::move(server), context, handler);
}

HttpQuery::~HttpQuery() {
  --under_way_;
  ReleaseConnection();
}

void HttpQuery::ReleaseConnection() {
  if (!connection_) return;
  connection_->Abort();
  loop_.turn.DeferDelete(std::move(connection_));
}

void HttpQuery::OnConnected(std::unique_ptr<io::ByteStream> stream) {
  loop_.turn.DeferDelete(std::move(dialing_));
  http::ClientConnection::Owner& owner = *this;
  connection_ = http::ClientConnection::Start(std::move(stream), loop_, limits_, owner);
  connection_->Send(request_, *this);
}

void HttpQuery::OnConnectFailed(const Error& error) {
  reply_(plugin::Failed("the server of the resolver: " + error.message));
}

void HttpQuery::OnHead(http::Response&& head, http::BodyLength) {
  head_ = std::move(head);
  if (head_.status == 404 || head_.status == 410) {
    ReleaseConnection();
    return reply_(plugin::Unknown());
  }
  if (head_.status == 200) return;
  ReleaseConnection();
  reply_(plugin::Failed(fmt::format("the server of the resolver answered {}", head_.status)));
}

void HttpQuery::OnBody(Bytes bytes) {
  if (body_.size() + bytes.size() <= kMostBody) return Append(body_, bytes);
  ReleaseConnection();
  reply_(plugin::Failed("the server of the resolver gave an answer that is too large"));
}

void HttpQuery::OnBodyEnd(const http::Headers&) {
  auto target = TargetOfJson(body_);
  const auto fresh = FreshnessOf(head_.headers);
  ReleaseConnection();
  if (!target) {
    return reply_(
        plugin::Failed("the server of the resolver gave an answer of no use: " + target.error()));
  }
  reply_(plugin::Found(std::move(*target), fresh));
}

void HttpQuery::OnUpgraded(const http::Response&, http::Upgraded upgraded) {
  loop_.turn.DeferDelete(std::move(upgraded.stream));
  reply_(plugin::Failed("the server of the resolver changed the protocol"));
}

void HttpQuery::OnFailed(const Error& error, bool) {
  ReleaseConnection();
  reply_(plugin::Failed("the server of the resolver: " + error.message));
}

}  // namespace upgate::plugins
