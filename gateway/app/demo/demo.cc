#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "gateway/app/commands.h"
#include "gateway/app/demo/backends.h"
#include "gateway/app/demo/config.h"
#include "gateway/app/demo/page.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/server.h"
#include "gateway/app/standard_streams.h"
#include "gateway/app/version.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"

namespace upgate::app {
namespace {

// A temporary folder that only this user can read; removed on destruction.
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
  // Return false on an error of the system.
  bool MakeFolder(const std::string& name) const {
    std::error_code error;
    return std::filesystem::create_directory(path_ / name, error);
  }
  bool Write(const std::string& name, std::string_view content) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file << content;
    return static_cast<bool>(file.flush());
  }
  std::string At(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

constexpr const char* kConfigName = "demo.yaml";

// Writes everything that the gateway reads: its configuration and certificate, and the site with
// the page.
bool WriteFiles(const PrivateFolder& folder, const std::string& config) {
  const std::string site = std::string(kDemoSite) + "/";
  const tls::SelfSigned certificate = tls::MakeSelfSigned({"localhost", "127.0.0.1", "::1"});
  return folder.Write(kDemoCertificate, certificate.cert_pem) &&
         folder.Write(kDemoKey, certificate.key_pem) && folder.Write(kConfigName, config) &&
         folder.MakeFolder(kDemoSite) && folder.Write(site + "index.html", DemoPage()) &&
         folder.Write(site + kConfigName, config);
}

// Writes the chosen ports, which the page cannot know otherwise.
bool WriteFacts(const PrivateFolder& folder, std::uint16_t port, std::uint16_t tls_port) {
  return folder.Write(std::string(kDemoSite) + "/demo.json",
                      fmt::format(R"({{"version": "{}", "http": {}, "https": {}}})",
                                  VersionNumber(), port, tls_port));
}

std::uint16_t PortOf(const SocketAddress& address) {
  const auto* ip = std::get_if<IpPort>(&address);
  return ip != nullptr ? ip->port : 0;
}

int Complain(const std::string& what) {
  PrintPromptly(STDERR_FILENO, "upgate demo: " + what + "\n");
  return 1;
}

}  // namespace

int Demo(const DemoSettings& settings) {
  if (settings.port != 0 && settings.port == settings.tls_port) {
    return Complain("--port and --tls-port must be different");
  }
  RaiseFileLimit();
  // For the loops of the servers, in addition to what Server::Open checks.
  constexpr std::uint64_t kFilesOfDemo = 64;
  if (const auto lack = LackOfFiles(kFilesOfDemo)) return Complain(*lack);
  const PrivateFolder folder;
  if (!folder.ok()) return Complain("cannot create a temporary folder");
  DemoBackends backends;
  const auto servers = backends.Start();
  if (!servers)
    return Complain("cannot start the servers behind the gateway: " + servers.error().message);
  if (!WriteFiles(folder, DemoConfig(settings, *servers)))
    return Complain("cannot write to the temporary folder");

  auto config = config::Load(folder.At(kConfigName));
  if (!config) return Complain(config.error().front().message + "; see upgate demo --help");
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  const auto log = MakeStderrLog(LogLevel::kInfo, LogFormat::kText);
  auto server = Server::Open(std::move(*config), plugins, *log);
  if (!server)
    return Complain(server.error().front().message +
                    "; --host, --port and --tls-port choose where");

  const std::uint16_t port = PortOf((*server)->addresses()[0].front());
  const std::uint16_t tls_port = PortOf((*server)->addresses()[1].front());
  if (!WriteFacts(folder, port, tls_port)) return Complain("cannot write to the temporary folder");
  PrintPromptly(STDOUT_FILENO, DemoGreeting(settings, port, tls_port));
  (*server)->Run();
  return 0;
}

}  // namespace upgate::app
