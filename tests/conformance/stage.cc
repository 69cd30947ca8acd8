#include "tests/conformance/stage.h"

#include <stdexcept>

#include "tests/conformance/cases.h"

namespace upgate::conformance {
namespace {

std::unique_ptr<Stage>& TheStage() {
  static std::unique_ptr<Stage> stage;
  return stage;
}

std::string Routes(const std::string& in_front, std::size_t message_size) {
  const std::string limits = ", limits: { message_size: " + std::to_string(message_size) + " } }\n";
  return "  - { path: " + in_front + "/service, plugin: echo" + limits + "  - { path: " + in_front +
         "/bytes, backend: bytes" + limits + "  - { path: " + in_front +
         "/frames, backend: frames" + limits;
}

std::string CompressedRoutes(const std::string& in_front, const std::string& compression) {
  const std::string rest =
      ", compression: { threshold: 0" + compression + " }, limits: { message_size: 1MiB } }\n";
  return "  - { path: " + in_front + "/service, plugin: echo" + rest + "  - { path: " + in_front +
         "/bytes, backend: bytes" + rest;
}

}  // namespace

std::vector<Setting> Settings() {
  std::vector<Setting> all;
  for (const bool secure : {false, true}) {
    for (const FarEnd far : {FarEnd::kService, FarEnd::kBytes, FarEnd::kFrames})
      all.push_back({far, secure});
  }
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
  const std::string yaml =
      "backends:\n"
      "  bytes: { servers: [ \"tcp://127.0.0.1:" +
      std::to_string(bytes_.port()) +
      "\" ] }\n"
      "  frames: { servers: [ \"ws://127.0.0.1:" +
      std::to_string(frames_.port()) +
      "\" ] }\n"
      "routes:\n";
  gateway_ = std::make_unique<RunningGateway>(
      yaml + Routes("", 17 << 20) + Routes("/small", kSmallMessage) +
      CompressedRoutes("/deflate", "") +
      CompressedRoutes("/takeover",
                       ", server_no_context_takeover: false, client_no_context_takeover: false"));
}

std::string PathOf(FarEnd far, std::string_view in_front) {
  const std::string path(in_front);
  switch (far) {
    case FarEnd::kService:
      return path + "/service";
    case FarEnd::kBytes:
      return path + "/bytes";
    case FarEnd::kFrames:
      break;
  }
  return path + "/frames";
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
