#include "gateway/net/signal_watcher.h"

#include <utility>

namespace upgate::net {

SignalWatcher::SignalWatcher(Loop& loop, std::initializer_list<int> signals, Callback callback)
    : callback_(std::move(callback)) {
  for (const int signal : signals) {
    auto handle = MakeHandle<uv_signal_t>(loop.uv(), uv_signal_init);
    if (!handle) continue;
    handle->data = this;
    uv_signal_start(
        handle.get(),
        [](uv_signal_t* h, int number) {
          // A copy, because the callback may destroy this watcher and so itself.
          const Callback callback_now = static_cast<SignalWatcher*>(h->data)->callback_;
          callback_now(number);
        },
        signal);
    handles_.push_back(std::move(handle));
  }
}

}  // namespace upgate::net
