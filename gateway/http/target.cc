#include "gateway/http/target.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/address.h"
#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

struct Authority {
  std::string host;  // lower case, no brackets
  std::uint16_t port = 0;
};

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  if (text.empty()) return 0;  // "host:" is host without a port (RFC 3986, section 3.2.3)
  if (text.size() > 5 || !std::ranges::all_of(text, IsDigit)) return {};
  unsigned port = 0;
  for (const char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  if (port == 0 || port > 65535) return {};
  return static_cast<std::uint16_t>(port);
}

// Stricter than a URI's reg-name: only what a DNS name or an address can contain, to reject
// userinfo, lists and escapes.
bool IsHostChar(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::optional<Authority> ParseAuthority(std::string_view text) {
  Authority authority;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view literal = text.substr(1, end - 1);
    if (literal.find(':') == std::string_view::npos || !Ip::Parse(literal)) return {};
    authority.host = ToLower(literal);
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (HasEmptyLabel(host) || !std::ranges::all_of(host, IsHostChar)) return {};
    authority.host = ToLower(host);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (rest.empty()) return authority;
  if (rest.front() != ':') return {};
  const auto port = ParsePort(rest.substr(1));
  if (!port) return {};
  authority.port = *port;
  return authority;
}

// Appends the decoded segment; %2F and %00 stay encoded. Returns false on an invalid escape.
// `special` is set if the segment contains an escape that servers interpret in different ways.
bool DecodeSegment(std::string_view raw, std::string& out, bool& special) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    if (raw.size() - i < 3) return false;
    const int high = HexValue(raw[i + 1]);
    const int low = HexValue(raw[i + 2]);
    if (high < 0 || low < 0) return false;
    const auto byte = static_cast<char>(high * 16 + low);
    special |= byte == '/' || byte == '\\' || byte == ';' || byte == '%';
    if (byte == '/' || byte == '\0') {
      out += raw.substr(i, 3);
    } else {
      out += byte;
    }
    i += 2;
  }
  return true;
}

void DropLastSegment(std::string& path) {
  const std::size_t slash = path.rfind('/');
  path.resize(slash == std::string::npos ? 0 : slash);
}

// Appends `raw` with every byte beyond ASCII percent-encoded. Raw bytes mean the same as the
// escapes that browsers send instead (WHATWG URL, "percent-encode sets"), and escapes are
// unambiguous.
void AppendEncoded(std::string_view raw, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  while (!raw.empty()) {
    const std::size_t plain = AsciiCharsAtFront(raw);
    out.append(raw.substr(0, plain));
    raw.remove_prefix(plain);
    if (raw.empty()) return;
    const auto byte = static_cast<unsigned char>(raw.front());
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 0xf]});
    raw.remove_prefix(1);
  }
}

// Decodes and applies RFC 3986, section 5.2.4 in one pass, segment by segment, so that an encoded
// dot counts as a dot and the decoded and the encoded path always have the same segments.
bool NormalisePath(std::string_view raw, Target& target) {
  std::string decoded;
  target.has_readings = raw.contains(';');
  target.path.reserve(raw.size());
  target.raw_path.reserve(raw.size());
  while (!raw.empty()) {
    raw.remove_prefix(1);  // the '/' before the segment
    const std::size_t end = std::min(raw.find('/'), raw.size());
    const std::string_view segment = raw.substr(0, end);
    raw.remove_prefix(end);
    decoded.clear();
    if (segment.empty() && !raw.empty()) target.has_readings = true;
    if (!DecodeSegment(segment, decoded, target.has_readings)) return false;
    if (decoded == "." || decoded == "..") {
      if (decoded == "..") {
        DropLastSegment(target.path);
        DropLastSegment(target.raw_path);
      }
      if (!raw.empty()) continue;
      target.path += '/';
      target.raw_path += '/';
      continue;
    }
    target.path.append("/").append(decoded);
    target.raw_path += '/';
    AppendEncoded(segment, target.raw_path);
  }
  if (target.path.empty()) target.path = target.raw_path = "/";
  return true;
}

std::expected<void, Refusal> CheckCharacters(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return Refuse(400, "control character in the request target");
    if (c == '#') return Refuse(400, "fragment in the request target");
  }
  return {};
}

// Removes scheme and authority from an absolute-form target; returns the path and the query.
std::expected<std::string_view, Refusal> TakeAuthority(std::string_view text, Target& target) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return Refuse(400, "request target is neither a path nor an absolute URI");
  }
  target.scheme = ToLower(text.substr(0, colon));
  if (target.scheme != "ws" && target.scheme != "wss" && target.scheme != "http" &&
      target.scheme != "https") {
    return Refuse(400, "unsupported scheme in the request target");
  }
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  const auto authority = ParseAuthority(text.substr(0, end));
  if (!authority) return Refuse(400, "malformed authority in the request target");
  target.authority = std::string(text.substr(0, end));
  target.host = authority->host;
  target.port = authority->port;
  return text.substr(end);
}

}  // namespace

std::expected<Target, Refusal> ParseTarget(std::string_view method, std::string_view text) {
  if (text.empty()) return Refuse(400, "empty request target");
  if (auto sound = CheckCharacters(text); !sound) return std::unexpected(std::move(sound.error()));
  Target target;
  if (text == "*") {
    if (method != "OPTIONS") return Refuse(400, "request target * is for OPTIONS only");
    target.path = target.raw_path = "*";
    return target;
  }
  if (text.front() != '/') {
    auto rest = TakeAuthority(text, target);
    if (!rest) return std::unexpected(std::move(rest.error()));
    text = *rest;
    if (text.empty() && method == "OPTIONS") {  // RFC 9112, section 3.2.4
      target.path = target.raw_path = "*";
      return target;
    }
  }
  const std::size_t question = text.find('?');
  if (question != std::string_view::npos) {
    target.has_query = true;
    AppendEncoded(text.substr(question + 1), target.query);
  }
  const std::string_view path = text.substr(0, question);
  // Browsers turn a backslash into '/', other clients do not. In a query it is an ordinary
  // character, which browsers send as it is.
  if (path.contains('\\')) return Refuse(400, "backslash in the path of the request target");
  if (!NormalisePath(path, target)) {
    return Refuse(400, "invalid percent escape in the request target");
  }
  return target;
}

std::expected<void, Refusal> ApplyHost(Target& target, const Headers& headers, Version version) {
  const std::size_t count = headers.Count("host");
  if (count > 1) return Refuse(400, "Host header is repeated");
  if (count == 0) {
    if (version == Version::kHttp10) return {};
    return Refuse(400, "Host header is missing");
  }
  const std::string& value = *headers.Find("host");
  if (value.empty()) return Refuse(400, "Host header is empty");
  const auto host = ParseAuthority(value);
  if (!host) return Refuse(400, "Host header is malformed");
  // An absolute-form target names its authority, and Host is ignored (RFC 9112, section 3.2.2). The
  // server gets only that authority, as Host, and an origin-form target, so it cannot see a
  // different one.
  if (!target.scheme.empty()) return {};
  target.host = host->host;
  target.port = host->port;
  target.authority = value;
  return {};
}

}  // namespace upgate::http
