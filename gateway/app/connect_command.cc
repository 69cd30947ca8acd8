// `upgate connect`: the client's side of a WebSocket that carries bytes.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "gateway/app/client_tunnel.h"
#include "gateway/app/commands.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/listen_address.h"
#include "gateway/app/standard_io.h"
#include "gateway/app/standard_streams.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/net/loop.h"
#include "gateway/net/signal_watcher.h"
#include "gateway/tls/context.h"

namespace upgate::app {
namespace {

// Tunnels of one process; further clients wait in the backlog.
constexpr std::size_t kMostTunnels = 1'000;
// How long a process that is told to end waits for closing handshakes.
constexpr io::Millis kEndTimeout{2'000};

std::expected<TunnelSettings, UsageError> ReadSettings(const ConnectArguments& arguments) {
  TunnelSettings settings;
  auto url = ReadUrl(arguments.url);
  if (!url) return std::unexpected(std::move(url.error()));
  if (!url->is_websocket())
    return Misuse("the URL must begin with ws:// or wss://, for example wss://app.example/db");
  settings.url = std::move(*url);
  if (!arguments.local.empty() && (arguments.local != "-" || !arguments.listen.empty()))
    return Misuse("after the URL comes - for standard input and output, or --listen ADDRESS");
  auto headers = ReadHeaders(arguments.headers);
  if (!headers) return std::unexpected(std::move(headers.error()));
  for (const http::Header& header : *headers) {
    if (EqualsIgnoreCase(header.name, "sec-websocket-protocol"))
      return Misuse("-H: use --subprotocol for " + header.name);
    if (IsSetByHandshake(header.name))
      return Misuse(fmt::format("-H: {} is set by the handshake itself", header.name));
  }
  settings.headers = std::move(*headers);
  for (const std::string& subprotocol : arguments.subprotocols) {
    if (!config::Syntax<config::Token>::Read(subprotocol))
      return Misuse(fmt::format("--subprotocol: '{}' is not a token", Printable(subprotocol)));
  }
  settings.subprotocols = arguments.subprotocols;
  const bool has_tls_options =
      arguments.insecure || !(arguments.ca + arguments.cert + arguments.key).empty();
  if (has_tls_options && !settings.url.is_secure())
    return Misuse("--ca, --cert, --key and --insecure are for wss");
  if (arguments.cert.empty() != arguments.key.empty())
    return Misuse("--cert and --key belong together");
  const auto timeout = ReadTimeout(arguments.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  settings.timeout = *timeout;
  settings.retries = !arguments.listen.empty();
  return settings;
}

// nullptr for ws.
std::expected<std::shared_ptr<tls::ClientContext>, UsageError> TlsOf(
    const ConnectArguments& arguments, const CommandUrl& url) {
  if (!url.is_secure()) return nullptr;
  config::ClientTls settings = TrustOf(arguments.ca, arguments.insecure);
  if (!arguments.cert.empty())
    settings.certificate =
        config::Certificate{{arguments.cert, {}, "--cert"}, {arguments.key, {}, "--key"}};
  auto context = tls::ClientContext::Make(settings);
  if (context) return std::move(*context);
  const config::ConfigError& error = context.error().front();
  return Misuse(error.key + ": " + error.message);
}

// One tunnel for the standard streams.
struct OneTunnel final : ClientTunnel::Owner {
  void OnTunnelDone(ClientTunnel&, const TunnelEnd& how) override { end = how; }
  std::optional<TunnelEnd> end;
};

// A tunnel for every client of a local address.
class LocalPort final : private io::AcceptHandler, private ClientTunnel::Owner {
 public:
  LocalPort(const ClientTunnel::Shared& shared, Log& log)
      : shared_(shared), loop_(shared.context.loop), log_(log) {}

  Result<void> Listen(const std::vector<SocketAddress>& addresses) {
    for (const SocketAddress& address : addresses) {
      auto listener = loop_.network.Listen(address, {}, *this);
      if (!listener) return std::unexpected(std::move(listener.error()));
      log_.Info("listening", {{"address", ToString((*listener)->address())},
                              {"server", shared_.settings.url.authority}});
      listeners_.push_back(std::move(*listener));
    }
    return {};
  }

  // Takes no more clients, and closes every tunnel.
  void End() {
    listeners_.clear();
    const std::set<ClientTunnel*> open = tunnels_;
    for (ClientTunnel* tunnel : open) tunnel->End("this process ends");
  }
  // Those that are left when the process does not wait for them any longer.
  void Abort() {
    for (ClientTunnel* tunnel : std::exchange(tunnels_, {})) delete tunnel;
  }
  bool ended() const { return listeners_.empty() && tunnels_.empty(); }

 private:
  bool MayAccept() override { return tunnels_.size() < kMostTunnels; }
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    auto tunnel = std::make_unique<ClientTunnel>(shared_, std::move(stream),
                                                 static_cast<ClientTunnel::Owner&>(*this));
    tunnels_.insert(tunnel.release());
  }
  void OnTunnelDone(ClientTunnel& tunnel, const TunnelEnd& end) override {
    if (!end.message.empty()) {
      end.ok ? log_.Info("tunnel closed", {{"why", end.message}})
             : log_.Warn(end.established ? "tunnel broke" : "no tunnel", {{"why", end.message}});
    }
    tunnels_.erase(&tunnel);
    loop_.turn.DeferDelete(std::unique_ptr<io::Deletable>(&tunnel));
    for (const auto& listener : listeners_) listener->Resume();
  }

  const ClientTunnel::Shared& shared_;
  io::Loop loop_;
  Log& log_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::set<ClientTunnel*> tunnels_;  // owned
};

int ConnectFailed(const std::string& what) {
  Print(stderr, "upgate connect: " + what + "\n");
  return 1;
}

int ConnectStandardStreams(net::Loop& loop, const ClientTunnel::Shared& shared) {
  StandardIo standard;
  auto local = standard.Open(loop);
  if (!local) return ConnectFailed(local.error().message);
  OneTunnel owner;
  {
    const ClientTunnel tunnel(shared, std::move(*local), owner);
    loop.RunUntil([&] { return owner.end.has_value(); });
  }
  // One more turn, in which the loop deletes the local stream.
  bool deleted = false;
  loop.Post([&] { deleted = true; });
  loop.RunUntil([&] { return deleted; });
  standard.Finish();
  if (!owner.end->ok) ConnectFailed(owner.end->message);
  std::fflush(stderr);
  // The thread that reads standard input may block for ever.
  std::_Exit(owner.end->ok ? 0 : 1);
}

int ConnectListener(net::Loop& loop, const std::string& listen,
                    const ClientTunnel::Shared& shared) {
  const auto where = config::Syntax<config::Endpoint>::Read(listen);
  if (!where) {
    ConnectFailed(fmt::format("--listen: '{}' is not {}", Printable(listen),
                              config::Syntax<config::Endpoint>::kForm));
    return 2;
  }
  const auto addresses = ResolveListenAddress({*where, {}, "--listen"});
  if (!addresses) return ConnectFailed("--listen: " + addresses.error().message);
  const auto log = MakeStderrLog(LogLevel::kInfo, LogFormat::kText);
  LocalPort port(shared, *log);
  if (const auto listening = port.Listen(*addresses); !listening)
    return ConnectFailed("--listen: " + listening.error().message);
  struct Patience final : io::Timer::Owner {
    void OnTimer(io::Timer&) override { over = true; }
    bool over = false;
  } patience;
  io::Timer timer(shared.context.loop.timers, patience);
  const net::SignalWatcher signals(loop, {SIGTERM, SIGINT}, [&](int) {
    patience.over = timer.armed();
    timer.Arm(kEndTimeout);
    port.End();
  });
  loop.RunUntil([&] { return patience.over || port.ended(); });
  port.Abort();
  return 0;
}

}  // namespace

int Connect(const ConnectArguments& arguments) {
  const auto settings = ReadSettings(arguments);
  if (!settings) {
    ConnectFailed(settings.error().message);
    return 2;
  }
  auto tls = TlsOf(arguments, settings->url);
  if (!tls) return ConnectFailed(tls.error().message);
  RaiseFileLimit();
  constexpr std::uint64_t kFilesOfTunnel = 16;
  if (const auto lack = LackOfFiles(kFilesOfTunnel)) return ConnectFailed(*lack);
  net::Loop loop;
  tls::Scratch scratch;
  session::Context context(loop.view());
  const ClientTunnel::Shared shared{*settings, context, scratch, std::move(*tls)};
  return arguments.listen.empty() ? ConnectStandardStreams(loop, shared)
                                  : ConnectListener(loop, arguments.listen, shared);
}

}  // namespace upgate::app
