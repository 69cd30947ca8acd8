#include "gateway/route/auth_order.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"

namespace upgate::route {
namespace {

using config::Authenticator;
using config::Value;

constexpr std::string_view kSubprotocol = "subprotocol:";

// As written in `from`; of kinds without that option the only place; empty: unknown, or everywhere.
std::vector<std::string> PlacesOf(const Authenticator& one) {
  if (one.kind == "basic") return {"Authorization: Basic"};
  if (one.kind == "client_certificate") return {"the certificate"};
  if (one.kind != "jwt" && one.kind != "token") return {};
  std::vector<std::string> places;
  if (const Value* from = OptionOf(one, "from")) {
    for (const Value& item : from->items) places.push_back(item.scalar);
  }
  if (places.empty()) places.emplace_back("header");
  return places;
}

// Whether whatever is in `place` is in `first` as well.
bool TakesFrom(std::string_view first, std::string_view place) {
  return first == place || (first.starts_with(kSubprotocol) && place.starts_with(first));
}

struct Asked {
  std::string name;
  std::string place;
};

// Who takes what is in each of these places; empty if one of them is free.
std::vector<Asked> TakersOf(const std::vector<std::string>& places,
                            const std::vector<Asked>& before) {
  std::vector<Asked> takers;
  for (const std::string& place : places) {
    const auto taker =
        std::ranges::find_if(before, [&](const Asked& one) { return TakesFrom(one.place, place); });
    if (taker == before.end()) return {};
    takers.push_back({taker->name, place});
  }
  return takers;
}

}  // namespace

const Value* OptionOf(const Authenticator& one, std::string_view name) {
  const auto found = std::ranges::find_if(
      one.options.members, [&](const Value::Member& member) { return member.key.scalar == name; });
  return found != one.options.members.end() ? &found->value : nullptr;
}

bool LooksInSubprotocols(const Authenticator& one) {
  return std::ranges::any_of(
      PlacesOf(one), [](const std::string& place) { return place.starts_with(kSubprotocol); });
}

std::vector<NeverAsked> NeverAskedOf(const config::Config& config, const config::RouteAuth& auth) {
  std::vector<NeverAsked> never;
  std::vector<Asked> before;
  const std::string* takes_all = nullptr;
  for (const std::string& name : auth.use) {
    const auto one = config.auth.find(name);
    if (one == config.auth.end()) continue;
    if (takes_all != nullptr) {
      never.push_back({.name = name, .first = *takes_all, .takes_all = true});
      continue;
    }
    std::vector<std::string> places = PlacesOf(one->second);
    if (const auto takers = TakersOf(places, before); !takers.empty()) {
      std::vector<std::string> all;
      for (const Asked& taker : takers) all.push_back(taker.place);
      never.push_back({.name = name, .first = takers.front().name, .place = Join(all, ", ")});
    }
    for (std::string& place : places) before.push_back({name, std::move(place)});
    if (one->second.kind == "forward") takes_all = &name;
  }
  return never;
}

}  // namespace upgate::route
