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

}  // namespace upgate::session
