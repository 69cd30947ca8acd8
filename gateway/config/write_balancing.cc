#include <fmt/format.h>

#include "gateway/config/to_value.h"

namespace upgate::config {
namespace {

std::string NameOf(Sticky::Secure secure) {
  switch (secure) {
    case Sticky::Secure::kAuto:
      break;
    case Sticky::Secure::kNo:
      return "false";
    case Sticky::Secure::kYes:
      return "true";
  }
  return "auto";
}

std::string NameOf(Sticky::SameSite same_site) {
  switch (same_site) {
    case Sticky::SameSite::kLax:
      break;
    case Sticky::SameSite::kStrict:
      return "strict";
    case Sticky::SameSite::kNone:
      return "none";
  }
  return "lax";
}

Value Describe(const Sticky& sticky) {
  Value map;
  Add(map, "cookie", TextValue(sticky.cookie));
  Add(map, "max_age", ValueOf(sticky.max_age));
  Add(map, "path", TextValue(sticky.path));
  Add(map, "secure", PlainValue(NameOf(sticky.secure)));
  Add(map, "same_site", PlainValue(NameOf(sticky.same_site)));
  Add(map, "secret_file", ValueOf(sticky.secret_file));
  return map;
}

Value Describe(const Ejection& ejection) {
  Value map;
  Add(map, "failures", ValueOf(ejection.failures));
  Add(map, "time", ValueOf(ejection.time));
  Add(map, "most", PlainValue(fmt::format("{}%", ejection.most)));
  return map;
}

}  // namespace

std::string_view NameOf(Balance balance) {
  switch (balance) {
    case Balance::kRoundRobin:
      break;
    case Balance::kLeastSessions:
      return "least_sessions";
    case Balance::kRandomTwo:
      return "random_two";
    case Balance::kHash:
      return "hash";
  }
  return "round_robin";
}

std::string ToString(const HashKey& key) {
  switch (key.kind) {
    case HashKey::Kind::kClient:
      break;
    case HashKey::Kind::kPath:
      return "path";
    case HashKey::Kind::kHost:
      return "host";
    case HashKey::Kind::kHeader:
      return "header " + key.name;
    case HashKey::Kind::kCookie:
      return "cookie " + key.name;
    case HashKey::Kind::kQuery:
      return "query " + key.name;
  }
  return "client";
}

void AddBalancing(Value& map, const Backend& backend) {
  Add(map, "balance", PlainValue(std::string(NameOf(backend.balance))));
  if (backend.balance == Balance::kHash) {
    Add(map, "hash", TextValue(ToString(backend.hash)));
  } else {
    Add(map, "slow_start", ValueOf(backend.slow_start));
  }
  Add(map, "sticky", backend.sticky ? Describe(*backend.sticky) : ValueOf(false));
  Add(map, "ejection", backend.ejection ? Describe(*backend.ejection) : ValueOf(false));
}

}  // namespace upgate::config
