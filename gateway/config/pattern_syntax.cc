#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/config/host_syntax.h"
#include "gateway/config/regex.h"
#include "gateway/config/scalar.h"

namespace upgate::config {
namespace {

constexpr std::string_view kWildcard = "*.";
constexpr std::string_view kAnyPort = ":*";

std::uint16_t DefaultPort(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

// RFC 3986, section 3.1; in lower case.
bool IsScheme(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto follows = [&](char c) {
    return letter(c) || IsDigit(c) || std::string_view("+-.").find(c) != std::string_view::npos;
  };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, follows);
}

// The host of a wildcard, without "*.".
Reading<std::string> ReadHost(std::string_view host) {
  if (host.find('*') != std::string_view::npos) {
    return Refuse("has a '*' that is not the whole first label",
                  R"(write for example "*.example.org")");
  }
  if (auto fault = HostMistake(host)) return std::unexpected(std::move(*fault));
  return CanonicalHost(host);
}

// Dot segments are removed from requests before routing (RFC 3986, section 5.2.4).
bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
        HexValue(text[i + 2]) >= 0) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Reading<PathPattern> ReadRegexPath(std::string_view written) {
  auto regex = ReadRegex(written.substr(1), "~^/v[0-9]+/");
  if (!regex) return std::unexpected(std::move(regex.error()));
  return PathPattern{.kind = PathPattern::Kind::kRegex,
                     .text = std::move(regex->text),
                     .written = std::string(written),
                     .instructions = regex->instructions,
                     .captures = regex->captures,
                     .literal = std::move(regex->literal)};
}

// The error in a path, if any, whose last segment "*" has been removed.
std::optional<Refusal> FaultOfPath(std::string_view written, std::string_view path) {
  if (std::ranges::any_of(written, IsControl)) return Refusal{"has a control character in it"};
  const std::size_t end = path.find_first_of("?#");
  if (end != std::string_view::npos) {
    return Refusal{path[end] == '?' ? "has a query" : "has a fragment",
                   fmt::format("write {}", Excerpt(path.substr(0, end)))};
  }
  if (const std::size_t star = path.find('*'); star != std::string_view::npos) {
    std::string_view folder = path.substr(0, star);
    if (folder.ends_with('/')) folder.remove_suffix(1);
    return Refusal{"has a '*' that is not its whole last segment",
                   fmt::format("write {}/*", Excerpt(folder))};
  }
  if (path.find('%') != std::string_view::npos) {
    const std::string decoded = PercentDecoded(written);
    if (decoded == written) return Refusal{"has a '%'", "write a regular expression, ~^/100%$"};
    return Refusal{"is percent-encoded", fmt::format("write it decoded: {}", Excerpt(decoded))};
  }
  if (HasDotSegment(path))
    return Refusal{"has a segment '.' or '..'", "requests are routed without dot segments"};
  return {};
}

// Of a path that begins with neither '/' nor '~', often as nginx or another program has it.
Refusal FaultOfBeginning(std::string_view text) {
  constexpr std::string_view kWhat = "does not begin with '/' or '~'";
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (text.contains('@')) return HasUserInfo();
    const std::string_view rest = text.substr(scheme + 3);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    return {"is a URL", fmt::format("write {}, and hosts: [ {} ]",
                                    slash == rest.size() ? "/*" : Excerpt(rest.substr(slash)),
                                    Excerpt(rest.substr(0, rest.find_first_of(":/"))))};
  }
  if (text.starts_with("^~ ") || text.starts_with("= ")) {
    const std::string_view path = Trim(text.substr(2));
    const std::string_view below = text[0] == '=' ? "" : path.ends_with('/') ? "*" : "/*";
    return {std::string(kWhat), fmt::format("write {}{}", Excerpt(path), below)};
  }
  if (text.starts_with('^')) return {std::string(kWhat), fmt::format("write ~{}", Excerpt(text))};
  if (text.starts_with('=')) text.remove_prefix(1);
  if (text.starts_with('/')) return {std::string(kWhat), fmt::format("write {}", Excerpt(text))};
  const bool is_name = !text.empty() && std::ranges::all_of(text, [](char c) {
    return IsAlpha(c) || IsDigit(c) || std::string_view("-._~/*").contains(c);
  });
  return {std::string(kWhat),
          is_name ? fmt::format("write /{}", Excerpt(text)) : "write /exact, /prefix/* or ~regex"};
}

// An origin of an application that is not a browser, or of a browser's internal pages: app://.,
// chrome-extension://ab, file://. No standard defines how to compare these, so they are compared as
// text.
Reading<OriginPattern> ReadTextOrigin(const std::string& scheme, std::string_view rest) {
  if (rest.contains('*'))
    return Refuse("has a '*'; origins with schemes other than http and https are compared as text");
  if (!std::ranges::all_of(rest, [](char c) { return c > 0x20 && c < 0x7f; }))
    return Refuse("has a character that is not allowed in origins");
  return OriginPattern{OriginPattern::Kind::kText, "", fmt::format("{}://{}", scheme, rest), 0};
}

}  // namespace

Reading<PathPattern> Syntax<PathPattern>::Read(std::string_view text) {
  if (text.starts_with("~ ") || text.starts_with("~*")) {
    return Refuse(
        "is not a regular expression as it is written here",
        fmt::format("write ~{}{}", text[1] == '*' ? "(?i)" : "", Excerpt(Trim(text.substr(2)))));
  }
  if (text.starts_with('~')) return ReadRegexPath(text);
  if (text == "*") return Refuse("does not begin with '/'", "write /* for every path");
  if (!text.starts_with('/')) return std::unexpected(FaultOfBeginning(text));
  const bool prefix = text.ends_with("/*");
  const std::string_view path = prefix ? text.substr(0, text.size() - 2) : text;
  if (auto fault = FaultOfPath(text, path)) return std::unexpected(std::move(*fault));
  const auto kind = prefix ? PathPattern::Kind::kPrefix : PathPattern::Kind::kExact;
  return PathPattern{.kind = kind, .text = std::string(path), .written = std::string(text)};
}

Reading<HostPattern> Syntax<HostPattern>::Read(std::string_view text) {
  if (text == "*") return Refuse("is not a host", "leave out hosts to match any");
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    return Refuse("is a URL", fmt::format("write {}", Excerpt(text.substr(scheme + 3))));
  }
  const bool wildcard = text.starts_with(kWildcard);
  std::string_view host = wildcard ? text.substr(kWildcard.size()) : text;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos)
      return Refuse("has no IPv6 address between '[' and ']'");
  } else if (!Ip::Parse(host)) {
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos) {
      return Refuse("has a port", fmt::format("write {}; hosts match on every port",
                                              Excerpt(text.substr(0, text.rfind(':')))));
    }
  }
  if (wildcard && Ip::Parse(host)) return Refuse("has a wildcard before an address");
  auto read = ReadHost(host);
  if (!read) return std::unexpected(read.error());
  return HostPattern{std::string(WithoutRootDot(*read)), wildcard};
}

Reading<OriginPattern> Syntax<OriginPattern>::Read(std::string_view text) {
  using Kind = OriginPattern::Kind;
  if (text == "*") return OriginPattern{Kind::kAny, "", "", 0};
  if (text == "null") return OriginPattern{Kind::kNull, "", "", 0};
  if (text.find('@') != std::string_view::npos) {
    return std::unexpected(HasUserInfo());
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos)
    return Refuse("has no scheme", fmt::format("write https://{}", Excerpt(text)));
  if (text.rfind("://") != colon)
    return Refuse("has several origins", "write a list with one in each element");
  const std::string scheme = ToLower(text.substr(0, colon));
  if (!IsScheme(scheme)) return Refuse();
  std::string_view authority = text.substr(colon + 3);
  if (DefaultPort(scheme) == 0) return ReadTextOrigin(scheme, authority);
  if (const std::size_t end = authority.find_first_of("/?#"); end != std::string_view::npos) {
    return Refuse("has something after the host",
                  fmt::format("write {}://{}", Excerpt(scheme), Excerpt(authority.substr(0, end))));
  }
  const bool any_port = authority.ends_with(kAnyPort);
  if (any_port) authority.remove_suffix(kAnyPort.size());
  if (authority == "*") return Refuse("has '*' for a host", R"(write "*" alone for every origin)");
  const bool wildcard = authority.starts_with(kWildcard);
  if (wildcard) authority.remove_prefix(kWildcard.size());
  if (authority.find('*') != std::string_view::npos)
    return std::unexpected(ReadHost(authority).error());
  auto parsed = ReadHostPort(authority, DefaultPort(scheme));
  if (!parsed) return std::unexpected(parsed.error());
  if (any_port && ReadHostPort(authority, std::nullopt)) return Refuse("has two ports");
  if (authority.ends_with(":0")) return Refuse("has port 0");
  if (wildcard && Ip::Parse(parsed->host)) return Refuse("has a wildcard before an address");
  auto host = ReadHost(parsed->host);
  if (!host) return std::unexpected(host.error());
  return OriginPattern{wildcard ? Kind::kSubdomains : Kind::kExact, scheme, std::move(*host),
                       parsed->port, any_port};
}

Reading<HostName> Syntax<HostName>::Read(std::string_view text) {
  std::string_view host = text;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const std::size_t colon = host.rfind(':');
      colon != std::string_view::npos && !Ip::Parse(host)) {
    return Refuse("has a port or scheme", "write the name alone");
  }
  if (auto fault = HostMistake(host)) return std::unexpected(std::move(*fault));
  return HostName{std::string(host)};
}

}  // namespace upgate::config
