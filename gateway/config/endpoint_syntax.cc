#include <sys/un.h>

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/host_syntax.h"
#include "gateway/config/scalar.h"

namespace upgate::config {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSrv = "srv+";
constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kSchemes = "use tcp, tls, unix, ws, wss, http or https";

struct SchemeName {
  std::string_view name;
  ServerScheme scheme;
  std::optional<std::uint16_t> default_port;
};
constexpr SchemeName kSchemeNames[] = {
    {"tcp", ServerScheme::kTcp, {}},   {"tls", ServerScheme::kTls, {}},
    {"ws", ServerScheme::kWs, 80},     {"wss", ServerScheme::kWss, 443},
    {"http", ServerScheme::kHttp, 80}, {"https", ServerScheme::kHttps, 443},
};

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, IsDigit);
}

// Parses what follows "unix:": a path, or a URL's empty authority and a path.
Reading<UnixPath> ReadUnixPath(std::string_view text) {
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    if (!text.empty() && !text.starts_with('/'))
      return Refuse("has a host after unix://", fmt::format("write unix:/{}", Excerpt(text)));
  }
  if (text.empty()) return Refuse("has no path after unix:", "write unix:/path");
  if (!text.starts_with('/'))
    return Refuse("has no absolute path after unix:",
                  fmt::format("write unix:/run/{}", Excerpt(text)));
  if (text.ends_with('/')) return Refuse("is a folder, not a socket");
  if (std::ranges::any_of(text, IsControl)) return Refuse("has a control character in its path");
  if (text.size() > kMaxUnixPath) {
    return Refuse(fmt::format("has a path of {} bytes; unix sockets take at most {}", text.size(),
                              kMaxUnixPath));
  }
  return UnixPath{std::string(text)};
}

// Common mistakes in an address, with the correction.
std::optional<Refusal> AddressMistake(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    return Refusal{"is a URL", fmt::format("write {}", Excerpt(text.substr(scheme + 3)))};
  }
  if (text.starts_with('/'))
    return Refusal{"is a path", fmt::format("write unix:{}", Excerpt(text))};
  if (IsPort(text))
    return Refusal{"is a port without a host", fmt::format("write 0.0.0.0:{}", text)};
  if (text.starts_with(':') && IsPort(text.substr(1))) {
    return Refusal{
        "has no host",
        fmt::format("write 0.0.0.0{0} for all addresses, or 127.0.0.1{0} for this machine only",
                    text)};
  }
  if (text.starts_with("*:")) {
    return Refusal{"has '*' for a host",
                   fmt::format("write 0.0.0.0{0} or [::]{0}", Excerpt(text.substr(1)))};
  }
  return {};
}

// The refusal of a text that would be valid with a port.
std::optional<Refusal> FaultOfMissingPort(std::string_view text, std::string_view before) {
  if (Ip::Parse(text) && text.find(':') != std::string_view::npos) {
    // "::1:8080" is a valid address, but rarely meant as one.
    const std::size_t colon = text.rfind(':');
    const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
    if (IsPort(port) && Ip::Parse(host)) {
      return Refusal{"has no port",
                     fmt::format("write {0}[{1}]:{2} if {2} is the port", before, host, port)};
    }
    return Refusal{"has no port", fmt::format("add one, as in {}[{}]:8080", before, text)};
  }
  if (HostPort::Parse(text) || !HostPort::Parse(text, std::uint16_t{0})) return {};
  return Refusal{"has no port", fmt::format("add one, as in {}{}:8080", before, Excerpt(text))};
}

Reading<HostPort> ReadServerAddress(std::string_view scheme, std::string_view rest,
                                    std::optional<std::uint16_t> default_port) {
  const std::size_t end = rest.find_first_of("/?#");
  if (end != std::string_view::npos) {
    const std::string_view part = rest[end] == '/'   ? "path"
                                  : rest[end] == '?' ? "query"
                                                     : "fragment";
    const bool is_base = rest.size() > end + 1 && scheme != "tcp" && scheme != "tls";
    return Refuse(
        fmt::format("has a {}", part),
        fmt::format("write {}://{}{}", scheme, Excerpt(rest.substr(0, end)),
                    is_base ? ": servers get the path and query of the request unchanged, "
                              "without a prefix"
                            : ""));
  }
  if (!default_port) {
    if (auto fault = FaultOfMissingPort(rest, fmt::format("{}://", scheme)))
      return std::unexpected(std::move(*fault));
  }
  auto address = ReadHostPort(rest, default_port);
  if (address && address->port == 0)
    return Refuse("has port 0", "servers have a port from 1 to 65535");
  return address;
}

}  // namespace

Reading<Endpoint> Syntax<Endpoint>::Read(std::string_view text) {
  if (text.starts_with(kUnix)) {
    auto path = ReadUnixPath(text.substr(kUnix.size()));
    if (!path) return std::unexpected(path.error());
    return std::move(*path);
  }
  if (auto slip = AddressMistake(text)) return std::unexpected(std::move(*slip));
  if (auto fault = FaultOfMissingPort(text, "")) return std::unexpected(std::move(*fault));
  auto address = ReadHostPort(text, {});
  if (!address) return std::unexpected(address.error());
  return std::move(*address);
}

namespace {

// Of the URL of a server without "://".
Refusal FaultOfScheme(std::string_view text) {
  const std::size_t end = std::min(text.find_first_of(":/"), text.size());
  const std::string scheme = ToLower(text.substr(0, end));
  std::string_view host = text.substr(end);
  host.remove_prefix(std::min(host.find_first_not_of(":/"), host.size()));
  if (text.contains('/') || host.contains(':')) {
    if (std::ranges::find(kSchemeNames, scheme, &SchemeName::name) != std::end(kSchemeNames)) {
      return {"has no '://' after its scheme",
              fmt::format("write {}://{}", scheme, Excerpt(host.substr(0, host.find('/'))))};
    }
    if (scheme.ends_with("unix"))
      return {"has an unknown scheme", fmt::format("write unix:/{}", Excerpt(host))};
  }
  const std::string_view port = text.contains(':') ? "" : ":PORT";
  return {"has no scheme", fmt::format("write tcp://{0}{1} or tls://{0}{1}", Excerpt(text), port)};
}

}  // namespace

Reading<ServerUrl> Syntax<ServerUrl>::Read(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return std::unexpected(HasUserInfo());
  }
  if (ToLower(text.substr(0, kUnix.size())) == kUnix) {
    auto path = ReadUnixPath(text.substr(kUnix.size()));
    if (!path) return std::unexpected(path.error());
    return ServerUrl{ServerScheme::kUnix, std::move(*path)};
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    if (text.starts_with('/'))
      return Refuse("has no scheme", fmt::format("write unix:{}", Excerpt(text)));
    return std::unexpected(FaultOfScheme(text));
  }
  const std::string scheme = ToLower(text.substr(0, colon));
  const auto* known = std::ranges::find(kSchemeNames, scheme, &SchemeName::name);
  if (known == std::end(kSchemeNames))
    return Refuse("has an unknown scheme", std::string(kSchemes));
  auto address = ReadServerAddress(scheme, text.substr(colon + 3), known->default_port);
  if (!address) return std::unexpected(address.error());
  return ServerUrl{known->scheme, std::move(*address)};
}

bool IsSrvUrl(std::string_view text) {
  return EqualsIgnoreCase(text.substr(0, kSrv.size()), kSrv);
}

Reading<SrvUrl> Syntax<SrvUrl>::Read(std::string_view text) {
  text.remove_prefix(std::min(text.size(), kSrv.size()));
  const std::size_t colon = text.find("://");
  const std::string scheme = ToLower(text.substr(0, colon));
  const auto* known = std::ranges::find(kSchemeNames, scheme, &SchemeName::name);
  if (colon == std::string_view::npos || known == std::end(kSchemeNames))
    return Refuse("has an unknown scheme",
                  "use srv+tcp, srv+tls, srv+ws, srv+wss, srv+http or srv+https");
  const std::string_view name = text.substr(colon + 3);
  const std::size_t end = name.find_first_of("/?#@");
  if (end != std::string_view::npos)
    return Refuse("has more than a name",
                  fmt::format("write srv+{}://{}", scheme, Excerpt(name.substr(0, end))));
  if (name.find(':') != std::string_view::npos)
    return Refuse("has a port", "leave it out: SRV records have the port");
  if (auto fault = HostMistake(name)) return std::unexpected(std::move(*fault));
  const std::size_t dot = name.find('.');
  if (!name.starts_with('_') || dot == std::string_view::npos || name.substr(dot, 2) != "._")
    return Refuse("is not the name of a service", "write one such as _live._tcp.example.com");
  return SrvUrl{known->scheme, std::string(name)};
}

Reading<Cidr> Syntax<Cidr>::Read(std::string_view text) {
  if (const auto cidr = Cidr::Parse(text)) return *cidr;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && Ip::Parse(text.substr(0, slash))) {
    return Refuse("has a wrong number of bits after '/'", "0 to 32 for IPv4, 0 to 128 for IPv6");
  }
  return Refuse();
}

}  // namespace upgate::config
