#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace upgate::tls {

// Holds the context that new handshakes are made with, which may be replaced at any time; those
// under way keep theirs. Empty where there is no TLS. Thread-safe.
template <class Context>
class ContextCell {
 public:
  ContextCell() = default;
  explicit ContextCell(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  std::shared_ptr<Context> Get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  void Set(std::shared_ptr<Context> context) {
    const std::lock_guard lock(mutex_);
    context_.swap(context);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Context> context_;
};

}  // namespace upgate::tls
