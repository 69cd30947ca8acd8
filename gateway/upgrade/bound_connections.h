#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/backend/http_pool.h"
#include "gateway/base/ref.h"
#include "gateway/http/message.h"
#include "gateway/io/timers.h"
#include "gateway/upgrade/route_context.h"

namespace upgate::upgrade {

// True if these are the credentials of a scheme that authenticates connections: NTLM, or Negotiate
// (RFC 4559), with which the server takes later requests of the connection as the same user's, in
// spite of RFC 9110, section 3.3.
bool AuthenticatesConnection(const http::Headers& request);
// True if a 401 asks for such credentials.
bool AsksForConnectionAuth(const http::Response& answer);

// The connections to servers that belong to one client's connection, because they are
// authenticated or about to be: one for each backend. Later requests of the client use them, and
// nobody else's do. Kept by the client's connection (http::Exchange::connection_state), with which
// they are closed. On the loop's thread.
class BoundConnections final : public io::Deletable {
 public:
  // Beyond that the one used longest ago is closed.
  static constexpr std::size_t kMost = 4;

  // `client`: as the gateway sees it. A trusted proxy may send several clients' requests over one
  // connection; each only gets its own.
  void Keep(Ref<LoopBackend> backend, std::string_view client, backend::Lease lease);
  // nullopt if there is none, or none that can be used any more.
  std::optional<backend::Lease> Take(LoopBackend& backend, std::string_view client,
                                     const backend::Search& search);

 private:
  struct Bound {
    Ref<LoopBackend> backend;  // outlives the connection
    std::string client;
    backend::HttpPool::Reserved connection;
  };
  std::list<Bound> bound_;  // the one used last at the end
};

}  // namespace upgate::upgrade
