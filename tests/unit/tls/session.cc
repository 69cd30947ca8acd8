#include "tests/unit/tls/session.h"

#include <utility>

#include <gtest/gtest.h>

namespace upgate::tls::test {

std::shared_ptr<ServerContext> MakeServer(const ServerSpec& spec) {
  auto made = ServerContext::Make(spec.tls());
  if (made) return *made;
  ADD_FAILURE() << made.error().front().message;
  return nullptr;
}

std::shared_ptr<ClientContext> MakeClient(const ClientSpec& spec) {
  auto made = ClientContext::Make(spec.tls());
  if (made) return *made;
  ADD_FAILURE() << made.error().front().message;
  return nullptr;
}

Contexts::Contexts(const ServerSpec& extra) {
  const SelfSigned self = MakeSelfSigned({"localhost", "127.0.0.1"});
  const config::Certificate files = folder.Write(Pem{self.cert_pem, self.key_pem});
  ServerSpec tls = extra;
  tls.certificates.push_back(files);
  server = MakeServer(tls);
  client = MakeClient({.ca = files.cert});
}

Session::Session(ServerContext& server_context, ClientContext& client_context, std::size_t chunk,
                 const std::string& server_name) {
  auto [near, far] = loop.Connect(chunk);
  // NOLINTBEGIN(cppcoreguidelines-prefer-member-initializer)
  server_end = near.get();
  client_end = far.get();
  // NOLINTEND(cppcoreguidelines-prefer-member-initializer)
  server.Watch(server_context.Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
  connect.pending =
      client_context.Handshake(std::move(far), server_name, loop.io(), loop.scratch(), connect);
}

void Session::Handshake() {
  server.Read(true);
  loop.Run();
  ASSERT_EQ(connect.connected, 1) << FirstMessage(connect.failures);
  client.Watch(std::move(connect.stream));
  client.Read(true);
  loop.Run();
  ASSERT_TRUE(server.errors.empty()) << FirstMessage(server.errors);
}

RawSession::RawSession(ServerContext& context, const RawClient::Setup& setup, std::size_t chunk) {
  auto [near, far] = loop.Connect(chunk);
  server.Watch(context.Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
  server.Read(true);
  client = std::make_unique<RawClient>(std::move(far), setup);
  loop.Run();
}

std::string FirstMessage(const std::vector<Error>& errors) {
  return errors.empty() ? std::string() : errors.front().message;
}

}  // namespace upgate::tls::test
