#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/backend/connecting.h"
#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"
#include "gateway/tls/context.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/handshake.h"

namespace upgate::backend {

struct ProbeSettings {
  std::string name;       // of the server, for messages; without secrets
  config::Server server;  // where it is, and whether it has TLS
  config::SendProxy send_proxy = config::SendProxy::kOff;
  bool is_websocket = false;
  std::string authority;  // for Host
  std::string target = "/";
  http::Headers headers;    // beyond those that the probe sends by itself; a Host among them takes
                            // the place of the authority
  std::string subprotocol;  // to ask for; empty: none
  std::string user_agent;   // empty: none
  std::vector<config::HealthCheck::StatusRange> statuses{{}};  // that are fine, over HTTP
  io::Millis timeout{5'000};
};

// Checks once whether a server works, as a client would. Over WebSocket: an opening handshake, a
// ping with its pong, and the closing handshake, for the end of which it does not wait long (RFC
// 6455, sections 4.1, 5.5 and 7.1). Over HTTP: a GET, for which `statuses` are a success.
// Everything within `timeout`. Starts at once. On its loop's thread.
class Probe final : public io::Deletable,
                    private Connecting::Owner,
                    private http::ResponseHandler,
                    private http::ClientConnection::Owner,
                    private io::StreamHandler,
                    private io::Timer::Owner {
 public:
  class Owner {
   public:
    // Called once, never from inside the constructor. The probe may be destroyed after this call;
    // inside it, use Turn::DeferDelete.
    // One line that describes the result or, as an error, the failure; kTimeout if the time was up.
    virtual void OnProbed(const Result<std::string>& outcome) = 0;

   protected:
    ~Owner() = default;
  };

  // What is borrowed outlives the probe; `tls` may be nullptr where the server has none.
  Probe(const ProbeSettings& settings, std::shared_ptr<tls::ClientContext> tls, io::Loop loop,
        tls::Scratch& scratch, Owner& owner);
  ~Probe() override;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  enum class Step : std::uint8_t {
    kConnecting,  // name, connection and TLS
    kAnswer,      // the head of the answer
    kRefusal,     // the body of a response that is not the expected one
    kPong,
    kClose,  // the server's part of the closing handshake
    kOver,
  };

  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;
  std::string Greeting() override { return OwnGreeting(settings_.send_proxy); }

  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&& head, http::BodyLength length) override;
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}

  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override {}

  void OnTimer(io::Timer&) override;

  http::OutgoingRequest Request();
  void Ping();
  void OnControl(ws::Opcode opcode);
  void OnPong();
  void OnClose();
  void SendFrame(ws::Opcode opcode, Bytes payload);
  void Refused();
  std::uint64_t MillisSince(std::uint64_t micros) const;
  void Succeed(std::string_view how);
  void Fail(Errc code, std::string_view why);
  void Finish(const Result<std::string>& outcome);
  void ReleaseConnection();

  const ProbeSettings& settings_;
  io::Loop loop_;
  Owner& owner_;
  Connecting connecting_;
  io::Timer timer_;
  Step step_ = Step::kConnecting;
  const std::uint64_t started_us_;
  std::uint64_t pinged_us_ = 0;
  ws::Offer offer_;     // our handshake
  int status_ = 0;      // of the response
  std::string body_;    // the beginning of a refusal
  std::string report_;  // the successful steps so far
  std::array<std::byte, 8> ping_{};
  ws::FrameDecoder decoder_;
  std::string control_;  // payload of an incomplete control frame
  std::unique_ptr<http::ClientConnection> connection_;
  std::unique_ptr<io::ByteStream> stream_;  // after the 101
};

}  // namespace upgate::backend
