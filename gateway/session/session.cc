#include "gateway/session/session.h"

#include "gateway/ws/close.h"

namespace upgate::session {

io::MemoryRefusal Session::Refuse() {
  End(ws::close_code::kTryAgainLater, "the gateway is out of memory for clients");
  DropInput();
  HoldBack(false);  // the answer to the Close must be read
  return io::MemoryRefusal::kSession;
}

void Session::AbortEvicted() {
  Abort();
  owner_.OnSessionDone(*this);
}

}  // namespace upgate::session
