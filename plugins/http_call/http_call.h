#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/plugin/dialer.h"
#include "gateway/plugin/http_client.h"

namespace upgate::plugins {

// One request of the gateway's own to an HTTP server, on a connection of its own. Redirects are not
// followed. Has no timeout; destroying it gives up. On its loop's thread.
class HttpCall final : public io::Deletable,
                       private io::ConnectHandler,
                       private http::ResponseHandler,
                       private http::ClientConnection::Owner {
 public:
  // Exactly one of OnAnswer and OnFailed is called, in a later turn, unless OnHead ends the call.
  // The handler may have the loop delete the call from inside, but not delete it itself.
  class Handler {
   public:
    // False: the body is not wanted, and nothing else is called.
    virtual bool OnHead(const http::Response&) { return true; }
    // The whole response, with its body.
    virtual void OnAnswer(http::Response answer) = 0;
    // `why` follows the name of the server: ": connection refused", " gave an answer that is …".
    virtual void OnFailed(std::string why) = 0;

   protected:
    ~Handler() = default;
  };

  // `context`: as for a Dialer. `most`: bytes of the body that are accepted. The handler and what
  // is borrowed outlive the call.
  HttpCall(io::Loop loop, tls::Scratch& scratch, HostPort server, tls::ClientContext* context,
           http::OutgoingRequest request, std::size_t most, Handler& handler);
  ~HttpCall() override;

 private:
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnConnectFailed(const Error& error) override;
  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&& head, http::BodyLength length) override;
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}
  void ReleaseConnection();

  io::Loop loop_;
  const http::OutgoingRequest request_;
  const std::size_t most_;
  Handler& handler_;
  http::ClientLimits limits_;
  std::unique_ptr<http::ClientConnection> connection_;
  http::Response answer_;
  std::unique_ptr<io::Pending> dialing_;
};

}  // namespace upgate::plugins
