#include "gateway/http/server_connection.h"

#include <utility>

#include "gateway/http/http1_connection.h"

namespace upgate::http {

std::unique_ptr<ServerConnection> ServerConnection::Start(std::unique_ptr<io::ByteStream> stream,
                                                          io::Loop loop,
                                                          const ServerOptions& options,
                                                          RequestHandler& handler, Owner& owner) {
  auto connection =
      std::make_unique<Http1Connection>(std::move(stream), loop, options, handler, owner);
  connection->Begin();
  return connection;
}

}  // namespace upgate::http
