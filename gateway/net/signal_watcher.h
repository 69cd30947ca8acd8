#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "gateway/net/handle.h"
#include "gateway/net/loop.h"

namespace upgate::net {

// Tells its owner on the loop's thread when the process gets one of the signals; they no longer do
// what they do by default. Destroying it gives the signals back. For one loop of the process,
// commonly that of the main thread.
class SignalWatcher {
 public:
  using Callback = std::function<void(int signal)>;

  // Signals: SIGTERM, SIGINT, SIGHUP and the like. The callback may destroy the watcher.
  SignalWatcher(Loop& loop, std::initializer_list<int> signals, Callback callback);
  ~SignalWatcher() = default;
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  Callback callback_;
  std::vector<UvHandle<uv_signal_t>> handles_;
};

}  // namespace upgate::net
