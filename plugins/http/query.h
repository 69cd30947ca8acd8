#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/plugin/resolver.h"
#include "plugins/http_call/http_call.h"

namespace upgate::plugins {

// One question to the HTTP server. Destroying it gives up. On its loop's thread.
class HttpQuery final : public io::Deletable, private HttpCall::Handler {
 public:
  static constexpr std::size_t kMostBody = 64 * 1024;

  // `under_way` counts the queries of the instance, which outlives them. `context`: as for a
  // Dialer.
  HttpQuery(io::Loop loop, tls::Scratch& scratch, HostPort server, tls::ClientContext* context,
            http::OutgoingRequest request, plugin::Reply reply, std::size_t& under_way);
  ~HttpQuery() override;

 private:
  bool OnHead(const http::Response& head) override;
  void OnAnswer(http::Response answer) override;
  void OnFailed(std::string why) override;

  plugin::Reply reply_;
  std::size_t& under_way_;
  HttpCall call_;
};

}  // namespace upgate::plugins
