#include "gateway/http/client_connection.h"

#include <utility>

#include "gateway/http/http1_client_connection.h"

namespace upgate::http {

std::unique_ptr<ClientConnection> ClientConnection::Start(std::unique_ptr<io::ByteStream> stream,
                                                          io::Loop loop, const ClientLimits& limits,
                                                          Owner& owner) {
  auto connection = std::make_unique<Http1ClientConnection>(std::move(stream), loop, limits, owner);
  connection->Begin();
  return connection;
}

}  // namespace upgate::http
