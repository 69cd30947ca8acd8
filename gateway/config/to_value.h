#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/scalar.h"
#include "gateway/config/value.h"
#include "gateway/config/yaml_writer.h"

namespace upgate::config {

// The parts of WriteConfig: settings as values that the parser reads as the same.

inline Value ValueOf(bool value) {
  return PlainValue(value ? "true" : "false");
}
template <std::integral T>
  requires(!std::same_as<T, bool>)
Value ValueOf(T number) {
  return PlainValue(std::to_string(number));
}
inline Value ValueOf(Millis duration) {
  return PlainValue(Syntax<Millis>::Write(duration));
}
inline Value ValueOf(const std::string& text) {
  return TextValue(text);
}
inline Value ValueOf(const FilePath& file) {
  return TextValue(file.path);
}
inline Value SizeValue(std::uint64_t bytes) {
  return PlainValue(Syntax<ByteSize>::Write({bytes}));
}

template <class Items, class Write>
Value EachOf(const Items& items, Write&& write) {
  std::vector<Value> values;
  for (const auto& item : items) values.push_back(write(item));
  return ListOf(std::move(values));
}
inline Value ValueOf(const std::vector<std::string>& texts) {
  return EachOf(texts, TextValue);
}

Value ValueOf(DialectSet dialects);
Value ValueOf(const std::vector<HostPattern>& hosts);
Value ValueOf(const Certificate& certificate);
Value ValueOf(const ListenerTls& tls);
Value ValueOf(const ClientTls& tls);
Value ValueOf(const Cors& cors);
Value ValueOf(const AddressSet& set);
// Absent if it is none.
Value ValueOf(const Rate& rate);
// Absent if it lets everybody in.
Value ValueOf(const Access& access);
Value ValueOf(const Replacement& replacement);
Value ValueOf(const Admin& admin);
Value ValueOf(const RouteAuth& auth);
Value ValueOf(const Conditions& match);
Value ValueOf(const std::vector<Share>& split);
// The keys of a route that are given; empty ones are left out.
void AddRewriting(Value& map, const Rewriting& rewriting);
// The keys of a backend that ParseBalancing and ParseHealth read.
void AddBalancing(Value& map, const Backend& backend);
void AddHealth(Value& map, const Backend& backend);
// Only the keys that the parser accepts for a route to this kind of destination.
Value ValueOf(const Route& route, const std::map<std::string, Backend>& backends);

// Absent without a value.
template <class T>
Value ValueOf(const std::optional<T>& value) {
  return value ? ValueOf(*value) : Value{};
}

}  // namespace upgate::config
