#include "plugins/forward/question.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "plugins/auth/places.h"

namespace upgate::plugins {
namespace {

using plugin::AuthReason;

constexpr std::size_t kLongestField = 4096;  // of those that go to the server

// The fields of an answer that are no part of what it says.
constexpr std::array<std::string_view, 12> kOfConnection{
    "connection", "keep-alive", "proxy-connection", "te",     "trailer", "transfer-encoding",
    "upgrade",    "date",       "content-length",   "server", "alt-svc", "via"};

bool BelongsToConnection(const http::Headers& headers, std::string_view name) {
  return std::ranges::any_of(kOfConnection,
                             [&](auto own) { return EqualsIgnoreCase(name, own); }) ||
         ToLower(name).starts_with("sec-websocket-") || headers.HasToken("connection", name);
}

plugin::AuthAnswer Denied(http::Response answer) {
  const http::Headers all = answer.headers;
  answer.headers.Filter(
      [&](const http::Header& field) { return !BelongsToConnection(all, field.name); });
  answer.reason.clear();
  std::string why = fmt::format("the service answered {}", answer.status);
  return {.identity = nullptr,
          .reason = AuthReason::kDenied,
          .response = std::move(answer),
          .why = std::move(why)};
}

}  // namespace

http::OutgoingRequest QuestionAbout(const plugin::AuthQuestion& question,
                                    const ForwardOptions& options) {
  const http::Request& asked = question.request;
  std::string uri = asked.target.raw_path;
  if (asked.target.has_query) uri.append("?").append(asked.target.query);
  http::OutgoingRequest request;
  request.method = "GET";
  request.target = options.url.target;
  http::OutgoingFields& fields = request.headers;
  fields.Add("Host", options.url.authority);
  fields.Add("X-Forwarded-Method", asked.method);
  fields.Add("X-Forwarded-Proto", question.scheme);
  fields.Add("X-Forwarded-Host", question.host);
  fields.Add("X-Forwarded-Uri", uri);
  if (!question.client.empty()) fields.Add("X-Forwarded-For", question.client);
  fields.Add("X-Original-Method", asked.method);
  fields.Add("X-Original-URI", uri);
  fields.Add("X-Original-URL", fmt::format("{}://{}{}", question.scheme, question.host, uri));
  for (const std::string& name : options.headers) {
    for (const http::Header& field : asked.headers) {
      if (EqualsIgnoreCase(field.name, name)) fields.AddParsed(field);
    }
  }
  return request;
}

bool IsForClient(int status) {
  return status == 401 || status == 403 || (status >= 300 && status < 400);
}

plugin::AuthAnswer MeaningOf(http::Response answer, const ForwardOptions& options) {
  const int status = answer.status;
  if (IsForClient(status)) return Denied(std::move(answer));
  if (status < 200 || status >= 300)
    return plugin::Refused(AuthReason::kFailed, fmt::format("the service answered {}", status));
  auto identity = std::make_shared<plugin::Identity>();
  plugin::AuthAnswer allowed;
  for (const std::string& name : options.set) {
    std::string value = answer.headers.Joined(name);
    if (value.size() > kLongestField) value.clear();
    identity->claims.emplace(name, value);
    allowed.to_server.Add(name, value);
  }
  if (!options.user_header.empty()) {
    const std::string* user = answer.headers.Find(options.user_header);
    if (user != nullptr) identity->user = *user;
    if (!IsUserName(identity->user)) {
      return plugin::Refused(AuthReason::kFailed,
                             "the user's name in the answer of the service is too long");
    }
  }
  allowed.identity = std::move(identity);
  allowed.reason = AuthReason::kAllowed;
  return allowed;
}

}  // namespace upgate::plugins
