#include "gateway/session/ending.h"

namespace upgate::session {

std::string_view ToString(Closer closer) {
  switch (closer) {
    case Closer::kClient:
      return "client";
    case Closer::kServer:
      return "server";
    case Closer::kGateway:
      break;
  }
  return "gateway";
}

std::string FromServer(std::string_view reason) {
  return "from the server: " + std::string(reason);
}

ws::Close FaultOfServer(std::uint16_t close_code, std::string_view reason) {
  if (close_code == ws::close_code::kMessageTooBig) return {close_code, FromServer(reason)};
  return {ws::close_code::kInternalError, "the server violated the protocol"};
}

}  // namespace upgate::session
