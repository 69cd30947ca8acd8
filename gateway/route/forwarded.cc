#include "gateway/route/forwarded.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/route/authority.h"

namespace upgate::route {
namespace {

// Limit for commas in the quoted strings of one Forwarded element: bounds the attempts to find its
// start.
constexpr int kMostCommas = 8;

bool IsTrusted(const Ip& ip, const config::TrustedProxies& trusted) {
  return std::ranges::any_of(trusted.blocks, [&](const Cidr& block) { return block.Contains(ip); });
}

// Without empty elements at its end, which mean nothing (RFC 9110, section 5.6.1.2).
std::string_view WithoutEmptyEnd(std::string_view list) {
  return list.substr(0, list.find_last_not_of(", \t") + 1);
}

// Removes the last element that is not empty from a comma-separated list and returns it trimmed;
// empty if there is none. What is left has none that is empty at its end.
std::string_view TakeLast(std::string_view& list) {
  list = WithoutEmptyEnd(list);
  const std::size_t comma = list.rfind(',');
  const std::string_view item = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = WithoutEmptyEnd(list.substr(0, comma == std::string_view::npos ? 0 : comma));
  return Trim(item);
}

// Of elements that are not empty.
std::size_t CountOf(std::string_view list) {
  std::size_t count = 0;
  while (!TakeLast(list).empty()) ++count;
  return count;
}

// Parses an address as in X-Forwarded-For: some proxies add brackets or a port.
std::optional<Ip> ParseAddress(std::string_view text) {
  if (text.contains('\0')) return {};
  if (const auto ip = Ip::Parse(text)) return ip;
  const auto authority = ParseAuthority(text, 0);
  return authority ? Ip::Parse(authority->host) : std::nullopt;
}

std::string_view SchemeOf(std::string_view text) {
  const std::string scheme = ToLower(text);
  if (scheme == "http" || scheme == "ws") return "http";
  if (scheme == "https" || scheme == "wss") return "https";
  return {};
}

std::string AuthorityOf(std::string_view text) {
  if (text.ends_with(':')) text.remove_suffix(1);  // an empty port (RFC 3986, section 3.2.3)
  const auto authority = ParseAuthority(text, 0);
  return authority && !HasEmptyLabel(authority->host) ? std::string(text) : std::string();
}

std::uint16_t PortOf(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, http::IsDigit)) return 0;
  const unsigned long port = std::stoul(std::string(text));
  return port <= 65'535 ? static_cast<std::uint16_t>(port) : 0;
}

// The end of a walk along X-Forwarded-For.
struct Hop {
  std::string client;
  std::size_t from_right = 0;  // index of the entry, counted from the last
  std::size_t entries = 0;     // in total
};

Hop Walk(std::string_view list, const config::TrustedProxies& trusted) {
  Hop hop;
  hop.entries = CountOf(list);
  for (list = WithoutEmptyEnd(list); !list.empty();) {
    const auto ip = ParseAddress(TakeLast(list));
    hop.client = ip ? ip->ToString() : kUnknownClient;
    if (!ip || !IsTrusted(*ip, trusted) || list.empty()) break;
    ++hop.from_right;
  }
  return hop;
}

std::string_view AtHop(std::string_view list, const Hop& hop) {
  std::string_view at_hop = TakeLast(list);
  if (CountOf(list) + 1 != hop.entries) return at_hop;
  for (std::size_t i = 0; i < hop.from_right; ++i) at_hop = TakeLast(list);
  return at_hop;
}

// ---- Forwarded

struct Element {
  std::optional<std::string> node;  // the value of "for"
  std::optional<std::string> proto;
  std::optional<std::string> host;
};

// Allowed in a value without quotes. More than a token: brackets and colons should be quoted and
// often are not, but are unambiguous.
bool IsPlain(char c) {
  return http::IsFieldChar(c) && !std::string_view(" \t\",;\\").contains(c);
}

// Removes a value from the front; nullopt if there is none.
std::optional<std::string> TakeValue(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const auto size =
        static_cast<std::size_t>(std::ranges::find_if_not(text, IsPlain) - text.begin());
    value = text.substr(0, size);
    text.remove_prefix(size);
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\') ++i;
    if (i == text.size()) return {};
    value += text[i];
  }
  return {};
}

// Names must not repeat (RFC 7239, section 4); unknown ones are ignored.
std::optional<Element> ParseElement(std::string_view text) {
  Element element;
  std::string others = ";";
  for (text = Trim(text); !text.empty(); text = Trim(text)) {
    if (text.front() == ';') {
      text.remove_prefix(1);
      continue;
    }
    const std::string name = ToLower(text.substr(0, http::TokenCharsAtFront(text)));
    text.remove_prefix(name.size());
    if (name.empty() || !text.starts_with('=')) return {};
    text.remove_prefix(1);
    auto value = TakeValue(text);
    text = Trim(text);
    if (!value || !(text.empty() || text.front() == ';')) return {};
    auto* place = name == "for"     ? &element.node
                  : name == "proto" ? &element.proto
                  : name == "host"  ? &element.host
                                    : nullptr;
    if (place != nullptr ? place->has_value() : others.contains(";" + name + ";")) return {};
    if (place != nullptr) {
      *place = std::move(value);
    } else {
      others += name + ";";
    }
  }
  return element;
}

// Removes the last element from the list; nullopt if there is none or it cannot be parsed. Text
// that starts behind a comma inside quotes has an odd number of quotes and cannot be parsed, so the
// shortest suffix of the list that can be parsed is the last element.
std::optional<Element> TakeLastElement(std::string_view& list) {
  list = WithoutEmptyEnd(list);
  std::size_t begin = list.size();
  for (int commas = 0; commas <= kMostCommas && begin > 0; ++commas) {
    const std::size_t comma = list.rfind(',', begin - 1);
    begin = comma == std::string_view::npos ? 0 : comma;
    const std::string_view end = list.substr(begin == 0 && comma != 0 ? 0 : begin + 1);
    auto element = ParseElement(end);
    if (!element) continue;
    list = list.substr(0, begin);
    return element;
  }
  return {};
}

// The address of a node (RFC 7239, section 6); its port is ignored and may be obfuscated.
std::optional<Ip> AddressOf(std::string_view node) {
  const std::size_t hidden_port = node.rfind(":_");
  return ParseAddress(node.substr(0, hidden_port));
}

// An obfuscated identifier that a proxy uses instead of the client's address, else kUnknownClient.
std::string HiddenName(std::string_view node) {
  node = node.substr(0, node.find(':'));
  const auto allowed = [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '.' || c == '-' || c == '_';
  };
  const bool hidden = node.size() > 1 && node.size() <= 64 && node.front() == '_' &&
                      std::ranges::all_of(node, allowed);
  return hidden ? std::string(node) : std::string(kUnknownClient);
}

}  // namespace

bool IsTrusted(const SocketAddress& peer, const config::TrustedProxies& trusted) {
  return trusted.Has(peer);
}

Told ReadXForwarded(const http::Headers& headers, const config::TrustedProxies& trusted) {
  Hop hop = Walk(headers.Joined("X-Forwarded-For"), trusted);
  Told told;
  told.client = std::move(hop.client);
  told.scheme = SchemeOf(AtHop(headers.Joined("X-Forwarded-Proto"), hop));
  told.authority = AuthorityOf(AtHop(headers.Joined("X-Forwarded-Host"), hop));
  told.port = PortOf(AtHop(headers.Joined("X-Forwarded-Port"), hop));
  return told;
}

Told ReadForwarded(const http::Headers& headers, const config::TrustedProxies& trusted) {
  const std::string all = headers.Joined("Forwarded");
  std::string_view list = all;
  Told told;
  for (;;) {
    const auto element = TakeLastElement(list);
    if (!element) {
      if (!list.empty()) told.client = kUnknownClient;
      break;
    }
    told.scheme = SchemeOf(element->proto.value_or(""));
    told.authority = AuthorityOf(element->host.value_or(""));
    if (!element->node) {
      if (!told.client.empty()) told.client = kUnknownClient;
      break;
    }
    const auto ip = AddressOf(*element->node);
    told.client = ip ? ip->ToString() : HiddenName(*element->node);
    if (!ip || !IsTrusted(*ip, trusted)) break;
  }
  return told;
}

std::string AsForwarded(const http::Headers& headers, const config::TrustedProxies& trusted,
                        const std::string& proto_and_host) {
  const std::string all = headers.Joined("X-Forwarded-For");
  const Hop hop = Walk(all, trusted);
  std::string elements;
  std::string_view list = all;
  for (std::size_t i = 0; i < hop.entries;
       list.remove_prefix(std::min(list.find(','), list.size() - 1) + 1)) {
    const std::string_view entry = Trim(list.substr(0, list.find(',')));
    if (entry.empty()) continue;
    const auto ip = ParseAddress(entry);
    if (i > 0) elements += ", ";
    elements.append("for=").append(ip ? ForwardedNode(ip->ToString()) : kUnknownClient);
    if (hop.entries - i - 1 == hop.from_right) elements += proto_and_host;
    ++i;
  }
  return elements;
}

std::string ForwardedNode(const std::string& address) {
  return address.contains(':') ? "\"[" + address + "]\"" : address;
}

}  // namespace upgate::route
