#include "tests/conformance/stage.h"

#include <algorithm>
#include <stdexcept>

#include "tests/conformance/cases.h"

namespace upgate::conformance {
namespace {

std::unique_ptr<Stage>& TheStage() {
  static std::unique_ptr<Stage> stage;
  return stage;
}

struct Row {
  FarEnd far;
  const char* path;
  const char* target;
};

constexpr Row kRows[] = {
    {FarEnd::kService, "/service", "plugin: echo"},
    {FarEnd::kBytes, "/bytes", "backend: bytes"},
    {FarEnd::kFrames, "/frames", "backend: frames"},
    {FarEnd::kEnforced, "/enforced", "backend: enforced, enforce: true"},
    {FarEnd::kDeflated, "/deflated", "backend: deflated, enforce: true"},
};

// Compression with the far end, or with clients: `more` is appended.
std::string Compression(std::string_view key, const std::string& more) {
  return ", " + std::string(key) + ": { threshold: 0" + more + " }";
}

std::string Routes(const std::string& in_front, std::size_t message_size) {
  std::string routes;
  for (const Row& row : kRows) {
    routes += "  - { path: " + in_front + row.path + ", " + row.target;
    if (row.far == FarEnd::kDeflated) routes += Compression("server_compression", "");
    routes += ", limits: { message_size: " + std::to_string(message_size) + " } }\n";
  }
  return routes;
}

std::string CompressedRoutes(const std::string& in_front, const std::string& more) {
  std::string routes;
  for (const Row& row : kRows) {
    if (row.far == FarEnd::kFrames) continue;  // it negotiates compression itself
    routes += "  - { path: " + in_front + row.path + ", " + row.target;
    routes += Compression("compression", more);
    if (row.far == FarEnd::kDeflated) routes += Compression("server_compression", more);
    routes += ", limits: { message_size: 1MiB } }\n";
  }
  return routes;
}

}  // namespace

std::vector<Setting> Settings() {
  std::vector<Setting> all;
  for (const Row& row : kRows) all.push_back({row.far, false});
  // These far ends do not differ in how messages end.
  for (const FarEnd far : {FarEnd::kService, FarEnd::kBytes, FarEnd::kFrames})
    all.push_back({far, true});
  return all;
}

std::string NameOfSetting(const testing::TestParamInfo<Setting>& info) {
  return (info.param.secure ? "tls_" : "plain_") + PathOf(info.param.far, "").substr(1);
}

Stage& Stage::Get() {
  if (!TheStage()) TheStage().reset(new Stage);
  return *TheStage();
}

void Stage::Clear() {
  TheStage().reset();
}

Stage::Stage() {
  const auto backend = [](std::string_view name, std::string_view scheme,
                          const TestServer& server) {
    return "  " + std::string(name) + ": { servers: [ \"" + std::string(scheme) +
           "://127.0.0.1:" + std::to_string(server.port()) + "\" ] }\n";
  };
  const std::string yaml = "backends:\n" + backend("bytes", "tcp", bytes_) +
                           backend("frames", "ws", frames_) + backend("enforced", "ws", enforced_) +
                           backend("deflated", "ws", deflated_) + "routes:\n";
  gateway_ = std::make_unique<RunningGateway>(
      yaml + Routes("", 17 << 20) + Routes("/small", kSmallMessage) +
      CompressedRoutes("/deflate", "") +
      CompressedRoutes("/takeover",
                       ", server_no_context_takeover: false, client_no_context_takeover: false"));
}

std::string PathOf(FarEnd far, std::string_view in_front) {
  const Row* row = std::ranges::find(kRows, far, &Row::far);
  return std::string(in_front) + row->path;
}

std::string HandshakeFor(std::string_view path, std::string_view fields) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: conformance.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(fields) + "\r\n";
}

std::string TakeAccepted(Connection& client) {
  std::string head = client.ReadHead();
  if (!head.starts_with("HTTP/1.1 101 ") ||
      head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") ==
          std::string::npos) {
    throw std::runtime_error("no proper 101 but: " + head);
  }
  return head;
}

std::unique_ptr<Connection> OpenClient(FarEnd far, bool secure, std::string_view in_front) {
  auto client = std::make_unique<Connection>(Stage::Get().gateway().port(secure),
                                             secure ? Transport::kTls : Transport::kPlain);
  client->Send(HandshakeFor(PathOf(far, in_front)));
  TakeAccepted(*client);
  return client;
}

}  // namespace upgate::conformance
