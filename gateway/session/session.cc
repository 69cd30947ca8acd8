#include "gateway/session/session.h"

#include "gateway/ws/close.h"

namespace upgate::session {

io::MemoryRefusal Session::Refuse() {
  End(ws::close_code::kTryAgainLater, "the gateway is out of memory for clients");
  DropInput();
  HoldBack(false);  // its answer to the Close is awaited
  return io::MemoryRefusal::kSession;
}

void Session::CutOff() {
  Abandon();
  owner_.OnSessionDone(*this);
}

}  // namespace upgate::session
