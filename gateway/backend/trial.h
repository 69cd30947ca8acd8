#pragma once

#include <memory>
#include <string>

#include "gateway/backend/connecting.h"
#include "gateway/backend/pool.h"
#include "gateway/http/client_connection.h"
#include "gateway/ws/handshake.h"

namespace upgate::backend {

// An attempt that no client waits for, to see whether an ejected server works again: connects, and
// with a WebSocket server makes a handshake, to which any response will do that is not a wrong 101,
// because the paths that the server knows are not known here. All within connect_timeout. Owned by
// the pool, until it is over.
class Pool::Trial final : public io::Deletable,
                          private Connecting::Owner,
                          private http::ResponseHandler,
                          private http::ClientConnection::Owner,
                          private io::Timer::Owner {
 public:
  Trial(Pool& pool, const Server& server);
  // Broken off: another loop may take its place.
  ~Trial() override;

 private:
  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;
  std::string Greeting() override { return OwnGreeting(pool_.backend().send_proxy); }

  void OnInterim(const http::Response&) override {}
  void OnHead(http::Response&&, http::BodyLength) override { Succeed(); }
  void OnBody(Bytes) override {}
  void OnBodyEnd(const http::Headers&) override {}
  void OnUpgraded(const http::Response& head, http::Upgraded upgraded) override;
  void OnRequestWritable() override {}
  void OnFailed(const Error& error, bool untouched) override;
  void OnIdleConnectionClosed(http::ClientConnection&) override {}
  void OnTimer(io::Timer&) override;

  void SendHandshake(std::unique_ptr<io::ByteStream> stream);
  void Succeed();
  void Fail(const Error& error);
  void Finish();

  Pool& pool_;
  const Server& server_;
  bool over_ = false;
  Connecting connecting_;
  io::Timer timer_;  // for the handshake
  ws::Offer offer_;
  std::unique_ptr<http::ClientConnection> connection_;
};

}  // namespace upgate::backend
