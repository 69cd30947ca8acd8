#include "plugins/http/query.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/http/url_template.h"
#include "plugins/target_value/target_value.h"

namespace upgate::plugins {

HttpQuery::HttpQuery(io::Loop loop, tls::Scratch& scratch, HostPort server,
                     tls::ClientContext* context, http::OutgoingRequest request,
                     plugin::Reply reply, std::size_t& under_way)
    : reply_(std::move(reply)),
      under_way_(under_way),
      call_(loop, scratch, std::move(server), context, std::move(request), kMostBody, *this) {
  ++under_way_;
}

HttpQuery::~HttpQuery() {
  --under_way_;
}

bool HttpQuery::OnHead(const http::Response& head) {
  if (head.status == 200) return true;
  if (head.status == 404 || head.status == 410) {
    reply_(plugin::Unknown());
  } else {
    reply_(plugin::Failed(fmt::format("the server of the resolver answered {}", head.status)));
  }
  return false;
}

void HttpQuery::OnAnswer(http::Response answer) {
  auto target = TargetOfJson(answer.body);
  if (!target) {
    return reply_(
        plugin::Failed("the server of the resolver gave an answer of no use: " + target.error()));
  }
  reply_(plugin::Found(std::move(*target), FreshnessOf(answer.headers)));
}

void HttpQuery::OnFailed(std::string why) {
  reply_(plugin::Failed("the server of the resolver" + why));
}

}  // namespace upgate::plugins
