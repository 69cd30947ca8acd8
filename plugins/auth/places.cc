#include "plugins/auth/places.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/scalar.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kOffers = "Sec-WebSocket-Protocol";
constexpr std::size_t kLongestUser = 256;

}  // namespace

std::optional<TokenPlaces::Place> TokenPlaces::ParsePlace(std::string_view text) {
  if (text == "header") return Place{};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string name(text.substr(colon + 1));
  const std::string_view kind = text.substr(0, colon);
  const bool token = config::Syntax<config::Token>::Read(name).has_value();
  if (kind == "query" && !name.empty()) return Place{Place::Kind::kQuery, name};
  if (kind == "cookie" && token) return Place{Place::Kind::kCookie, name};
  if (kind == "subprotocol" && token) return Place{Place::Kind::kSubprotocol, name};
  return {};
}

TokenPlaces TokenPlaces::Parse(const config::Field& from) {
  TokenPlaces places;
  if (!from.present()) {
    places.places_.emplace_back();
    places.written_ = "header";
    return places;
  }
  for (const config::Field& item : from.RequiredItems("one place")) {
    const auto text = item.Maybe<std::string>();
    if (!text) continue;
    auto place = ParsePlace(*text);
    if (!place) {
      item.Refuse({"is not a place for a token",
                   "use header, cookie:NAME, query:NAME or subprotocol:PREFIX"},
                  "");
      continue;
    }
    places.places_.push_back(std::move(*place));
    places.written_.append(places.written_.empty() ? "" : ", ").append(*text);
  }
  return places;
}

std::optional<std::string> TokenPlaces::FindAt(const Place& place, const http::Request& request) {
  switch (place.kind) {
    case Place::Kind::kHeader: {
      const auto value = AuthorizationOf(request.headers, "bearer");
      return value ? std::optional(std::string(*value)) : std::nullopt;
    }
    case Place::Kind::kCookie: {
      const auto value = http::CookieValue(request.headers, place.name);
      return value ? std::optional(std::string(*value)) : std::nullopt;
    }
    case Place::Kind::kQuery:
      return http::QueryValue(request.target.query, place.name);
    case Place::Kind::kSubprotocol: {
      const std::string offers = request.headers.Joined(kOffers);
      std::string_view list = offers;
      for (std::string_view item; !(item = NextListItem(list)).empty();) {
        if (item.starts_with(place.name)) return std::string(item.substr(place.name.size()));
      }
      return {};
    }
  }
  return {};
}

std::optional<std::string> TokenPlaces::Find(const http::Request& request) const {
  for (const Place& place : places_) {
    if (auto found = FindAt(place, request)) return found;
  }
  return {};
}

void TokenPlaces::Remove(http::Request& request) const {
  for (const Place& place : places_) {
    if (place.kind == Place::Kind::kQuery) {
      http::Target& target = request.target;
      if (!http::QueryValue(target.query, place.name)) continue;
      target.query = http::QueryWithout(target.query, place.name);
      target.has_query = !target.query.empty();
    }
    if (place.kind != Place::Kind::kSubprotocol || request.headers.Find(kOffers) == nullptr)
      continue;
    const std::string offers = request.headers.Joined(kOffers);
    std::string_view list = offers;
    std::string kept;
    for (std::string_view item; !(item = NextListItem(list)).empty();) {
      if (!item.starts_with(place.name)) kept.append(kept.empty() ? "" : ", ").append(item);
    }
    if (kept.empty()) {
      request.headers.Remove(kOffers);
    } else {
      request.headers.Set(kOffers, kept);
    }
  }
}

std::string TokenPlaces::Describe() const {
  return written_;
}

std::optional<std::string_view> AuthorizationOf(const http::Headers& headers,
                                                std::string_view scheme) {
  const std::string* value = headers.Find("authorization");
  if (value == nullptr) return {};
  const std::size_t space = std::min(value->find(' '), value->size());
  if (!EqualsIgnoreCase(std::string_view(*value).substr(0, space), scheme)) return {};
  if (headers.Count("authorization") != 1) return "";
  return Trim(std::string_view(*value).substr(space));
}

bool IsUserName(std::string_view name) {
  return name.size() <= kLongestUser && std::ranges::none_of(name, IsControl);
}

}  // namespace upgate::plugins
