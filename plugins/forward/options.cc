#include "plugins/forward/options.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/config/scalar.h"

namespace upgate::plugins {
namespace {

// Those that frame a message, belong to one connection, or make up a handshake.
constexpr std::array<std::string_view, 10> kOwnFields{
    "connection", "content-length",    "expect",  "host",    "keep-alive",
    "te",         "transfer-encoding", "upgrade", "trailer", "proxy-connection"};

bool IsOwn(std::string_view name) {
  return std::ranges::any_of(kOwnFields, [&](auto own) { return EqualsIgnoreCase(name, own); }) ||
         ToLower(name).starts_with("sec-websocket-");
}

// Adds an error, and returns false, for what is not the name of a field that can be passed on.
bool IsPassable(const config::Field& field, const std::string& name) {
  if (!config::Syntax<config::Token>::Read(name)) {
    field.Refuse({"is not the name of a header"}, "");
    return false;
  }
  if (!IsOwn(name)) return true;
  field.Refuse({"belongs to one connection", "remove it"}, "");
  return false;
}

// What the gateway itself writes of a request: the service could not tell which of two to believe.
bool IsOfGateway(std::string_view name) {
  const std::string lower = ToLower(name);
  return lower.starts_with("x-forwarded-") || lower.starts_with("x-original-");
}

// `of_request`: of those that clients send.
std::vector<std::string> ParseFieldNames(const config::Field& field, bool of_request) {
  std::vector<std::string> names;
  for (const config::Field& item : field.Items()) {
    auto name = item.Maybe<std::string>();
    if (!name || !IsPassable(item, *name)) continue;
    if (of_request && IsOfGateway(*name))
      item.Refuse({"is written by the gateway", "remove it"}, "");
    names.push_back(std::move(*name));
  }
  return names;
}

HttpUrl ParseServiceUrl(const config::Field& field) {
  const auto text = field.Required<std::string>();
  if (text.empty()) return {};
  auto url = ReadHttpUrl(text);
  const auto fault = url ? FaultOfHttpTarget(url->target) : std::optional(url.error());
  if (fault) {
    field.Refuse(*fault, "");
    return {};
  }
  return std::move(*url);
}

}  // namespace

ForwardOptions ParseForwardOptions(plugin::AuthSetup& setup) {
  using io::Millis;
  config::Field& given = setup.options;
  ForwardOptions options;
  options.url = ParseServiceUrl(given["url"]);
  options.tls = ParseHttpTls(given["tls"], options.url, setup.folder);
  if (const config::Field headers = given["headers"]; headers.present())
    options.headers = ParseFieldNames(headers, true);
  options.set = ParseFieldNames(given["set"], false);
  const config::Field user = given["user_header"];
  if (auto name = user.Maybe<std::string>(); name && IsPassable(user, *name))
    options.user_header = std::move(*name);
  options.timeout = given["timeout"].Optional(options.timeout, {Millis{1}, Millis{60'000}});
  options.cache = given["cache"].Optional(options.cache, {Millis{0}, Millis{86'400'000}});
  const config::Field recheck = given["recheck"];
  options.recheck = recheck.Optional(options.recheck, {Millis{0}, Millis{86'400'000}});
  if (options.recheck.count() != 0 && options.recheck < Millis{1'000})
    recheck.Refuse({"is too often", "use 1s or more, or 0s for never"}, "");
  options.allow_on_error =
      given["on_error"].OneOf<bool>({{"deny", false}, {"allow", true}}, options.allow_on_error);
  given.RejectUnknownKeys();
  return options;
}

}  // namespace upgate::plugins
