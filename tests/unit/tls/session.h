#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/tls/context.h"
#include "tests/unit/tls/credentials.h"
#include "tests/unit/tls/pipe.h"
#include "tests/unit/tls/raw_client.h"

namespace upgate::tls::test {

constexpr io::Millis kHandshakeTimeout{10'000};

// config::ListenerTls and config::ClientTls, with only the relevant members.
struct ServerSpec {
  std::vector<config::Certificate> certificates = {};
  config::TlsVersion min_version = config::TlsVersion::kTls12;
  config::ClientAuth client_auth = config::ClientAuth::kNone;
  std::optional<config::FilePath> client_ca = {};
  config::ListenerTls tls() const { return {certificates, min_version, client_auth, client_ca}; }
};
struct ClientSpec {
  bool verify = true;
  std::optional<config::FilePath> ca = {};
  std::optional<std::string> server_name = {};
  std::optional<config::Certificate> certificate = {};
  config::ClientTls tls() const { return {verify, ca, server_name, certificate}; }
};

// Contexts for a server called "localhost" and "127.0.0.1", and for a client that trusts it.
struct Contexts {
  explicit Contexts(const ServerSpec& extra = {});
  Folder folder;
  std::shared_ptr<ServerContext> server;
  std::shared_ptr<ClientContext> client;
};

// Fails the test on errors.
std::shared_ptr<ServerContext> MakeServer(const ServerSpec& spec);
std::shared_ptr<ClientContext> MakeClient(const ClientSpec& spec);

// A server stream and a client's handshake, connected by a pipe in which nothing has happened yet.
struct Session {
  Session(ServerContext& server_context, ClientContext& client_context,
          std::size_t chunk = 64 * 1024, const std::string& server_name = "localhost");
  // Runs the loop, takes over the client's stream, and starts reading.
  void Handshake();

  PipeLoop loop;
  PipeEnd* server_end = nullptr;
  PipeEnd* client_end = nullptr;
  Recorder server;
  Recorder client;
  ConnectRecorder connect;
};

// A server stream and a raw OpenSSL client.
struct RawSession {
  explicit RawSession(ServerContext& context, const RawClient::Setup& setup = {},
                      std::size_t chunk = 64 * 1024);

  PipeLoop loop;
  Recorder server;
  std::unique_ptr<RawClient> client;
};

// The first error, or "" if there is none.
std::string FirstMessage(const std::vector<Error>& errors);

}  // namespace upgate::tls::test
