#pragma once

#include <memory>

#include <uv.h>

namespace upgate::net {

// Closes a libuv handle. Its memory lives until libuv's close callback, so code still running in
// one of its callbacks may check `data`: nullptr means that the owner is gone.
struct UvClose {
  template <class H>
  void operator()(H* handle) const {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
  }
};

template <class H>
using UvHandle = std::unique_ptr<H, UvClose>;

// A handle initialized by one of the uv_*_init functions, or nullptr if that failed.
template <class H, class... Args>
UvHandle<H> MakeHandle(uv_loop_t* loop, int (*init)(uv_loop_t*, H*, Args...), Args... args) {
  auto handle = std::make_unique<H>();
  if (init(loop, handle.get(), args...) != 0) return nullptr;
  return UvHandle<H>(handle.release());
}

}  // namespace upgate::net
