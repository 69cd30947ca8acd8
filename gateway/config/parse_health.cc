// The keys of a backend that say how its servers are checked, and what happens when one fails.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"
#include "gateway/config/to_value.h"

namespace upgate::config {
namespace {

constexpr std::size_t kMostText = 4096;

std::string_view NameOf(HealthCheck::Kind kind) {
  switch (kind) {
    case HealthCheck::Kind::kTcp:
      break;
    case HealthCheck::Kind::kHttp:
      return "http";
    case HealthCheck::Kind::kWs:
      return "ws";
  }
  return "tcp";
}

// A request target without a fragment; RFC 9112, section 3.2.1.
std::string ParseCheckPath(const Field& field, std::string fallback) {
  auto path = field.Optional(std::move(fallback));
  const auto allowed = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!path.starts_with('/') || !std::ranges::all_of(path, allowed))
    field.Refuse({"is not a path", "write a path such as /healthz"}, "");
  return path;
}

std::vector<HealthCheck::StatusRange> ParseStatuses(
    const Field& field, std::vector<HealthCheck::StatusRange> fallback) {
  if (!field.present()) return fallback;
  std::vector<HealthCheck::StatusRange> statuses;
  for (const Field& item : field.RequiredItems("one status")) {
    if (const auto range = item.Maybe<HealthCheck::StatusRange>()) statuses.push_back(*range);
  }
  return statuses;
}

std::string ParseText(const Field& field) {
  auto text = field.Optional(std::string());
  if (text.size() > kMostText) field.Error(fmt::format("is longer than {} bytes", kMostText));
  return text;
}

// Reports the keys that a check of this kind does not look at.
void RejectForeign(Field& field, HealthCheck::Kind kind) {
  using Kind = HealthCheck::Kind;
  const auto reject = [&](std::string_view name, bool used, std::string_view with) {
    const Field setting = field[name];
    if (setting.present() && !used)
      setting.Error(
          fmt::format("has no effect with check: {}; it is for check: {}", NameOf(kind), with));
  };
  reject("path", kind != Kind::kTcp, "http and ws");
  reject("status", kind == Kind::kHttp, "http");
  reject("send", kind == Kind::kTcp, "tcp");
  reject("expect", kind == Kind::kTcp, "tcp");
}

HealthCheck ParseCheck(Field field, const Backend& backend) {
  HealthCheck check;
  using Kind = HealthCheck::Kind;
  const Field kind = field["check"];
  check.kind =
      kind.OneOf<Kind>({{"tcp", Kind::kTcp}, {"http", Kind::kHttp}, {"ws", Kind::kWs}}, check.kind);
  check.interval = field["interval"].Optional(check.interval, {Millis{100}, kHour});
  const Field timeout = field["timeout"];
  check.timeout = timeout.Optional(std::min(check.timeout, check.interval), {Millis{1}, kHour});
  if (field.sound() && check.timeout > check.interval)
    timeout.Error("is longer than the interval; a check has to end before the next one begins");
  check.rise = field["rise"].Optional(check.rise, {1, 1000});
  check.fall = field["fall"].Optional(check.fall, {1, 1000});
  check.path = ParseCheckPath(field["path"], check.path);
  check.statuses = ParseStatuses(field["status"], check.statuses);
  check.send = ParseText(field["send"]);
  check.expect = ParseText(field["expect"]);
  if (kind.sound()) RejectForeign(field, check.kind);
  const bool has_unix = std::ranges::any_of(
      backend.servers, [](const Server& server) { return server.scheme == ServerScheme::kUnix; });
  if (backend.relay == Relay::kBytes && has_unix && check.kind != Kind::kTcp)
    kind.Error("cannot be used with servers that are unix sockets; write check: tcp");
  field.RejectUnknownKeys();
  return check;
}

Retry ParseRetry(Field field) {
  Retry retry;
  retry.tries = field["tries"].Optional(retry.tries, {1, 100});
  if (const Field on = field["on"]; on.present()) {
    retry.connect = retry.timeout = retry.status = false;
    for (const Field& item : on.RequiredItems("one reason")) {
      enum class Reason { kNone, kConnect, kTimeout, kStatus };
      const auto reason = item.OneOf<Reason>({{"connect", Reason::kConnect},
                                              {"timeout", Reason::kTimeout},
                                              {"status", Reason::kStatus}},
                                             Reason::kNone);
      retry.connect |= reason == Reason::kConnect;
      retry.timeout |= reason == Reason::kTimeout;
      retry.status |= reason == Reason::kStatus;
    }
  }
  field.RejectUnknownKeys();
  return retry;
}

Value DescribeOn(const Retry& retry) {
  std::vector<Value> reasons;
  const auto add = [&](bool on, std::string_view name) {
    if (on) reasons.push_back(PlainValue(std::string(name)));
  };
  add(retry.connect, "connect");
  add(retry.timeout, "timeout");
  add(retry.status, "status");
  return ListOf(std::move(reasons));
}

Value Describe(const HealthCheck& check) {
  Value map;
  Add(map, "interval", ValueOf(check.interval));
  Add(map, "timeout", ValueOf(check.timeout));
  Add(map, "rise", ValueOf(check.rise));
  Add(map, "fall", ValueOf(check.fall));
  Add(map, "check", PlainValue(std::string(NameOf(check.kind))));
  if (check.kind != HealthCheck::Kind::kTcp) Add(map, "path", TextValue(check.path));
  if (check.kind == HealthCheck::Kind::kHttp) {
    Add(map, "status", EachOf(check.statuses, [](const HealthCheck::StatusRange& range) {
          return PlainValue(range.first == range.last
                                ? std::to_string(range.first)
                                : fmt::format("{}-{}", range.first, range.last));
        }));
  }
  if (!check.send.empty()) Add(map, "send", TextValue(check.send));
  if (!check.expect.empty()) Add(map, "expect", TextValue(check.expect));
  return map;
}

}  // namespace

Reading<HealthCheck::StatusRange> Syntax<HealthCheck::StatusRange>::Read(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = ReadInteger(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ReadInteger(text.substr(dash + 1));
  if (!first || !last) {
    const bool is_class = text.size() == 3 && IsDigit(text[0]) && ToLower(text.substr(1)) == "xx";
    if (is_class) return Refuse({}, fmt::format("write {0}00-{0}99", text[0]));
    return Refuse();
  }
  if (*first < 100 || *last > 599 || *first > *last)
    return Refuse("is not a range of statuses", "use 100 to 599");
  return HealthCheck::StatusRange{static_cast<int>(*first), static_cast<int>(*last)};
}

void ParseHealth(Field& field, Backend& backend) {
  if (const Field health = field["health"]; health.present())
    backend.health = ParseCheck(health, backend);
  const Field on_down = field["on_down"];
  backend.on_down =
      on_down.OneOf<OnDown>({{"keep", OnDown::kKeep}, {"close", OnDown::kClose}}, backend.on_down);
  if (backend.on_down == OnDown::kClose && !backend.health && !HasNames(backend))
    on_down.Error("has no effect without health, which finds out that a server is down");
  if (const Field retry = field["retry"]; retry.present()) backend.retry = ParseRetry(retry);
}

void AddHealth(Value& map, const Backend& backend) {
  if (backend.health) Add(map, "health", Describe(*backend.health));
  if (backend.health || HasNames(backend)) {
    Add(map, "on_down",
        PlainValue(std::string(backend.on_down == OnDown::kClose ? "close" : "keep")));
  }
  if (!backend.retry) return;
  Value retry;
  Add(retry, "tries", ValueOf(backend.retry->tries));
  Add(retry, "on", DescribeOn(*backend.retry));
  Add(map, "retry", std::move(retry));
}

}  // namespace upgate::config
