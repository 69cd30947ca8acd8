// The command line of the probe, and its loop.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/app/command_url.h"
#include "gateway/app/commands.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/probe_settings.h"
#include "gateway/app/standard_streams.h"
#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/net/loop.h"
#include "gateway/tls/context.h"

namespace upgate::app {
namespace {

// The headers from -H and --host.
std::expected<http::Headers, UsageError> ReadOwnHeaders(const ProbeArguments& arguments) {
  auto headers = ReadHeaders(arguments.headers);
  if (!headers) return headers;
  for (const auto& header : *headers) {
    if (EqualsIgnoreCase(header.name, "sec-websocket-protocol"))
      return Misuse("-H: use --subprotocol for " + header.name);
    if (IsSetByHandshake(header.name))
      return Misuse(fmt::format("-H: {} is set by the probe itself", header.name));
  }
  if (!arguments.host.empty()) {
    if (!HostPort::Parse(arguments.host, std::uint16_t{0}))
      return Misuse("--host: not a name, or a name and a port");
    headers->Set("Host", arguments.host);
  }
  return headers;
}

std::expected<backend::ProbeSettings, UsageError> ReadProbe(const ProbeArguments& arguments) {
  auto url = ReadUrl(arguments.url);
  if (!url) return std::unexpected(std::move(url.error()));
  if (url->scheme.empty())
    return Misuse("the URL has no scheme; write for example ws://localhost:8080/");
  backend::ProbeSettings settings = SettingsFor(*url);
  auto headers = ReadOwnHeaders(arguments);
  if (!headers) return std::unexpected(std::move(headers.error()));
  settings.headers = std::move(*headers);
  if (!arguments.subprotocol.empty()) {
    if (!settings.is_websocket) return Misuse("--subprotocol is for ws and wss");
    if (!config::Syntax<config::Token>::Read(arguments.subprotocol))
      return Misuse("--subprotocol: not a token");
    settings.subprotocol = arguments.subprotocol;
  }
  if ((arguments.insecure || !arguments.ca.empty()) && !url->is_secure()) {
    return Misuse("--insecure and --ca are for wss and https");
  }
  const auto timeout = ReadTimeout(arguments.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  settings.timeout = *timeout;
  return settings;
}

config::ClientTls TlsFor(const ProbeArguments& arguments) {
  config::ClientTls tls = TrustOf(arguments.ca, arguments.insecure);
  if (!arguments.host.empty())
    tls.server_name = HostPort::Parse(arguments.host, std::uint16_t{0})->host;
  return tls;
}

struct ProbeOutcome final : backend::Probe::Owner {
  void OnProbed(const Result<std::string>& how) override { result = how; }
  std::optional<Result<std::string>> result;
};

}  // namespace

int ProbeServer(const ProbeArguments& arguments) {
  const auto settings = ReadProbe(arguments);
  if (!settings) {
    Print(stderr, "upgate probe: " + settings.error().message + "\n");
    return 2;
  }
  std::shared_ptr<tls::ClientContext> tls;
  if (config::IsSecure(settings->server.scheme)) {
    auto context = tls::ClientContext::Make(TlsFor(arguments));
    if (!context) {
      for (const auto& error : context.error())
        Print(stderr, fmt::format("upgate probe: {}: {}\n", error.key, error.message));
      return 1;
    }
    tls = std::move(*context);
  }
  // A loop, a name lookup and a connection.
  constexpr std::uint64_t kFilesOfProbe = 12;
  if (const auto lack = LackOfFiles(kFilesOfProbe)) {
    Print(stderr, "upgate probe: " + *lack + "\n");
    return 1;
  }
  net::Loop loop;
  tls::Scratch scratch;
  ProbeOutcome outcome;
  const backend::Probe probe(*settings, tls, loop.view(), scratch, outcome);
  loop.RunUntil([&] { return outcome.result.has_value(); });
  if (*outcome.result) {
    Print(stdout, outcome.result->value() + "\n");
    return 0;
  }
  Print(stderr,
        WithTrustOptions(outcome.result->error(), "--host NAME expects another name, ") + "\n");
  return 1;
}

}  // namespace upgate::app
