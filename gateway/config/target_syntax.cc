#include "gateway/config/target_syntax.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/host_syntax.h"

namespace upgate::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kMaxTarget = 1024;

std::optional<std::uint16_t> ReadPort(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, IsDigit)) return {};
  std::uint32_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  if (port == 0 || port > 65'535) return {};
  return static_cast<std::uint16_t>(port);
}

std::optional<Refusal> ReadPorts(std::string_view text, TargetPattern& pattern) {
  const std::size_t dash = text.find('-');
  const auto first = ReadPort(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ReadPort(text.substr(dash + 1));
  if (!first || !last)
    return Refusal{"has no port from 1 to 65535 after its last ':'", "add one, or a range of them"};
  if (*first > *last) return Refusal{"has a range of ports that ends before it begins"};
  pattern.first_port = *first;
  pattern.last_port = *last;
  return {};
}

Reading<TargetPattern> ReadUnix(std::string_view path) {
  TargetPattern pattern;
  pattern.kind = TargetPattern::Kind::kUnixSocket;
  if (path.ends_with("/*")) {
    pattern.kind = TargetPattern::Kind::kUnixFolder;
    path.remove_suffix(2);
  }
  if (!path.starts_with('/') || !IsPlainPath(path) || path.contains('*'))
    return Refuse("has no absolute path after unix:",
                  "write unix:/run/vms/* for a folder, or unix:/run/vm.sock");
  pattern.text = std::string(path);
  return pattern;
}

// `host`: what stands before the ports.
std::optional<Refusal> ReadHost(std::string_view host, TargetPattern& pattern) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const auto block = Cidr::Parse(host)) {
    pattern.kind = TargetPattern::Kind::kBlock;
    pattern.block = *block;
    return {};
  }
  if (host.contains('/')) return Refusal{"has a block that is none", "write it as in 10.0.0.0/8"};
  if (host.starts_with("*.")) {
    pattern.kind = TargetPattern::Kind::kSubdomains;
    host.remove_prefix(2);
  }
  if (auto fault = HostMistake(host)) return fault;
  if (host.ends_with('.')) host.remove_suffix(1);
  pattern.text = ToLower(host);
  return {};
}

constexpr std::pair<std::string_view, TokenPlace::Kind> kNamed[] = {
    {"query:", TokenPlace::Kind::kQuery},
    {"header:", TokenPlace::Kind::kHeader},
    {"cookie:", TokenPlace::Kind::kCookie}};

}  // namespace

Reading<TokenPlace> Syntax<TokenPlace>::Read(std::string_view text) {
  if (text == "path") return TokenPlace{TokenPlace::Kind::kPath, {}};
  if (text == "host") return TokenPlace{TokenPlace::Kind::kHost, {}};
  for (const auto& [prefix, kind] : kNamed) {
    if (!text.starts_with(prefix)) continue;
    const auto name = Syntax<Token>::Read(text.substr(prefix.size()));
    if (!name) return Refuse("has no name after its ':'");
    return TokenPlace{kind, name->text};
  }
  return Refuse();
}

std::string WrittenPlace(const TokenPlace& place) {
  if (place.kind == TokenPlace::Kind::kPath) return "path";
  if (place.kind == TokenPlace::Kind::kHost) return "host";
  const auto* named = std::ranges::find(kNamed, place.kind, [](const auto& n) { return n.second; });
  return std::string(named->first) + place.name;
}

Reading<TargetPattern> Syntax<TargetPattern>::Read(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    auto pattern = ReadUnix(text.substr(kUnixPrefix.size()));
    if (pattern) pattern->written = std::string(text);
    return pattern;
  }
  if (text.contains("://"))
    return Refuse("is a URL", fmt::format("write {}", text.substr(text.find("://") + 3)));
  TargetPattern pattern;
  pattern.written = std::string(text);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Refuse("has no port", "add one, as in host:5900");
  if (auto fault = ReadPorts(text.substr(colon + 1), pattern)) return std::unexpected(*fault);
  if (auto fault = ReadHost(text.substr(0, colon), pattern)) return std::unexpected(*fault);
  return pattern;
}

Reading<ServerUrl> ReadTarget(std::string_view text, ServerScheme scheme) {
  if (text.size() > kMaxTarget) return Refuse("is too long");
  if (std::ranges::any_of(text, IsControl)) return Refuse("has a control character");
  if (text.starts_with(kUnixPrefix) || text.contains("://")) {
    auto url = Syntax<ServerUrl>::Read(text);
    if (url && std::holds_alternative<UnixPath>(url->address) &&
        !IsPlainPath(std::get<UnixPath>(url->address).path)) {
      return Refuse("has a path that is not plain");
    }
    if (!url) return Refuse(url.error().what.empty() ? "is no URL of a server" : url.error().what);
    return url;
  }
  auto where = ReadHostPort(text, {});
  if (!where) return Refuse("is neither a URL nor host:port");
  if (where->port == 0) return Refuse("has port 0");
  return ServerUrl{scheme, std::move(*where)};
}

std::string_view NameOf(ServerScheme scheme) {
  switch (scheme) {
    case ServerScheme::kTcp:
      return "tcp";
    case ServerScheme::kTls:
      return "tls";
    case ServerScheme::kUnix:
      return "unix";
    case ServerScheme::kWs:
      return "ws";
    case ServerScheme::kWss:
      return "wss";
    case ServerScheme::kHttp:
      return "http";
    case ServerScheme::kHttps:
      return "https";
  }
  return "";
}

bool IsPlainPath(std::string_view path) {
  if (!path.starts_with('/')) return false;
  for (std::string_view rest = path.substr(1);;) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == rest.size()) return true;
    rest.remove_prefix(part.size() + 1);
  }
}

}  // namespace upgate::config
