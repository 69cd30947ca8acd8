#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "gateway/net/handle.h"
#include "gateway/net/loop.h"

namespace upgate::net {

// Calls back on the loop's thread when the process receives one of the signals, which then no
// longer have their default action. The destructor restores the previous handling. For one loop of
// the process, usually that of the main thread.
class SignalWatcher {
 public:
  using Callback = std::function<void(int signal)>;

  // Signals such as SIGTERM, SIGINT, SIGHUP. The callback may destroy the watcher.
  SignalWatcher(Loop& loop, std::initializer_list<int> signals, Callback callback);
  ~SignalWatcher() = default;
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  Callback callback_;
  std::vector<UvHandle<uv_signal_t>> handles_;
};

}  // namespace upgate::net
