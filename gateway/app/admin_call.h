#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/backend/connecting.h"
#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"
#include "gateway/tls/context.h"

namespace upgate::app {

// The admin address of a running gateway.
struct AdminAddress {
  std::variant<HostPort, UnixPath> where;
  bool tls = false;
  std::string ToString() const;
};

struct AdminRequest {
  std::string method = "GET";
  std::string target;  // path and query
  std::string token;   // sent as a bearer token (RFC 6750); empty: none
  io::Millis timeout{60'000};
};

// One request to the admin address of a gateway. Starts at once. On its loop's thread.
class AdminCall final : private backend::Connecting::Owner,
                        private http::ResponseHandler,
                        private http::ClientConnection::Owner,
                        private io::Timer::Owner {
 public:
  // Upper bound on a response body, in bytes.
  static constexpr std::size_t kMostAnswer = std::size_t{64} * 1024 * 1024;

  class Owner {
   public:
    // Called once, never from inside the constructor; the call may be destroyed inside it. Gets the
    // whole response, whatever its status.
    virtual void OnAnswered(Result<http::Response> answer) = 0;

   protected:
    ~Owner() = default;
  };

  // What is borrowed outlives the call. `tls` may be nullptr if the address does not use TLS.
  AdminCall(const AdminAddress& address, AdminRequest request,
            std::shared_ptr<tls::ClientContext> tls, io::Loop loop, tls::Scratch& scratch,
            Owner& owner);
  ~AdminCall();
  AdminCall(const AdminCall&) = delete;
  AdminCall& operator=(const AdminCall&) = delete;

 private:
  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;

  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&& head, http::BodyLength length) override;
  void OnBody(Bytes bytes) override;
  void OnBodyEnd(const http::Headers& trailers) override;
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}
  void OnTimer(io::Timer&) override;

  void Finish(Result<http::Response> answer);
  void Fail(Errc code, std::string_view why);
  void ReleaseConnection();

  const std::string name_;  // the address, for messages
  const std::string host_;
  const AdminRequest request_;
  io::Loop loop_;
  Owner& owner_;
  const config::Server server_;
  backend::Connecting connecting_;
  io::Timer timer_;
  http::Response answer_;
  std::unique_ptr<http::ClientConnection> connection_;
};

}  // namespace upgate::app
