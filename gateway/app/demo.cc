#include "gateway/app/tcp_echo_server.h"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "gateway/app/commands.h"
#include "gateway/app/server.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"

namespace upgate::app {
namespace {

// A folder that only we can read, gone when we are.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string name = std::filesystem::temp_directory_path() / "upgate-demo-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  bool ok() const { return !path_.empty(); }
  std::string Write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::filesystem::path path_;
};

// The echo server on a loop and thread of its own, as a service behind a gateway is.
class EchoThread {
 public:
  EchoThread() : server_(loop_.view()), address_(server_.Listen()) {
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~EchoThread() {
    loop_.Stop();
    thread_.join();
  }
  EchoThread(const EchoThread&) = delete;
  EchoThread& operator=(const EchoThread&) = delete;
  const Result<SocketAddress>& address() const { return address_; }

 private:
  net::Loop loop_;
  TcpEchoServer server_;
  Result<SocketAddress> address_;
  std::thread thread_;
};

// The demo's own pages, on both of its ports: each may open sockets on the other.
std::string DemoOrigins(const DemoSettings& settings) {
  std::string origins;
  for (const std::string& name : {std::string("localhost"), std::string("127.0.0.1")}) {
    if (settings.port != 0) origins += fmt::format("\"http://{}\", ", HostPort{name, settings.port}.ToString());
    if (settings.tls_port != 0) origins += fmt::format("\"https://{}\", ", HostPort{name, settings.tls_port}.ToString());
  }
  return origins.empty() ? "\"http://localhost\"" : origins;
}

std::string DemoConfig(const DemoSettings& settings, const std::string& echo, const std::string& cert, const std::string& key) {
  const auto listen = [&](std::uint16_t port) { return HostPort{settings.host, port}.ToString(); };
  return fmt::format(R"(listeners:
  - address: "{0}"
  - address: "{1}"
    tls:
      certificates:
        - {{ cert: "{2}", key: "{3}" }}
workers: 1
backends:
  echo: {{ servers: [ "tcp://{5}" ] }}
routes:
  - {{ path: /echo, backend: echo, cors: {{ allow_origins: [ {4} ] }} }}
  - {{ path: /service-echo, plugin: echo, cors: {{ allow_origins: [ {4} ] }} }}
  - {{ path: /stats, plugin: stats }}
)",
                     listen(settings.port), listen(settings.tls_port), cert, key, DemoOrigins(settings), echo);
}

std::uint16_t PortOf(const SocketAddress& address) {
  const auto* ip = std::get_if<IpPort>(&address);
  return ip != nullptr ? ip->port : 0;
}

void PrintUrls(const DemoSettings& settings, const Server& server, const std::string& echo) {
  const bool everywhere = settings.host == "0.0.0.0" || settings.host == "::" || settings.host == "127.0.0.1";
  const std::string name = everywhere ? "localhost" : settings.host;
  const std::string plain = HostPort{name, PortOf(server.addresses()[0].front())}.ToString();
  const std::string secure = HostPort{name, PortOf(server.addresses()[1].front())}.ToString();
  fmt::print(R"(upgate demo: a gateway in front of a plain TCP echo server at {2}

  ws://{0}/echo                 frames to TCP and back, as binary frames
  ws://{0}/echo?encoding=text   the same with text frames
  wss://{1}/echo                the same over TLS, with a throw-away certificate
  ws://{0}/service-echo         an echo inside the gateway
  http://{0}/stats              what passed through

Try it: open http://{0}/stats in a browser, and in its console (F12):

  ws = new WebSocket("ws://{0}/echo?encoding=text");
  ws.onmessage = (m) => console.log(m.data);
  ws.onopen = () => ws.send("Hello, TCP");

For wss, open https://{1}/stats first and accept the certificate.
Pages from other origins are refused, as by default everywhere. Ctrl-C ends it.
)",
             plain, secure, echo);
  std::fflush(stdout);
}

int Complain(const std::string& what) {
  fmt::print(stderr, "upgate demo: {}\n", what);
  return 1;
}

}  // namespace

int Demo(const DemoSettings& settings) {
  if (settings.port != 0 && settings.port == settings.tls_port) {
    return Complain("--port and --tls-port are the same; they need two ports");
  }
  const PrivateFolder folder;
  if (!folder.ok()) return Complain("no temporary folder can be made");
  const tls::SelfSigned certificate = tls::MakeSelfSigned({"localhost", "127.0.0.1", "::1"});
  const EchoThread echo;
  if (!echo.address()) return Complain("the echo server cannot start: " + echo.address().error().message);
  const std::string echo_address = ToString(*echo.address());

  const std::string text = DemoConfig(settings, echo_address, folder.Write("demo.crt", certificate.cert_pem),
                                      folder.Write("demo.key", certificate.key_pem));
  auto config = config::Parse(text, "demo", [](const char*) -> const char* { return nullptr; });
  if (!config) return Complain(config.error().front().message + "; see upgate demo --help");
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  const auto log = MakeStderrLog(LogLevel::kInfo, LogFormat::kText);
  auto server = Server::Open(std::move(*config), plugins, *log);
  if (!server) return Complain(server.error().front().message + " (--port and --tls-port choose others)");
  PrintUrls(settings, **server, echo_address);
  (*server)->Run();
  return 0;
}

}  // namespace upgate::app
