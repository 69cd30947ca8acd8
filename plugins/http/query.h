#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/plugin/dialer.h"
#include "gateway/plugin/http_client.h"
#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// One question to the HTTP server, on a connection of its own. Destroying it gives up. On its
// loop's thread.
class HttpQuery final : public io::Deletable,
                        private io::ConnectHandler,
                        private http::ResponseHandler,
                        private http::ClientConnection::Owner {
 public:
  static constexpr std::size_t kMostBody = 64 * 1024;

  // `under_way` counts the queries of the instance, which outlives them. `context`: as for a
  // Dialer.
  HttpQuery(io::Loop loop, tls::Scratch& scratch, HostPort server, tls::ClientContext* context,
            http::OutgoingRequest request, plugin::Reply reply, std::size_t& under_way);
  ~HttpQuery() override;

 private:
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnConnectFailed(const Error& error) override;
  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&& head, http::BodyLength length) override;
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}
  void ReleaseConnection();

  io::Loop loop_;
  const http::OutgoingRequest request_;
  plugin::Reply reply_;
  std::size_t& under_way_;
  http::ClientLimits limits_;
  std::unique_ptr<http::ClientConnection> connection_;
  http::Response head_;
  std::string body_;
  std::unique_ptr<io::Pending> dialing_;
};

}  // namespace upgate::plugins
