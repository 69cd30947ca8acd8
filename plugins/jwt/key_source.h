#pragma once

#include <memory>

#include "gateway/plugin/auth.h"
#include "plugins/jwt/key_set.h"

namespace upgate::plugins {

// Who waits for newer keys.
class KeyWaiter {
 public:
  // Newer keys are there, or none can be had now.
  virtual void OnKeys() = 0;

 protected:
  ~KeyWaiter() = default;
};

// Where one loop has its keys from. On its loop's thread.
class KeySource : public io::Deletable {
 public:
  // nullptr if there are none yet.
  virtual std::shared_ptr<const KeySet> keys() const = 0;
  // Asks for newer keys, because those at hand do not fit; false if there is nobody to be asked, or
  // not so soon again. Otherwise `waiter` is called in a later turn, once, unless it has left.
  virtual bool Renew(KeyWaiter& /*waiter*/) { return false; }
  virtual void Leave(KeyWaiter& /*waiter*/) {}
};

}  // namespace upgate::plugins
