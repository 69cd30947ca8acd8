#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

// Fields that are never compared: the first is what `hosts` is for, the others belong to one
// connection.
constexpr std::array<std::string_view, 8> kNotCompared{
    "connection",        "content-length",     "host", "keep-alive", "proxy-connection", "te",
    "transfer-encoding", "proxy-authorization"};

void RejectEmptyList(const Field& field) {
  if (field.value().kind == Value::Kind::kSequence && field.value().items.empty())
    field.Error("is an empty list; leave it out to match any");
}

std::string FaultOfHeaderName(const std::string& name) {
  if (!Syntax<Token>::Read(name)) return "is not the name of a header";
  const std::string lower = ToLower(name);
  if (lower == "host") return "cannot be matched here; use hosts of the route";
  if (std::ranges::find(kNotCompared, lower) != kNotCompared.end())
    return "cannot be matched: it belongs to the connection, not to the request";
  return "";
}

// `fault_of`: what is wrong with a name; empty: nothing. `same`: the form in which equal names are
// equal.
template <class FaultOf, class Same>
std::vector<ValueCondition> ParseValues(const Field& field, RegexBudget& regexes,
                                        FaultOf&& fault_of, Same&& same) {
  std::vector<ValueCondition> conditions;
  std::set<std::string> seen;
  for (const Field::Member& member : field.Members()) {
    const std::string fault = fault_of(member.name);
    if (!fault.empty()) {
      member.field.ErrorAt(member.mark, fault);
    } else if (!seen.insert(same(member.name)).second) {
      member.field.ErrorAt(member.mark, "is listed twice");
    }
    auto condition = regexes.Read<ValueCondition>(member.field);
    if (!condition) continue;
    condition->name = member.name;
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

std::vector<std::string> ParseOfferedSubprotocols(const Field& field) {
  std::vector<std::string> names;
  for (Token& token : field.List<Token>()) names.push_back(std::move(token.text));
  RejectEmptyList(field);
  return names;
}

// A listener by its name or its address, in any spelling.
const Listener* FindListener(const std::vector<Listener>& listeners, const std::string& written) {
  std::string address = written;
  if (const auto endpoint = Syntax<Endpoint>::Read(written))
    address = ListenAddress{*endpoint, {}, {}}.ToString();
  const auto it = std::ranges::find_if(listeners, [&](const Listener& listener) {
    return (!listener.name.empty() && listener.name == written) ||
           listener.address.ToString() == address;
  });
  return it != listeners.end() ? &*it : nullptr;
}

void RefuseListener(const Field& item, const std::string& written,
                    const std::vector<Listener>& listeners) {
  std::vector<std::string> known;
  for (const Listener& listener : listeners) {
    if (!listener.name.empty()) known.push_back(listener.name);
    known.push_back(listener.address.ToString());
  }
  const std::string_view near = NearestOf(written, known);
  item.Refuse({"is neither the name nor the address of a listener in this file",
               near.empty() ? "" : fmt::format("did you mean '{}'?", near)},
              "");
}

std::vector<const Listener*> ParseListenersOf(const Field& field,
                                              const std::vector<Listener>& listeners) {
  std::vector<const Listener*> chosen;
  for (const Field& item : field.Items()) {
    const auto written = item.Maybe<std::string>();
    if (!written) continue;
    const Listener* listener = FindListener(listeners, *written);
    if (listener == nullptr) {
      RefuseListener(item, *written, listeners);
    } else {
      chosen.push_back(listener);
    }
  }
  RejectEmptyList(field);
  return chosen;
}

std::vector<HostPattern> ParseServerNames(const Field& field) {
  std::vector<HostPattern> names;
  for (const Field& item : field.Items()) {
    auto name = item.Maybe<HostPattern>();
    if (!name) continue;
    if (!name->wildcard && Ip::Parse(name->host)) {
      item.Refuse({"is an address", "clients ask for names in TLS, never for addresses"}, "");
    }
    names.push_back(std::move(*name));
  }
  RejectEmptyList(field);
  return names;
}

void ParseTls(Field field, const std::vector<const Listener*>& listeners, Conditions& match) {
  if (!field.present()) return;
  match.sni = ParseServerNames(field["sni"]);
  if (const Field version = field["version"]; version.present()) {
    match.tls_version = version.OneOf<TlsVersion>(
        {{"1.2", TlsVersion::kTls12}, {"1.3", TlsVersion::kTls13}}, TlsVersion::kTls13);
  }
  field.RejectUnknownKeys();
  const bool any = std::ranges::any_of(listeners, [](const auto* one) { return !!one->tls; });
  if (!any && !listeners.empty()) field.Error("never matches: the listeners have no tls");
}

}  // namespace

Conditions ParseMatch(Field field, const std::vector<Listener>& listeners, RegexBudget& regexes) {
  Conditions match;
  if (!field.present()) return match;
  const auto any_name = [](const std::string& name) {
    return std::string(name.empty() ? "is not the name of a parameter" : "");
  };
  const auto cookie_name = [](const std::string& name) {
    return std::string(Syntax<Token>::Read(name) ? "" : "is not the name of a cookie");
  };
  match.methods = ParseMethods(field["methods"]);
  RejectEmptyList(field["methods"]);
  match.headers =
      ParseValues(field["headers"], regexes, FaultOfHeaderName, [](auto& n) { return ToLower(n); });
  match.query = ParseValues(field["query"], regexes, any_name, [](auto& n) { return n; });
  match.cookies = ParseValues(field["cookies"], regexes, cookie_name, [](auto& n) { return n; });
  match.subprotocols = ParseOfferedSubprotocols(field["subprotocols"]);
  match.clients = field["clients"].List<Cidr>();
  RejectEmptyList(field["clients"]);
  std::vector<const Listener*> chosen = ParseListenersOf(field["listeners"], listeners);
  for (const Listener* one : chosen) match.listeners.push_back(one->identity());
  if (!field["listeners"].present()) {
    for (const Listener& listener : listeners) chosen.push_back(&listener);
  }
  ParseTls(field["tls"], chosen, match);
  field.RejectUnknownKeys();
  return match;
}

}  // namespace upgate::config
