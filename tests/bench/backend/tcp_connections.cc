#include "tests/bench/backend/tcp_connections.h"

#include "tests/bench/backend/server.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

void TcpSink::OnBytes(MutableBytes bytes) {
  if (!server().pattern().Matches(received_, bytes))
    Die("the server got other bytes than were sent");
  received_ += bytes.size();
}

TcpSource::TcpSource(Server& server, UniqueFd fd) : Connection(server, std::move(fd)) {
  WantWritable(true);
}

void TcpSource::OnWritable() {
  sent_ += SendSome(server().pattern().Payload(sent_, kPiece));
}

}  // namespace upgate::bench
