#include "gateway/admin/parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "gateway/config/error.h"
#include "gateway/config/scalar.h"
#include "gateway/ws/close.h"
#include "gateway/ws/utf8.h"

namespace upgate::admin {
namespace {

using upgrade::SessionOrder;
using upgrade::SessionRank;

constexpr std::uint64_t kMostRows = 1000;
constexpr std::size_t kMostReason = 123;  // RFC 6455, section 5.5.1
constexpr io::Millis kLongestSpread = std::chrono::hours(24);
constexpr std::string_view kClosedByOperator = "closed by an operator";

constexpr std::array<std::pair<std::string_view, SessionOrder>, 3> kOrders{{
    {"bytes", SessionOrder::kBytes},
    {"age", SessionOrder::kAge},
    {"idle", SessionOrder::kIdle},
}};

std::unexpected<Problem> Wrong(std::string message, int status = 400) {
  return std::unexpected(Problem{status, std::move(message)});
}

std::string_view Find(const Parameters& parameters, std::string_view name) {
  const auto it = parameters.find(name);
  return it != parameters.end() ? std::string_view(it->second) : std::string_view();
}

std::optional<std::string> Named(const Parameters& parameters, std::string_view name) {
  const auto it = parameters.find(name);
  return it != parameters.end() ? std::optional(it->second) : std::nullopt;
}

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::string_view NameOf(SessionOrder order) {
  const auto* it = std::ranges::find(kOrders, order, [](const auto& o) { return o.second; });
  return it != kOrders.end() ? it->first : "id";
}

// Cursors contain their order, as in "bytes-KEY-ID", so that a cursor of one order is not accepted
// for another.
std::optional<SessionRank> ReadCursor(SessionOrder order, std::string_view text) {
  if (order == SessionOrder::kId) {
    const auto id = Number(text);
    return id ? std::optional(SessionRank{0, *id}) : std::nullopt;
  }
  const std::string prefix = std::string(NameOf(order)) + "-";
  if (!text.starts_with(prefix)) return {};
  text.remove_prefix(prefix.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  const auto key = Number(text.substr(0, dash));
  const auto id = Number(text.substr(dash + 1));
  return key && id ? std::optional(SessionRank{*key, *id}) : std::nullopt;
}

bool IsUtf8(std::string_view text) {
  ws::Utf8Checker checker;
  return checker.Feed(AsBytes(text)) && checker.complete();
}

}  // namespace

http::Response ErrorResponse(const Problem& problem) {
  http::Response response;
  response.status = problem.status;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = DumpJson({{"error", problem.message}}) + "\n";
  return response;
}

Read<Parameters> ReadParameters(const http::Request& request,
                                std::span<const std::string_view> known) {
  Parameters parameters;
  for (auto& [name, value] : http::QueryParameters(request.target.query)) {
    if (std::ranges::find(known, name) == known.end()) {
      const std::string_view near = NearestOf(name, known);
      const std::string written = config::Excerpt(name);
      return known.empty() ? Wrong(fmt::format("unknown parameter '{}'; this takes none", written))
             : near.empty()
                 ? Wrong(fmt::format("unknown parameter '{}'; known are {}", written,
                                     Join(known, ", ")))
                 : Wrong(fmt::format("unknown parameter '{}'; did you mean '{}'?", written, near));
    }
    if (value.empty() && name != "subprotocol" && name != "reason")
      return Wrong(fmt::format("{}: has no value", name));
    if (parameters.contains(name)) return Wrong(fmt::format("{}: is given twice", name));
    parameters.emplace(name, std::move(value));
  }
  return parameters;
}

Read<upgrade::SessionFilter> ReadFilter(const Parameters& parameters) {
  upgrade::SessionFilter filter;
  filter.route = Named(parameters, "route");
  filter.server = Named(parameters, "server");
  filter.listener = Named(parameters, "listener");
  filter.subprotocol = Named(parameters, "subprotocol");
  filter.user = Named(parameters, "user");
  if (const auto client = Named(parameters, "client")) {
    filter.client = Cidr::Parse(*client);
    if (!filter.client)
      return Wrong(fmt::format("client: '{}' is not {}", config::Excerpt(*client),
                               config::Syntax<Cidr>::kForm));
  }
  return filter;
}

Read<upgrade::SessionQuery> ReadQuery(const Parameters& parameters) {
  upgrade::SessionQuery query;
  auto filter = ReadFilter(parameters);
  if (!filter) return std::unexpected(std::move(filter.error()));
  query.filter = std::move(*filter);
  if (const std::string_view limit = Find(parameters, "limit"); !limit.empty()) {
    const auto number = Number(limit);
    if (!number || *number < 1 || *number > kMostRows)
      return Wrong(fmt::format("limit: '{}' is not a number from 1 to {}", config::Excerpt(limit),
                               kMostRows));
    query.limit = static_cast<std::size_t>(*number);
  }
  if (const std::string_view sort = Find(parameters, "sort"); !sort.empty() && sort != "id") {
    const auto* order = std::ranges::find(kOrders, sort, [](const auto& o) { return o.first; });
    if (order == kOrders.end())
      return Wrong(fmt::format("sort: '{}' is not id, bytes, age or idle", config::Excerpt(sort)));
    query.order = order->second;
  }
  if (const std::string_view after = Find(parameters, "after"); !after.empty()) {
    const auto rank = ReadCursor(query.order, after);
    if (!rank)
      return Wrong(fmt::format("after: '{}' is not the 'next' of a page with sort={}",
                               config::Excerpt(after), NameOf(query.order)));
    query.after = *rank;
  }
  return query;
}

Read<CloseWords> ReadClose(const Parameters& parameters) {
  CloseWords words{ws::close_code::kPolicyViolation, std::string(kClosedByOperator)};
  if (const std::string_view code = Find(parameters, "code"); !code.empty()) {
    const auto number = Number(code);
    if (!number || *number > 0xffff || !ws::IsForClients(static_cast<std::uint16_t>(*number)))
      return Wrong(fmt::format(
          "code: '{}' cannot be sent in a Close; 1000-1003, 1007-1013 and 3000-4999 can",
          config::Excerpt(code)));
    words.code = static_cast<std::uint16_t>(*number);
  }
  if (auto reason = Named(parameters, "reason")) {
    if (!IsUtf8(*reason)) return Wrong("reason: is not UTF-8");
    if (reason->size() > kMostReason)
      return Wrong(fmt::format("reason: has {} bytes, and a Close has room for {}", reason->size(),
                               kMostReason));
    words.reason = std::move(*reason);
  }
  return words;
}

Read<std::optional<io::Millis>> ReadSpread(const Parameters& parameters) {
  const std::string_view text = Find(parameters, "spread");
  if (text.empty()) return std::nullopt;
  const auto spread = config::Syntax<config::Millis>::Read(text);
  if (!spread || spread->count() < 0 || *spread > kLongestSpread)
    return Wrong(fmt::format("spread: '{}' is not {} of at most 24h", config::Excerpt(text),
                             config::Syntax<config::Millis>::kForm));
  return *spread;
}

Read<std::uint64_t> ReadId(std::string_view text) {
  const auto id = Number(text);
  if (!id || *id == 0)
    return Wrong(fmt::format("'{}' is not the id of a session; GET /sessions lists them",
                             config::Excerpt(text)),
                 404);
  return *id;
}

std::string WriteCursor(SessionOrder order, const SessionRank& rank) {
  if (order == SessionOrder::kId) return std::to_string(rank.id);
  return fmt::format("{}-{}-{}", NameOf(order), rank.key, rank.id);
}

}  // namespace upgate::admin
