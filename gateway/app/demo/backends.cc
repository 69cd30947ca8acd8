#include "gateway/app/demo/backends.h"

#include "gateway/base/side_thread.h"

namespace upgate::app {

DemoBackends::DemoBackends() : tcp_(loop_.view()), http_(loop_.view()) {}

DemoBackends::~DemoBackends() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

Result<DemoAddresses> DemoBackends::Start() {
  auto tcp = tcp_.Listen();
  if (!tcp) return std::unexpected(tcp.error());
  auto http = http_.Listen();
  if (!http) return std::unexpected(http.error());
  auto websocket = websocket_.Start();
  if (!websocket) return std::unexpected(websocket.error());
  thread_ = std::thread([this] {
    BlockSignals();
    loop_.Run();
  });
  return DemoAddresses{*tcp, *websocket, *http};
}

}  // namespace upgate::app
